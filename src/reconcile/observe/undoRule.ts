/**
 * The rule of an undo (design section 3, "Undo"): the rotation that wrote the current version is taken back while the credential
 * that it replaced still works. Nothing is issued and nothing changed at the target; both credentials live on, and the
 * obligation changes sides.
 */
import { addDays, latest } from '../../core/clock.ts';
import type { Reason } from '../../core/reasons.ts';
import type { Step } from '../step.ts';
import { type Observed, proves } from './observed.ts';

/** What was undone stays so for a week: time to find out why, in which nothing is rotated and nothing revoked. */
const HOLD_DAYS = 7;

/** The end of the hold that comes with an undo; one that is longer already stays. */
export const undoHold = (hold: Date | undefined, now: Date): Date =>
  latest(hold, addDays(now, HOLD_DAYS)) as Date;

/** What an undo is answered that can't be: the answer to a request, and nothing that is wrong with the secret. */
export const UNDO_ANSWERS: readonly Reason[] = [
  'undo-revoked',
  'undo-overwritten',
  'undo-not-ours',
  'undo-refused',
];

/** The former value again, as a version of ours; or why not. */
export function undo(observed: Observed): Step {
  const { overlap, written, former, rotation, left } = observed;
  if (overlap === 'none') return { kind: 'wait', reason: 'undo-overwritten' };
  if (!written) return { kind: 'wait', reason: 'undo-not-ours' };
  // What a person made at a target that takes many is never Keyturn's to revoke, so it could not be owed again either.
  if (former === undefined)
    return { kind: 'wait', reason: left.length > 0 ? 'undo-not-ours' : 'undo-revoked' };
  const { version, handle, verdict, said } = former;
  if (!proves(verdict)) {
    const detail = said ?? `The target answered ${verdict} to the ${handle} of version ${version}.`;
    return { kind: 'wait', reason: 'undo-refused', detail };
  }
  return { kind: 'rotate', reason: 'undo', rotation, source: { kind: 'again', handle, version } };
}
