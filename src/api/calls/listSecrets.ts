/** `GET /api/secrets`: the inventory, as the last looks saw it (design section 5). */
import { z } from 'zod';
import { compact } from '../../core/compact.ts';
import { VAULT_NAME } from '../../core/ids.ts';
import { SECRET_STATUSES } from '../../core/statuses.ts';
import { guarded } from '../call.ts';
import { CONTINUATION, fromContinuation, toContinuation } from '../continuation.ts';
import { type InventoryFilter, inventory } from '../inventory.ts';
import { answer } from '../problem.ts';
import { parseQuery } from '../query.ts';
import { SecretsBody, secretsBody } from '../secretBody.ts';

const STATE = SECRET_STATUSES.join('|');

/** The parameters as they are written; strict, so that a misspelt filter does not show everything. */
export const InventoryQuery = z.strictObject({
  vault: z
    .string()
    .regex(VAULT_NAME, 'vault must be the name of a vault')
    .optional()
    .describe('Secrets of this vault only.'),
  state: z
    .string()
    .regex(
      new RegExp(`^(${STATE})(,(${STATE}))*$`),
      `state may name, separated by commas, ${SECRET_STATUSES.join(', ')}`,
    )
    .optional()
    .describe('One state, or several separated by commas.'),
  due: z
    .string()
    .regex(/^\d{1,4}[dh]$/, 'due must be a number of days or hours, as 7d or 36h')
    .optional()
    .describe(
      'Secrets that are due within this time, as `7d` or `36h`, and those that are due already.',
    ),
  owner: z
    .string()
    .max(256, 'owner has at most 256 characters')
    .optional()
    .describe('The exact text of the tag that names the owner.'),
  managed: z
    .enum(['true', 'false'], 'managed must be true or false')
    .optional()
    .describe(
      '`false`: secrets that have not opted in, as the last sweep listed them. `true`, and where neither this nor `state=unmanaged` is given: those that Keyturn watches.',
    ),
  expires: z
    .string()
    .regex(
      /^(\d{1,4}[dh]|never)$/,
      'expires must be a number of days or hours, as 30d or 36h, or never',
    )
    .optional()
    .describe(
      'Secrets that expire within this time, and those that have expired; or those that `never` do.',
    ),
  olderThan: z
    .string()
    .regex(/^\d{1,4}[dh]$/, 'olderThan must be a number of days or hours, as 90d or 36h')
    .optional()
    .describe(
      'Secrets whose credential, as far as that is known, else whose current version is at least so old.',
    ),
  continuation: CONTINUATION,
});

/** Parses a query; an empty parameter is an absent one. Throws `bad-request` naming what is wrong (case SEC-06). */
export function fromInventoryQuery(query: URLSearchParams): InventoryFilter {
  const { vault, state, due, owner, managed, expires, olderThan, continuation } = parseQuery(
    InventoryQuery,
    query,
  );
  const listed = state?.split(',');
  return compact({
    vault: vault?.toLowerCase(),
    states:
      listed === undefined ? undefined : SECRET_STATUSES.filter((each) => listed.includes(each)),
    dueWithinHours: due === undefined ? undefined : hoursIn(due),
    owner,
    managed: managed === undefined ? undefined : managed === 'true',
    expires: expires === undefined ? undefined : expires === 'never' ? expires : hoursIn(expires),
    olderThanHours: olderThan === undefined ? undefined : hoursIn(olderThan),
    after: fromContinuation(continuation),
  });
}

const hoursIn = (text: string): number => Number.parseInt(text, 10) * (text.endsWith('d') ? 24 : 1);

export const listSecrets = guarded({
  name: 'secrets',
  method: 'GET',
  path: 'secrets',
  summary: 'The inventory, by vault and name, 100 at a time',
  roles: ['Keyturn.Read'],
  byVault: 'readers',
  query: { schema: InventoryQuery, parse: fromInventoryQuery },
  answers: { 200: { description: 'Found.', body: { name: 'SecretsBody', schema: SecretsBody } } },
  async run(deps, caller, { query }) {
    const { items, last } = await inventory(query, caller, deps);
    return answer(200, secretsBody(items, last && toContinuation(last)));
  },
});
