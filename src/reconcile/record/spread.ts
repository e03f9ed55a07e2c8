/**
 * A leak is about a credential: every opted-in secret that keeps it gets the same request, by an operation of its own. Done at every
 * look until nobody is left, so that a pass that dies in between forgets nobody; the ids follow from the first operation.
 */
import type { Grant } from '../../core/grants.ts';
import { type SecretRef, uuidOf } from '../../core/ids.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Operation } from '../../ports/operations.ts';
import { besides, leakedHandle } from '../observe/leak.ts';
import type { Observation } from '../observe/observation.ts';
import { append, inLog, recordOfRequest } from './auditRecord.ts';

/** The operations of those that keep the leaked credential beside this secret: made, recorded and queued where they are new. */
export async function spread(
  leak: Operation,
  seen: Observation,
  grants: readonly Grant[],
  deps: Deps,
): Promise<readonly string[]> {
  if (leak.parent !== undefined || deps.config.mode === 'observe') return [];
  const found = await besides(seen, leakedHandle(seen, leak.version), grants, deps);
  for (const each of found) await ask(leak, each, deps);
  return found.map(({ vault, name }) => `${vault}/${name}`);
}

async function ask(leak: Operation, { vault, name }: SecretRef, deps: Deps): Promise<void> {
  const current = await deps.vaults.open(vault)?.current(name);
  if (current === undefined || typeof current === 'string') return;
  const now = deps.clock.now();
  const { result: _, reason: __, detail: ___, call: ____, ...rest } = leak;
  const operation: Operation = {
    ...rest,
    ...{
      id: idOf(leak.id, { vault, name }, current.id),
      vault,
      name,
      version: current.id,
      parent: leak.id,
    },
    ...{
      phase: 'accepted',
      done: false,
      recorded: true,
      createdOn: leak.createdOn,
      updatedOn: now,
      steps: [],
    },
  };
  if (await deps.rows.createOperation(operation)) {
    const record = recordOfRequest(operation, undefined, deps);
    deps.log('info', 'audit', inLog(record));
    await append(record, deps);
  } else if ((await deps.rows.operation(operation.id))?.phase !== 'accepted') return;
  await deps.queue.put({ vault, name, cause: 'http', operation: operation.id });
}

/** From the first operation, the secret and its version. */
const idOf = (id: string, { vault, name }: SecretRef, version: string): string =>
  uuidOf(id, vault, name, version);
