/** What the inventory shows of a secret: a picture of the last look, which decides nothing. */
import { tagOf } from '../core/ids.ts';
import type { SecretState, SecretView } from '../store/store.ts';
import type { Bound } from './bind.ts';
import type { Observed, Step } from './types.ts';

const OWNER_MAX = 256;

/** The picture after a pass: of what was bound and seen, as far as the pass came. */
export function viewOf(
  end: {
    readonly step: Step;
    readonly bound?: Bound;
    readonly observed?: Observed | undefined;
    readonly failed: boolean;
  },
  ownerTag: string,
): SecretView {
  const { bound, observed } = end;
  const owner = bound && tagOf(bound.current.tags, ownerTag)?.slice(0, OWNER_MAX);
  const revokeAfter = observed?.after ?? bound?.state?.after;
  return {
    state: stateOf(end),
    owed: [...new Set(observed?.owed.map(({ handle }) => handle))],
    ...(owner === undefined ? {} : { owner }),
    ...(bound ? { version: bound.current.id, rotator: bound.optIn.rotator.type, target: bound.optIn.target.id } : {}),
    ...(bound ? { createdOn: bound.current.createdOn } : {}),
    ...(bound?.current.expiresOn ? { expiresOn: bound.current.expiresOn } : {}),
    ...(observed ? { dueOn: observed.dueOn } : {}),
    ...(revokeAfter && observed && observed.owed.length > 0 ? { revokeAfter } : {}),
  };
}

/** One word for where a secret stands. A change in progress is shown as what comes after it. */
function stateOf({
  step,
  observed,
  failed,
}: {
  step: Step;
  observed?: Observed | undefined;
  failed: boolean;
}): SecretState {
  if (step.reason === 'disabled') return 'held'; // its owner switched it off
  if (step.kind === 'skip') return step.reason === 'not-opted-in' ? 'opt-in-lost' : 'unmanaged';
  if (step.reason === 'conflict') return 'conflict';
  if (failed || step.reason === 'too-many' || step.reason === 'brake') return 'failed';
  if (step.kind === 'refuse') return 'refused';
  if (step.kind === 'rotate') return 'unproved';
  if (step.kind === 'prove' || step.kind === 'restore') return observed && observed.owed.length > 0 ? 'grace' : 'ok';
  if (step.kind === 'revoke') return 'ok';
  return waitingState(step.reason, observed);
}

function waitingState(reason: Step['reason'], observed: Observed | undefined): SecretState {
  if (reason === 'not-due') return 'ok';
  if (reason === 'grace' || reason === 'unproved' || reason === 'drift') return reason;
  if (reason === 'hold' || reason === 'paused') return 'held';
  const due = observed !== undefined && observed.owed.length === 0;
  return due && ['window', 'mode-observe', 'mode-drain', 'rate', 'index', 'backing-off'].includes(reason)
    ? 'due'
    : 'waiting';
}
