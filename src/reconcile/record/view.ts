/** What the inventory shows of a secret: a picture of the last look, which decides nothing. */
import { latest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import { type Handle, type Tags, tagOf } from '../../core/ids.ts';
import { mask } from '../../core/mask.ts';
import type { SecretStatus } from '../../core/statuses.ts';
import type { SecretView } from '../../ports/rows.ts';
import { olderOurs } from '../../tags/owed.ts';
import { dueOn, type Lived } from '../../tags/policy.ts';
import type { Observed } from '../observe/observed.ts';
import type { BoundSecret, Trail } from '../observe/observeVault.ts';
import type { Step } from '../step.ts';

const OWNER_MAX = 256;
const NOTES_MAX = 20;

/** How far a pass came, and what the inventory showed before it. */
interface End {
  readonly step: Step;
  readonly bound?: BoundSecret;
  readonly observed?: Observed | undefined;
  readonly before?: SecretView | undefined;
  readonly failed: boolean;
  readonly now: Date;
  readonly notes?: readonly string[] | undefined;
  /** What was seen of a secret that is not opted in. */
  readonly trail?: Trail | undefined;
  /** The doctor has found something that keeps its next rotation from working. */
  readonly atRisk?: boolean;
}

/**
 * The picture after a pass. Where the target was not reached the tags say what is owed and due; where the vault was not,
 * nothing is known to have changed but the state.
 */
export function viewOf(end: End, ownerTag: string): SecretView {
  const { bound } = end;
  const heldUntil = holdIn(end);
  const { exempt: _, ...picture } = bound
    ? pictureOf({ ...end, bound }, ownerTag)
    : keptOf(end, ownerTag);
  const exempt = exemptIn(end);
  const status = statusAfter({ ...end, onHold: heldUntil !== undefined });
  return compact({
    ...picture,
    exempt,
    state: end.atRisk && GOING_WELL.includes(status) ? 'at-risk' : status,
    heldUntil,
  });
}

/** What looks as if the next rotation would come by itself; every other state says already what is wrong. */
const GOING_WELL: readonly SecretStatus[] = ['ok', 'due', 'grace'];

type Picture = Omit<SecretView, 'state' | 'heldUntil'>;

function pictureOf(
  { bound, observed, before, ...end }: End & { readonly bound: BoundSecret },
  ownerTag: string,
): Picture {
  const { current, optIn, policy, state, leaving } = bound;
  const owner = ownerOf(current.tags, ownerTag);
  const owed = owedOf({ step: end.step, bound, observed, before });
  const revokeAfter = end.step.kind === 'move' ? end.step.after : (observed?.after ?? state?.after);
  const lived = livedOf(bound, observed);
  const notes = [
    ...new Set([...(policy.notes ?? []), ...((observed ? end.notes : before?.notes) ?? [])]),
  ];
  return compact({
    owed,
    version: current.id,
    rotator: optIn.rotator.type,
    target: optIn.target.id,
    owner,
    createdOn: current.createdOn,
    credentialSince: lived.since,
    expiresOn: current.expiresOn,
    dueOn:
      leaving === undefined
        ? (observed?.dueOn ?? dueOn(current, state?.rot !== undefined, policy, lived))
        : undefined,
    revokeAfter: revokeAfter && owed.length > 0 ? revokeAfter : undefined,
    notes: notes.length > 0 ? notes.slice(0, NOTES_MAX) : undefined,
  });
}

/** As the target was seen, else as the row has it of the same version. */
function livedOf({ row, current }: BoundSecret, observed: Observed | undefined): Lived {
  const known = row?.age?.version === current.id ? row.age : undefined;
  const { since, currentSince } = observed?.age ?? known ?? {};
  return { since, currentSince, takenOverOn: row?.takenOverOn };
}

/** The exemption as it stands on the version, where the vault was read; else as it was shown before. */
function exemptIn({ trail, before }: End): SecretView['exempt'] {
  const found = trail?.exemption;
  if (!found) return trail?.current === undefined ? before?.exempt : undefined;
  const { reason, until, ticket } = found;
  return compact({
    reason: mask(reason).slice(0, OWNER_MAX),
    until,
    ticket: ticket === undefined ? undefined : mask(ticket),
  });
}

/** Not opted in, and nothing is left to do. */
const LEFT: readonly Step['reason'][] = ['not-opted-in', 'opted-out', 'exempt', 'exempt-ended'];
export const isLeft = (reason: Step['reason']): boolean => LEFT.includes(reason);

/**
 * What was shown before. Nothing comes due of a secret that is gone, opted out or another instance's; what it owes goes on
 * being shown, until a look has seen that it owes nothing.
 */
function keptOf({ step, before, trail }: End, ownerTag: string): Picture {
  const { state: _, heldUntil: __, ...kept } = before ?? { state: 'ok', owed: [] };
  const { reason } = step;
  if (isLeft(reason)) return leftOf(kept, trail, ownerTag);
  if (reason !== 'gone' && reason !== 'other-instance') return kept;
  const { dueOn: _dueOn, expiresOn: _expiresOn, ...undated } = kept;
  return undated;
}

function leftOf(kept: Picture, trail: Trail | undefined, ownerTag: string): Picture {
  const { dueOn: _dueOn, revokeAfter: _revokeAfter, expiresOn, createdOn, version, ...rest } = kept;
  const current = trail?.current;
  const dated = { version: current?.id ?? version, createdOn: current?.createdOn ?? createdOn };
  const expiry = current ? current.expiresOn : expiresOn;
  const owner = current && ownerOf(current.tags, ownerTag);
  return compact({
    ...rest,
    version: dated.version,
    createdOn: dated.createdOn,
    expiresOn: expiry,
    ...(owner === undefined ? {} : { owner }),
    owed: [],
  });
}

/** What an owner wrote is kept and shown to readers, but for what looks like a credential (finding ATK-07). */
function ownerOf(tags: Tags, ownerTag: string): string | undefined {
  const owner = tagOf(tags, ownerTag);
  return owner === undefined ? undefined : mask(owner).slice(0, OWNER_MAX);
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
}: Pick<End, 'step' | 'observed' | 'before'> & { readonly bound: BoundSecret }): readonly Handle[] {
  if (observed) {
    const left =
      step.kind === 'revoke'
        ? observed.owed.filter((each) => !step.owed.includes(each))
        : observed.owed;
    return [...new Set(left.map(({ handle }) => handle))];
  }
  const { secret, current, versions, tgt, state } = bound;
  const older = olderOurs(versions, current.id, { secret, tgt, currentRot: state?.rot });
  const isLive = (handle: Handle | undefined) => handle !== undefined && handle === state?.cred;
  const byTags = new Set(older.map(({ handle }) => handle).filter((handle) => !isLive(handle)));
  // Of a version without a state the tags do not tell which of them it keeps itself: the last look did.
  if (bound.leaving !== undefined && state === undefined && before)
    return before.owed.filter((handle) => byTags.has(handle));
  if (before?.version !== current.id) return [...byTags].map((handle) => handle ?? '?');
  return before.owed.filter((handle) => byTags.has(handle) || byTags.has(undefined));
}

/** The end of the hold that is in force after the step. */
function holdIn({ step, bound, observed, before, now }: End): Date | undefined {
  const known = bound ? bound.state?.hold : before?.heldUntil;
  const hold = latest(step.kind === 'hold' ? step.until : known, observed?.onHold?.[0]?.until);
  return hold && now < hold ? hold : undefined;
}

/** Waits because rotations failed, of this secret or of its kind. */
const FAILING: readonly Step['reason'][] = ['too-many', 'brake', 'backing-off'];

const SKIPPED: { readonly [reason in Step['reason']]?: SecretStatus } = {
  'not-opted-in': 'opt-in-lost',
  exempt: 'exempt',
  'opted-out': 'unmanaged',
  gone: 'gone',
  'other-instance': 'not-served',
  'not-allowed': 'not-served',
  managed: 'certificate',
};

/** One word for where a secret stands. A change in progress is shown as what comes after it. */
function statusAfter({
  step,
  observed,
  failed,
  onHold,
  trail,
}: {
  step: Step;
  observed?: Observed | undefined;
  failed: boolean;
  onHold: boolean;
  trail?: Trail | undefined;
}): SecretStatus {
  if (step.reason === 'disabled') return 'held'; // its owner switched it off
  if (step.kind === 'skip') return SKIPPED[step.reason] ?? 'waiting';
  if (step.reason === 'exempt-ended') return 'refused';
  // Whatever keeps it from ending stands in the reason.
  if (trail?.leaving !== undefined) return 'leaving';
  if (step.reason === 'conflict') return 'conflict';
  if (failed || FAILING.includes(step.reason)) return 'failed';
  if (step.kind === 'refuse') return 'refused';
  if (step.kind === 'rotate') return 'unproved';
  if (step.kind === 'prove' || step.kind === 'restore' || step.kind === 'follow')
    return observed && observed.owed.length > 0 ? 'grace' : 'ok';
  if (step.kind === 'revoke') return 'ok';
  if (step.kind === 'move') return onHold ? 'held' : 'grace';
  // What would go well by itself is on hold; what goes wrong meanwhile is still shown as that.
  const state = step.kind === 'hold' ? 'ok' : waitingStatus(step.reason, observed);
  return onHold && ['ok', 'grace', 'due', 'waiting'].includes(state) ? 'held' : state;
}

function waitingStatus(reason: Step['reason'], observed: Observed | undefined): SecretStatus {
  if (reason === 'not-due') return 'ok';
  if (reason === 'grace' || reason === 'unproved' || reason === 'drift') return reason;
  if (reason === 'consumers') return 'grace';
  if (reason === 'hold' || reason === 'paused') return 'held';
  if (reason === 'approval') return 'approval';
  const due = observed !== undefined && observed.owed.length === 0;
  return due && ['window', 'mode-observe', 'mode-drain', 'rate', 'index'].includes(reason)
    ? 'due'
    : 'waiting';
}
