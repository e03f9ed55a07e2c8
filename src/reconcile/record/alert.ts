/** One alert per cause: raised when the cause is new, kept while it is there, forgotten when a pass ends well without it. */
import { addDays, addHours, addMinutes, earliest, latest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import type { SecretRef } from '../../core/ids.ts';
import { BUSY_ALERT_MINUTES, isBusy, maySpread } from '../../core/passing.ts';
import { isReason, type Reason, reasonRow } from '../../core/reasons.ts';
import type { Deps } from '../../ports/deps.ts';
import type { SecretRow } from '../../ports/rows.ts';
import { aboutSecret } from '../../tags/about.ts';
import { stateOrNone } from '../../tags/owed.ts';
import { isOpen, nextOpen } from '../../tags/window.ts';
import { followingFrom, followingIn } from '../observe/following.ts';
import { type Observed, proves } from '../observe/observed.ts';
import { UNDO_ANSWERS } from '../observe/undoRule.ts';
import type { Refuse, Step, Wait } from '../step.ts';
import { alertOrCount } from './alertOrCount.ts';
import { type PassEnd, standingBefore } from './end.ts';
import { owedOf } from './view.ts';

const UNPROVED_HOURS = 24;
const OVERDUE_DAYS = 3;
/** A neighbour whose value says nothing is waited for so long before its owner is told; one whose next look will say, a day. */
const BROKEN_HOURS = 1;
const UNREAD_HOURS = 24;
/** Over only when the secret is at rest again: in between something else may be waited for. */
const UNTIL_REST: readonly Reason[] = [
  'overdue',
  'locked-out',
  'unproved',
  'store-refused',
  'not-accepted',
  'conflict',
  'holder-unknown',
  // A request in between waits for another reason, and the cause stands all the while.
  'drift',
  'too-many',
  'brake',
  'approval',
  // A neighbour that cannot be read for a while makes the same want of a slot look as if it would end by itself.
  'slots-held',
  // Where one look sees who uses it and the next one cannot tell, each is told once.
  'in-use',
  'use-unknown',
];
/** Steps after which a secret waits for what it waited for before: the look after it tells whether that is over. */
const LEAVES_AS_IT_IS: readonly Step['kind'][] = ['hold', 'move', 'prove', 'restore', 'follow'];
/** What a request is answered that changes nothing: what stands in the secret's way was not looked at. */
const ANSWERS: readonly Reason[] = ['owed-first', 'nothing-owed', ...UNDO_ANSWERS];
/** Waits that someone chose, for the whole instance or for this secret: who is to act knows, or is told apart. */
const CHOSEN: readonly Reason[] = ['mode-observe', 'mode-drain', 'approval'];
/** Its policy waits for whoever uses it, and that is told apart: late is what is held beyond the limit. */
const HELD_BY_USE: readonly Reason[] = ['in-use', 'use-unknown'];
/** What waits for a person's approval is told so long before the version expires. */
const APPROVAL_DAYS = 7;
/** Of a version without an expiry, the day that it would have had. */
const EXPIRES_DAYS = 30;

interface Context {
  readonly secret: SecretRef;
  readonly row: SecretRow | undefined;
  /** False when the audit record of this pass could not be written. */
  readonly audited: boolean;
}

/** What is open: alerted, or told of by an instance that only observes. */
type Open = Pick<SecretRow, 'alert' | 'wouldAlert'>;

/**
 * Raises or counts what is new; the causes that are open now, for the row. An instance that only observes calls nobody: it
 * tells once what it would, and counts nothing of that as alerted.
 */
export async function raiseAlerts(
  end: PassEnd,
  { secret, row, audited }: Context,
  deps: Deps,
): Promise<Open> {
  const causes = new Set<Reason>([
    ...causesOf(end, row, deps),
    ...(audited ? [] : (['audit-unwritten'] as const)),
  ]);
  const observes = deps.config.mode === 'observe';
  const listed = (causesBefore: string | undefined) =>
    new Set(causesBefore?.split(',').filter(isReason));
  const alerted = listed(row?.alert);
  const known = observes ? listed(row?.wouldAlert) : alerted;
  for (const cause of causes) if (!known.has(cause)) await raise(cause, end, { secret, row }, deps);
  const open = openOf(causes, known, end, row);
  if (!observes) return open === undefined ? {} : { alert: open };
  const still = openOf(new Set(), alerted, end, row);
  return compact({ alert: still, wouldAlert: open });
}

function openOf(
  causes: ReadonlySet<Reason>,
  known: ReadonlySet<Reason>,
  end: PassEnd,
  row: SecretRow | undefined,
): string | undefined {
  const open = new Set([...causes, ...[...known].filter((cause) => staysOpen(cause, end, row))]);
  return open.size > 0 ? [...open].join(',') : undefined;
}

/**
 * A pass that was cut short knows nothing of earlier causes. One that saw everything knows which are over; some are only
 * when nothing is waited for any more, and what a rotation failed of when one has gone well.
 */
function staysOpen(
  cause: Reason,
  { step, seen, error }: PassEnd,
  row: SecretRow | undefined,
): boolean {
  if (step.kind === 'skip') return false;
  if (!seen || error) return true;
  if (cause === row?.lastFailure?.reason && !endsFailure(step)) return true;
  if (LEAVES_AS_IT_IS.includes(step.kind) || ANSWERS.includes(step.reason)) return true;
  // Told once for as long as no value can be tried, whatever is rotated meanwhile (case VAL-04).
  if (cause === 'unproved' && isUnproved(seen.observed)) return true;
  // A step that changes something may have done a part of what is open; the look after it will tell.
  const rests = step.kind === 'wait' && (step.reason === 'not-due' || step.reason === 'grace');
  return UNTIL_REST.includes(cause) && !rests;
}

/** A rotation wrote it, and no pass has seen the target take it yet. */
const isUnproved = ({ written, proved, verdict }: Observed): boolean =>
  written && !proved && !proves(verdict);

/** One went well, or none is due any more: a person stored another version, or changed the policy. */
export const endsFailure = ({ kind, reason }: Step): boolean =>
  kind === 'rotate' || reason === 'not-due';

/** The tags that named the target are gone, so nobody will look there: whoever took them away is told. */
const BEGUN =
  'A rotation had begun. What it issued may be left at a target that takes many credentials: it goes once the tags are set again, or remove there what is named for this secret.';

async function raise(
  reason: Reason,
  end: PassEnd,
  { secret, row }: Pick<Context, 'secret' | 'row'>,
  deps: Deps,
): Promise<void> {
  const { step } = end;
  const bad = reason === 'bad-tags' ? end.trail?.badExemption?.detail : undefined;
  const said = 'detail' in step ? step.detail : undefined;
  if (reason === 'holder-unknown') {
    if (step.kind !== 'wait' || step.unsure === undefined) return;
    const { vault, name } = step.unsure;
    const about = aboutSecret(
      { secret: { vault, name }, row: await deps.rows.secret({ vault, name }) },
      deps,
    );
    const detail = `${said} ${secret.vault}/${secret.name} waits for it.`;
    const whose = `${incidentOf(row)} ${secret.vault}/${secret.name}`;
    // By its own name: its owner is the one who can say what it keeps, not the one who waits.
    return alertOrCount({ vault, name }, reason, { ...about, detail, incident: whose }, deps);
  }
  // Where the cause is not the step's own reason, that reason is what keeps things from going on, and its remedy what helps.
  // What its owner did to the tags is a cause of its own, whatever else the pass came to.
  const own =
    reason === step.reason ||
    reason === 'opt-in-lost' ||
    reason === 'consumer-failed' ||
    bad !== undefined;
  const behind = own ? undefined : step.reason;
  const words =
    behind === undefined
      ? reason === step.reason
        ? said
        : undefined
      : `${behind}: ${said ?? reasonRow(behind).cause}`;
  const { verdict, said: answered } = end.seen?.observed ?? {};
  const answer =
    reason === 'unproved' && verdict
      ? (answered ?? `The target's answer to the stored value is "${verdict}".`)
      : words;
  const about = aboutSecret({ secret, row, bound: end.bound, current: end.trail?.current }, deps);
  const identity = maySpread(step.reason) ? deps.config.identity : undefined;
  const left = reason === 'opt-in-lost' && row?.begun ? BEGUN : undefined;
  const who =
    reason === 'consumer-failed' ? followingAfter(end, deps.clock.now())?.detail : undefined;
  const told = { detail: bad ?? left ?? who ?? answer, ...owedSince(end, row), behind, identity };
  const facts = { ...about, ...told, incident: incidentOf(row) };
  await alertOrCount(secret, reason, facts, deps);
}

/** A pass that dies before its row is written raises the same again, over the same row. */
const incidentOf = (row: SecretRow | undefined): string => row?.lookedOn?.toISOString() ?? 'first';

/** What can't be closed is said with the alert, also where the target was not reached: then by tags, or by the last look. */
export function owedSince(
  { step, seen, bound }: Pick<PassEnd, 'step' | 'seen' | 'bound'>,
  row: SecretRow | undefined,
): { owedSince?: Date; owed?: string } {
  const owed = bound
    ? owedOf({ step, bound, observed: seen?.observed, before: row?.view })
    : (row?.view?.owed ?? []);
  const since = (bound && sinceIn(bound)) ?? row?.view?.createdOn;
  return owed.length > 0 ? compact({ owedSince: since, owed: owed.join(',') }) : {};
}

/** The version after which nobody needs the older credentials: of one that was opted out, the last that a rotation wrote. */
function sinceIn({ current, versions, leaving }: NonNullable<PassEnd['bound']>): Date {
  if (leaving === undefined) return current.createdOn;
  const written = versions.filter(({ tags }) => stateOrNone(tags)?.rot !== undefined);
  return latest(...written.map(({ createdOn }) => createdOn)) ?? current.createdOn;
}

function causesOf(
  { step, seen, bound, error, trail, change }: PassEnd,
  row: SecretRow | undefined,
  deps: Deps,
): Reason[] {
  const causes: Reason[] = [];
  if (error && ['not-accepted', 'store-refused', 'conflict'].includes(error.reason))
    causes.push(error.reason);
  else if (step.kind === 'refuse' && !step.quiet) causes.push(step.reason);
  // Told at once, while what it owes is still being worked off; a secret that never was opted in has no row.
  if ((step.reason === 'not-opted-in' || trail?.leaving === 'lost') && row?.view)
    causes.push('opt-in-lost');
  if (trail?.badExemption) causes.push('bad-tags');
  // What the last look saw owed can't be closed: the current value, which would have to work, is nowhere to be read.
  const unreadable = step.reason === 'disabled' || step.reason === 'gone';
  if (unreadable && row?.view && row.view.owed.length > 0) causes.push('still-owed');
  if (step.kind === 'wait' && isBusy(step.reason)) {
    const since = standingBefore(row, step.reason);
    if (since && deps.clock.now() >= addMinutes(since, BUSY_ALERT_MINUTES))
      causes.push(step.reason);
  }
  if (!seen || error) return causes;
  const { written, verdict, createdOn, leaving } = seen.observed;
  const now = deps.clock.now();
  const asks = leaving === undefined || step.reason === 'unproved';
  if (asks && isUnproved(seen.observed) && now >= addHours(createdOn, UNPROVED_HOURS))
    causes.push('unproved');
  if (isLate({ seen, change }, now)) causes.push('consumer-failed');
  // What a person must mend keeps a heal or a rotation from coming as surely as what ends by itself.
  if (step.kind !== 'wait' && step.kind !== 'refuse') return causes;
  if (
    step.kind === 'wait' &&
    ['drift', 'too-many', 'brake', 'in-use', 'use-unknown'].includes(step.reason)
  )
    causes.push(step.reason);
  if (leaving === undefined && written && verdict === 'refused' && step.reason !== 'settling')
    causes.push('locked-out');
  if (isOverdue(step, seen.observed, now)) causes.push('overdue');
  const expiresOn = bound?.current.expiresOn ?? addDays(seen.observed.dueOn, EXPIRES_DAYS);
  if (step.reason === 'approval' && now >= addDays(expiresOn, -APPROVAL_DAYS))
    causes.push('approval');
  if (step.kind === 'wait' && step.unsure !== undefined) {
    const hours = step.unsure.why === undefined ? UNREAD_HOURS : BROKEN_HOURS;
    if (now >= addHours(standingBefore(row, step.reason) ?? now, hours))
      causes.push('holder-unknown');
  }
  return causes;
}

/** Consumers have not followed by the time at which somebody is told, as this pass leaves them. */
export const isLate = (end: Pick<PassEnd, 'seen' | 'change'>, now: Date): boolean =>
  followingAfter(end, now)?.late === true;

/** How far consumers have come once this pass is over. */
export function followingAfter({ seen, change }: Pick<PassEnd, 'seen' | 'change'>, now: Date) {
  if (!seen?.observed.following) return undefined;
  const found = change.consumers ?? followingIn(seen.row, seen.observed.version);
  return followingFrom(seen.observed, found, now);
}

/** Due, or owed, for days, and not done: whatever the reason, somebody should know before the version expires. */
function isOverdue(step: Wait | Refuse, observed: Observed, now: Date): boolean {
  const { dueOn, after, leaving, policy, hold, heldUntil } = observed;
  const { reason } = step;
  // A value that the target does not know is in nobody's care before its owner has stored another one.
  const forOwner = reason === 'unknown-value' || reason === 'still-owed';
  // Consumers are waited for in bounds, and told of by a cause of their own.
  if (reason === 'not-due' || reason === 'consumers' || forOwner || CHOSEN.includes(reason))
    return false;
  // Its owner said when: what is put off on purpose is late from the end of the hold, or from the window's next opening, on.
  // A pause of the vault's tag is nobody's purpose who has a right to the secret (ATK-06).
  if (
    (policy.paused && !policy.pausedByVault) ||
    (hold && now < hold) ||
    (heldUntil && now < heldUntil)
  )
    return false;
  const possibleOn = (on: Date) => {
    const freeOn = latest(on, hold, heldUntil) as Date;
    return policy.window && !isOpen(policy.window, freeOn)
      ? (nextOpen(policy.window, freeOn) ?? freeOn)
      : freeOn;
  };
  if (leaving === undefined && now >= addDays(possibleOn(dueOn), OVERDUE_DAYS)) return true;
  if (after === undefined) return false;
  // What is owed by a value that could never be tried waits until it can: that is what the alert about the value says.
  if (reason === 'unproved' && leaving === undefined && isUnproved(observed)) return false;
  // Also where a neighbour surely keeps the slot: its own date may be weeks away, and the old credential lives on till then.
  // One that only owes it gives it back when its own grace is over, but it may rotate again and again: that far and no further.
  const limitHours = HELD_BY_USE.includes(reason) ? policy.whenUnused?.limitHours : undefined;
  const limitOn = limitHours === undefined ? undefined : addHours(after, limitHours);
  const owedUntil = step.kind === 'wait' ? (step.owedUntil ?? limitOn) : undefined;
  if (limitOn && now < limitOn) return false;
  const lateOn = addDays(latest(possibleOn(after), owedUntil) as Date, 1);
  return now >= (earliest(lateOn, addDays(possibleOn(after), OVERDUE_DAYS)) as Date);
}
