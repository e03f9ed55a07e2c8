/** What becomes of a message that failed five times (case FN-09). */
import { addHours } from './core/clock.ts';
import type { Look } from './core/look.ts';
import { reasonRow } from './core/reasons.ts';
import type { Deps } from './reconcile/deps.ts';

/** Then the sweep tries again: whatever was wrong may have been mended. */
const RETRY_HOURS = 1;
const REASON = 'failed';

/** Marks the secret and the operation as failed, and alerts once. Writes nothing in vault or target. */
export async function giveUp({ vault, name, operation: id }: Look, { rows, vaults, clock, log }: Deps): Promise<void> {
  if (!vaults.open(vault)) return log('warn', 'message skipped', { vault, name, reason: 'not-allowed' });
  const now = clock.now();
  const row = await rows.secret({ vault, name });
  if (row?.alert !== REASON) {
    const { by, remedy } = reasonRow(REASON);
    log('error', 'alert', { vault, name, reason: REASON, by, remedy, operation: id });
  }
  const times = { lookedOn: now, nextLookOn: addHours(now, RETRY_HOURS) };
  await rows.saveSecret({ failures: 0, ...row, vault, name, step: 'failed', reason: REASON, alert: REASON, ...times });
  const operation = id === undefined ? undefined : await rows.operation(id);
  if (operation?.status === 'accepted' || operation?.status === 'running') {
    await rows.saveOperation({ ...operation, status: 'failed', reason: REASON, updatedOn: now });
  }
}
