/** `GET /api/operations/{id}`: what became of a request (design section 5). */
import { KeyturnError } from '../../core/errors.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Operation } from '../../ports/operations.ts';
import { type Caller, requireRole } from '../auth.ts';
import { guarded } from '../call.ts';
import { OperationBody, operationBody, RETRY_SECONDS } from '../operationBody.ts';
import { answer } from '../problem.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The operation, for whoever made it and for readers. Others get the 404 of an id that never was; a token with none of
 * the roles, 403.
 */
export async function operation(
  id: string,
  caller: Caller,
  { rows }: Pick<Deps, 'rows'>,
): Promise<Operation> {
  requireRole(caller, 'Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke');
  const found = UUID.test(id) ? await rows.operation(id.toLowerCase()) : undefined;
  const isSeen =
    caller.only === undefined || (found !== undefined && caller.only.includes(found.vault));
  const mayRead = found?.caller === caller.oid || (caller.roles.includes('Keyturn.Read') && isSeen);
  if (!found || !mayRead) throw new KeyturnError('not-found');
  return found;
}

export const showOperation = guarded({
  name: 'operation',
  method: 'GET',
  path: 'operations/{id}',
  summary: 'What became of a request',
  description: 'For whoever made it, and for `Keyturn.Read`.',
  parameters: { id: 'From `Operation-Location`.' },
  roles: ['Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke'],
  byVault: 'readers',
  answers: {
    200: {
      description: 'The operation.',
      body: { name: 'OperationBody', schema: OperationBody },
      headers: { 'Retry-After': 'text' },
    },
  },
  async run(deps, caller, { path }) {
    const found = await operation(path.id ?? '', caller, deps);
    return answer(200, operationBody(found), found.done ? {} : { 'retry-after': RETRY_SECONDS });
  },
});
