/** What becomes of messages that failed five times (case FN-09), and of those that nobody can read (finding HST-02). */

import { isSkip, type NoLook } from '../api/inbox/skip.ts';
import { addHours } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import type { LogFields } from '../core/log.ts';
import type { Look } from '../core/look.ts';
import type { Reason } from '../core/reasons.ts';
import type { Deps } from '../ports/deps.ts';
import { alertOrCount } from '../reconcile/record/alertOrCount.ts';
import type { Pace } from '../sweep/pace.ts';
import { aboutSecret } from '../tags/about.ts';

/** Then the sweep tries again: whatever was wrong may have been mended. */
const RETRY_HOURS = 1;
const REASON = 'failed';
const EVENTS = 'keyturn-events';
const HELD_BACK =
  'A message of the queue of events failed five times; what it held is recorded beside this, and its looks are queued.';

/** Marks the secret and the operation as failed, and alerts once. Writes nothing in vault or target. */
export async function giveUp({ vault, name, operation: id }: Look, deps: Deps): Promise<void> {
  const { rows, vaults, clock, log } = deps;
  if (!vaults.open(vault))
    return log('warn', 'message skipped', { vault, name, reason: 'not-allowed' });
  const now = clock.now();
  const row = await rows.secret({ vault, name });
  const open = deps.config.mode === 'observe' ? 'wouldAlert' : 'alert';
  const about = aboutSecret({ secret: { vault, name }, row }, deps);
  const incident = row?.lookedOn?.toISOString() ?? 'first';
  if (row?.[open] !== REASON)
    await alertOrCount({ vault, name }, REASON, { ...about, operation: id, incident }, deps);
  const times = { lookedOn: now, nextLookOn: addHours(now, RETRY_HOURS) };
  await rows.saveSecret({
    failures: 0,
    ...row,
    vault,
    name,
    step: 'failed',
    reason: REASON,
    [open]: REASON,
    ...times,
  });
  const operation = id === undefined ? undefined : await rows.operation(id);
  if (operation && !operation.done) {
    await rows.saveOperation({
      ...operation,
      phase: 'failed',
      done: true,
      reason: REASON,
      updatedOn: now,
    });
  }
}

/**
 * Records what a message of the queue of events held, alerts once an hour for all such messages, and queues the looks that
 * it asked for, at whatever version is current by now. An event that is none of ours says why.
 */
export async function giveUpEvents(
  events: readonly (Look | NoLook)[],
  pace: Pace,
  deps: Deps,
): Promise<void> {
  const { queue, log } = deps;
  await alertOfQueue(EVENTS, REASON, { detail: HELD_BACK }, deps);
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

/** Records a message that nobody can read, and alerts once an hour for all of a queue. */
export async function unreadable(queue: string, message: string, deps: Deps): Promise<void> {
  // Its size alone: whatever it is, it may hold a value.
  const detail = `${message.length} characters`;
  deps.log('warn', 'message unreadable', { queue, detail });
  await alertOfQueue(queue, 'unreadable', { detail }, deps);
}

/** How many messages a queue holds, hidden ones too. */
export interface QueueLength {
  readonly queue: string;
  readonly messages: number;
}

/**
 * Alerts where messages lie in a poison queue. The functions that read these queues take what comes at once, so what is
 * still there at a sweep has failed: and a poison queue has none of its own, so that after five tries the host would fetch the
 * message every ten minutes for ever and show it to nobody (QueueProcessor of the Storage extension).
 */
export async function watchPoison(
  lengths: () => Promise<readonly QueueLength[]>,
  deps: Deps,
): Promise<void> {
  try {
    for (const { queue, messages } of await lengths())
      if (messages > 0) await alertOfQueue(queue, 'poison-left', { count: messages }, deps);
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    // The next sweep asks again, and a storage that does not answer is alerted for other reasons.
    deps.log('warn', 'poison queues not read', { reason: error.reason });
  }
}

/** At most once an hour for a queue and reason. */
export async function alertOfQueue(
  queue: string,
  reason: Reason,
  fields: LogFields,
  deps: Deps,
): Promise<void> {
  if (await isFirstOfHour(queue, reason, deps))
    deps.log('error', 'alert', { queue, reason, ...fields });
}

/** A table that does not answer may be why the message failed: then it is alerted rather than not. */
async function isFirstOfHour(
  queue: string,
  reason: Reason,
  { alerts, config }: Deps,
): Promise<boolean> {
  if (config.mode === 'observe') return true; // told, not alerted: no hour begins
  try {
    return await alerts.isFirst(`queue ${queue}`, reason);
  } catch (error) {
    if (error instanceof KeyturnError) return true;
    throw error;
  }
}
