/** What the inventory shows of a secret: a picture of the last look, which decides nothing. */
import { tagOf } from '../core/ids.ts';
import type { SecretState, SecretView } from '../store/store.ts';
import type { Bound } from './bind.ts';
import type { Observed, Step } from './types.ts';

const OWNER_MAX = 256;
const NOTES_MAX = 20;

/** The picture after a pass: of what was bound and seen, as far as the pass came. */
export function viewOf(
  end: {
    readonly step: Step;
    readonly bound?: Bound;
    readonly observed?: Observed | undefined;
    readonly failed: boolean;
    readonly now: Date;
    readonly notes?: readonly string[] | undefined;
  },
  ownerTag: string,
): SecretView {
  const { bound, observed } = end;
  const owner = bound && tagOf(bound.current.tags, ownerTag)?.slice(0, OWNER_MAX);
  const revokeAfter = observed?.after ?? bound?.state?.after;
  const heldUntil = heldIn(end);
  return {
    state: stateOf({ ...end, held: heldUntil !== undefined }),
    owed: [...new Set(observed?.owed.map(({ handle }) => handle))],
    ...(owner === undefined ? {} : { owner }),
    ...(bound ? { version: bound.current.id, rotator: bound.optIn.rotator.type, target: bound.optIn.target.id } : {}),
    ...(bound ? { createdOn: bound.current.createdOn } : {}),
    ...(bound?.current.expiresOn ? { expiresOn: bound.current.expiresOn } : {}),
    ...(observed ? { dueOn: observed.dueOn } : {}),
    ...(revokeAfter && observed && observed.owed.length > 0 ? { revokeAfter } : {}),
    ...(heldUntil ? { heldUntil } : {}),
    ...(end.notes?.length ? { notes: end.notes.slice(0, NOTES_MAX) } : {}),
  };
}

/** The end of the hold that is in force after the step. */
function heldIn({ step, bound, now }: { step: Step; bound?: Bound; now: Date }): Date | undefined {
  const hold = step.kind === 'hold' ? step.until : bound?.state?.hold;
  return hold && now < hold ? hold : undefined;
}

/** Waits because rotations failed, of this secret or of its kind. */
const FAILING: readonly Step['reason'][] = ['too-many', 'brake', 'backing-off'];

/** One word for where a secret stands. A change in progress is shown as what comes after it. */
function stateOf({
  step,
  observed,
  failed,
  held,
}: {
  step: Step;
  observed?: Observed | undefined;
  failed: boolean;
  held: boolean;
}): SecretState {
  if (step.reason === 'disabled') return 'held'; // its owner switched it off
  if (step.kind === 'skip') return step.reason === 'not-opted-in' ? 'opt-in-lost' : 'unmanaged';
  if (step.reason === 'conflict') return 'conflict';
  if (failed || FAILING.includes(step.reason)) return 'failed';
  if (step.kind === 'refuse') return 'refused';
  if (step.kind === 'rotate') return 'unproved';
  if (step.kind === 'prove' || step.kind === 'restore') return observed && observed.owed.length > 0 ? 'grace' : 'ok';
  if (step.kind === 'revoke') return 'ok';
  // What would go well by itself is held; what goes wrong meanwhile is still shown as that.
  const state = step.kind === 'hold' ? 'ok' : waitingState(step.reason, observed);
  return held && ['ok', 'grace', 'due', 'waiting'].includes(state) ? 'held' : state;
}

function waitingState(reason: Step['reason'], observed: Observed | undefined): SecretState {
  if (reason === 'not-due') return 'ok';
  if (reason === 'grace' || reason === 'unproved' || reason === 'drift') return reason;
  if (reason === 'hold' || reason === 'paused') return 'held';
  const due = observed !== undefined && observed.owed.length === 0;
  return due && ['window', 'mode-observe', 'mode-drain', 'rate', 'index'].includes(reason) ? 'due' : 'waiting';
}
