/** What the inventory shows of a secret: a picture of the last look, which decides nothing. */
import { type Handle, tagOf } from '../core/ids.ts';
import type { SecretState, SecretView } from '../store/store.ts';
import type { Bound } from './bind.ts';
import { olderOurs } from './owed.ts';
import { dueOn } from './policy.ts';
import type { Observed, Step } from './types.ts';

const OWNER_MAX = 256;
const NOTES_MAX = 20;

/** How far a pass came, and what the inventory showed before it. */
interface End {
  readonly step: Step;
  readonly bound?: Bound;
  readonly observed?: Observed | undefined;
  readonly before?: SecretView | undefined;
  readonly failed: boolean;
  readonly now: Date;
  readonly notes?: readonly string[] | undefined;
}

/**
 * The picture after a pass. Where the target was not reached the tags say what is owed and due; where the vault was not,
 * nothing is known to have changed but the state.
 */
export function viewOf(end: End, ownerTag: string): SecretView {
  const { bound } = end;
  const heldUntil = heldIn(end);
  const picture = bound ? pictureOf({ ...end, bound }, ownerTag) : keptOf(end);
  return {
    ...picture,
    state: stateOf({ ...end, held: heldUntil !== undefined }),
    ...(heldUntil ? { heldUntil } : {}),
  };
}

type Picture = Omit<SecretView, 'state' | 'heldUntil'>;

function pictureOf({ bound, observed, before, ...end }: End & { readonly bound: Bound }, ownerTag: string): Picture {
  const { current, optIn, policy, state } = bound;
  const owner = tagOf(current.tags, ownerTag)?.slice(0, OWNER_MAX);
  const owed = owedOf({ step: end.step, bound, observed, before });
  const revokeAfter = observed?.after ?? state?.after;
  const notes = [...new Set([...(policy.notes ?? []), ...((observed ? end.notes : before?.notes) ?? [])])];
  return {
    ...{ owed, version: current.id, rotator: optIn.rotator.type, target: optIn.target.id },
    ...(owner === undefined ? {} : { owner }),
    createdOn: current.createdOn,
    ...(current.expiresOn ? { expiresOn: current.expiresOn } : {}),
    dueOn: observed?.dueOn ?? dueOn(current, state?.rot !== undefined, policy),
    ...(revokeAfter && owed.length > 0 ? { revokeAfter } : {}),
    ...(notes.length > 0 ? { notes: notes.slice(0, NOTES_MAX) } : {}),
  };
}

/** What was shown before. Nothing comes due of a secret that is gone, and what another instance serves is owed there. */
function keptOf({ step, before }: End): Picture {
  if (before === undefined) return { owed: [] };
  const { state: _, heldUntil: __, ...kept } = before;
  if (step.reason !== 'gone' && step.reason !== 'other-instance') return kept;
  const { dueOn: _dueOn, expiresOn: _expiresOn, ...undated } = kept;
  if (step.reason === 'gone') return undated;
  const { version: _version, revokeAfter: _revokeAfter, ...elsewhere } = undated;
  return { ...elsewhere, owed: [] };
}

/**
 * The handles that are owed: as the target was seen, else by the tags. Of those the last look at the same version tells
 * which are Keyturn's to revoke and which a person made; `?` is one that only its value would name.
 */
export function owedOf({
  step,
  bound,
  observed,
  before,
}: Pick<End, 'step' | 'observed' | 'before'> & { readonly bound: Bound }): readonly Handle[] {
  if (observed) {
    const left = step.kind === 'revoke' ? observed.owed.filter((each) => !step.owed.includes(each)) : observed.owed;
    return [...new Set(left.map(({ handle }) => handle))];
  }
  const { secret, current, versions, tgt, state } = bound;
  const older = olderOurs(versions, current.id, { secret, tgt, currentRot: state?.rot });
  const isLive = (handle: Handle | undefined) => handle !== undefined && handle === state?.cred;
  const byTags = new Set(older.map(({ handle }) => handle).filter((handle) => !isLive(handle)));
  if (before?.version !== current.id) return [...byTags].map((handle) => handle ?? '?');
  return before.owed.filter((handle) => byTags.has(handle) || byTags.has(undefined));
}

/** The end of the hold that is in force after the step. */
function heldIn({ step, bound, before, now }: End): Date | undefined {
  const known = bound ? bound.state?.hold : before?.heldUntil;
  const hold = step.kind === 'hold' ? step.until : known;
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
