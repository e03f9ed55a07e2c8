/** What a pass that ended in an error comes to: a skip, a wait or something that a person must mend. */
import { addMinutes } from '../core/clock.ts';
import { BusyError, type KeyturnError, LockLostError, UnknownOutcomeError } from '../core/errors.ts';
import { reasonRow } from '../core/reasons.ts';
import { Stopped } from './bind.ts';
import { SETTLING_MINUTES } from './observe.ts';
import type { Step } from './types.ts';

const BUSY_MINUTES = 1;

export function failureStep(error: KeyturnError, now: Date): Step {
  const detail = { detail: error.detail };
  if (error instanceof Stopped) {
    const { kind, reason } = error;
    return kind === 'skip' ? { kind, reason, ...detail } : { kind, reason, ...detail };
  }
  if (error instanceof LockLostError)
    return { kind: 'wait', reason: 'lock-lost', until: addMinutes(now, BUSY_MINUTES), ...detail };
  // Unchanged means "not yet known": the locks go back, and the write has ten minutes to arrive.
  if (error instanceof UnknownOutcomeError)
    return { kind: 'wait', reason: 'settling', until: addMinutes(now, SETTLING_MINUTES), ...detail };
  const pause = Math.max(BUSY_MINUTES, (error.facts.retryAfterSeconds ?? 0) / 60);
  if (error instanceof BusyError)
    return { kind: 'wait', reason: error.reason, until: addMinutes(now, pause), ...detail };
  if (reasonRow(error.reason).by === 'nobody')
    return { kind: 'wait', reason: error.reason, until: addMinutes(now, BUSY_MINUTES), ...detail };
  return { kind: 'refuse', reason: error.reason, ...detail };
}

/** A rotation that came to nothing for a reason of its own: not a lost lock, a superseded version or a busy service. */
export function isFailure(error: KeyturnError): boolean {
  return (
    ['not-accepted', 'store-refused', 'vault-policy', 'target-forbidden', 'name-deleted', 'failed'].includes(
      error.reason,
    ) && !(error instanceof BusyError)
  );
}
