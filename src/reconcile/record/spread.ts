/**
 * A leak is about a credential: every opted-in secret that keeps it gets the same request, by an operation of its own. Done at every
 * look until nobody is left, so that a pass that dies in between forgets nobody; the ids follow from the first operation.
 */
import { createHash } from 'node:crypto';
import type { Grant } from '../../core/grants.ts';
import type { SecretRef } from '../../core/ids.ts';
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
    ...{ id: idOf(leak.id, { vault, name }, current.id), vault, name, version: current.id, parent: leak.id },
    ...{ phase: 'accepted', done: false, recorded: true, createdOn: leak.createdOn, updatedOn: now, steps: [] },
  };
  if (await deps.rows.createOperation(operation)) {
    const record = recordOfRequest(operation, undefined, deps);
    deps.log('info', 'audit', inLog(record));
    await append(record, deps);
  } else if ((await deps.rows.operation(operation.id))?.phase !== 'accepted') return;
  await deps.queue.put({ vault, name, cause: 'http', operation: operation.id });
}

/** A UUID of version 8 from the first operation, the secret and its version. */
function idOf(id: string, { vault, name }: SecretRef, version: string): string {
  const bytes = createHash('sha256').update(`${id}\n${vault}\n${name}\n${version}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
