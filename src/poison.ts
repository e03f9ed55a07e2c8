/** What becomes of messages that failed five times (case FN-09). */
import { addHours } from './core/clock.ts';
import { KeyturnError } from './core/errors.ts';
import type { Look } from './core/look.ts';
import { reasonRow } from './core/reasons.ts';
import { alertOrCount } from './reconcile/alertGroups.ts';
import type { Deps } from './reconcile/deps.ts';
import type { Pace } from './reconcile/pace.ts';
import { isSkip, type Skip } from './requests/skip.ts';

/** Then the sweep tries again: whatever was wrong may have been mended. */
const RETRY_HOURS = 1;
const REASON = 'failed';
const EVENTS = 'keyturn-events';

/** Marks the secret and the operation as failed, and alerts once. Writes nothing in vault or target. */
export async function giveUp({ vault, name, operation: id }: Look, deps: Deps): Promise<void> {
  const { rows, vaults, clock, log } = deps;
  if (!vaults.open(vault)) return log('warn', 'message skipped', { vault, name, reason: 'not-allowed' });
  const now = clock.now();
  const row = await rows.secret({ vault, name });
  if (row?.alert !== REASON) await alertOrCount({ vault, name }, REASON, { operation: id }, deps);
  const times = { lookedOn: now, nextLookOn: addHours(now, RETRY_HOURS) };
  await rows.saveSecret({ failures: 0, ...row, vault, name, step: 'failed', reason: REASON, alert: REASON, ...times });
  const operation = id === undefined ? undefined : await rows.operation(id);
  if (operation?.status === 'accepted' || operation?.status === 'running') {
    await rows.saveOperation({ ...operation, status: 'failed', reason: REASON, updatedOn: now });
  }
}

/**
 * Records what a message of the queue of events held, alerts once an hour for all such messages, and queues the looks that
 * it asked for, at whatever version is current by now. An event that is none of ours says why.
 */
export async function giveUpEvents(events: readonly (Look | Skip)[], pace: Pace, deps: Deps): Promise<void> {
  const { queue, log } = deps;
  const { by, remedy } = reasonRow(REASON);
  if (await isFirstOfHour(deps)) log('error', 'alert', { queue: EVENTS, reason: REASON, by, remedy });
  for (const event of events) {
    if (isSkip(event)) {
      log('warn', 'event skipped', { queue: EVENTS, reason: event.skip, detail: event.detail });
      continue;
    }
    const { vault, name } = event;
    await queue.put({ vault, name, cause: 'event' }, pace.delayOf(vault, 'unproven'));
    log('warn', 'event queued after all', { queue: EVENTS, vault, name });
  }
}

/** A table that does not answer may be why the message failed: then it is alerted rather than not. */
async function isFirstOfHour({ alerts }: Deps): Promise<boolean> {
  try {
    return await alerts.isFirst(`queue ${EVENTS}`, REASON);
  } catch (error) {
    if (error instanceof KeyturnError) return true;
    throw error;
  }
}
