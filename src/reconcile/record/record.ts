/** What a pass leaves behind: the row, the index, the operation, one alert per cause, the audit record, the next look. */
import { addMinutes, earliest, minutesBetween } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import type { SecretRef } from '../../core/ids.ts';
import type { Look } from '../../core/look.ts';
import type { Reason } from '../../core/reasons.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Operation } from '../../ports/operations.ts';
import type { SecretRow } from '../../ports/rows.ts';
import { aboutSecret } from '../../tags/about.ts';
import { lookAgainOn } from '../decide.ts';
import { changes, type Step } from '../step.ts';
import { raiseAlerts } from './alert.ts';
import { append, inLog, recordOfPass } from './auditRecord.ts';
import { type PassEnd, standingBefore } from './end.ts';
import { missedProof, newsOfRecord, nextReminder, remindersOf } from './news.ts';
import { followOperations, workedFor } from './operation.ts';
import { recoverRecords } from './recovered.ts';
import { rowAfter } from './row.ts';
import { saveSharer } from './sharer.ts';
import { Telling } from './tell.ts';
import { viewOf } from './view.ts';

interface Context {
  readonly secret: SecretRef;
  readonly look: Look;
  readonly row: SecretRow | undefined;
  /** Of people: what may still come of it. */
  readonly operations: readonly Operation[];
}

/** Longer waits are the sweep's: a message may be hidden for 7 days at most, and the sweep comes every hour. */
const SWEEP_MINUTES = 60;
const SOON_SECONDS = 60;
/** Long enough for the host to be gone that would take the message again. */
const STOPPED_SECONDS = 15;
const OPERATION_MINUTES = 50;
/** Of a leak every minute counts, also while it waits for another secret. */
const LEAK_MINUTES = 1;
/** Waits for what others do: the pauses grow while it lasts, as with whatever an error ended. */
const STOPPED_BY_OTHERS: readonly Reason[] = ['index', 'slot-held', 'brake'];
/** In between, looks may come to these; what stands in the way is still the same. */
const BACKS_OFF: readonly Reason[] = ['backing-off', 'settling'];

/** Writes all of it before the locks are given back; the time of the next look, if this secret gets one. */
export async function record(
  end: PassEnd,
  context: Context,
  deps: Deps,
): Promise<Date | undefined> {
  const { secret, look, row } = context;
  const { step } = end;
  const now = deps.clock.now();
  // The one line of every pass; a pass that decided has written it before it acted.
  if (end.seen === undefined)
    deps.log('info', 'decided', {
      ...secret,
      step: step.kind,
      reason: step.reason,
      cause: look.cause,
    });
  const about = () =>
    aboutSecret({ secret, row, bound: end.bound, current: end.trail?.current }, deps);
  const telling = new Telling(secret, { about, waiting: row?.untold }, deps);
  const { news, reminded } = telling.isOn
    ? remindersOf(end, context.operations, row, now)
    : { news: [], reminded: row?.reminded };
  await recoverRecords(end, { row, cause: look.cause, telling }, deps);
  for (const each of missedProof(end, row)) await telling.tell(each);
  const audited = await audit(end, context, telling, deps);
  for (const each of [...(end.notices ?? []), ...news]) await telling.tell(each);
  await telling.tellWaiting();
  const operations = await followOperations(end, context.operations, deps);
  // Whoever took the lock writes the row now; what this pass read is old.
  if (step.reason === 'lock-lost' || end.lost) return lookSoon(context, deps);
  // What a pass that is told to stop has seen is seen again by the next one, which has time to act.
  if (step.reason === 'stopping') return lookSoon(context, deps, STOPPED_SECONDS);
  if (step.reason === 'superseded') return end.attempted ? lookSoon(context, deps) : undefined;
  // A stranger's secret leaves no trace; one that was opted out, or is exempt, is known.
  const known =
    row !== undefined || end.trail?.leaving !== undefined || end.trail?.exemption !== undefined;
  if (step.kind === 'skip' && !known) return undefined;
  const tries = triesAfter(end, row);
  const next = earliest(
    nextLook(end, operations, now, tries),
    telling.isOn ? nextReminder(end, now) : undefined,
  );
  const queued = isQueued(step, next, row, now);
  const open = await raiseAlerts(end, { secret, row, audited }, deps);
  const doctor = end.change.doctor ?? row?.doctor;
  const atRisk = (doctor?.problems.length ?? 0) > 0;
  const view = viewOf(
    { ...end, ...seenIn(end, row), failed: end.failed === true, now, atRisk },
    deps.config.ownerTag,
  );
  const nextLookOn = queued ? row?.nextLookOn : next;
  const ids = operations.map(({ id }) => id);
  const standing = standingAfter(step, row, now);
  await deps.rows.saveSecret(
    rowAfter(end, context, {
      nextLookOn,
      alert: undefined,
      wouldAlert: undefined,
      ...open,
      lookedOn: now,
      view,
      operations: ids,
      tries,
      standing,
      untold: telling.untold,
      reminded,
    }),
  );
  await saveSharer(end, secret, now, deps);
  if (!queued && !isQuiet(step)) await putNextLook(next, secret, deps);
  return look.cause === 'again' && next === undefined ? undefined : next;
}

/** A look that only backs off in between is no sign that anything has become better. */
function triesAfter(end: PassEnd, row: SecretRow | undefined): number {
  const before = row?.tries ?? 0;
  if (isAgain(end, row)) return before + 1;
  return BACKS_OFF.includes(end.step.reason) ? before : 0;
}

/** Whether this pass ended as one that gets rarer with each: in an error, stopped by others, or with what the last one did. */
function isAgain({ step, error }: PassEnd, row: SecretRow | undefined): boolean {
  // Of consumers each has pauses of its own.
  if (step.kind === 'follow') return false;
  if (changes(step)) return row?.step === step.kind && row.reason === step.reason;
  if (step.kind === 'skip') return false;
  return (error !== undefined && lookAgain(step)) || STOPPED_BY_OTHERS.includes(step.reason);
}

const lookAgain = (step: Step): boolean =>
  step.kind === 'wait' || (step.kind === 'refuse' && step.until !== undefined);

function standingAfter(
  { kind, reason }: Step,
  row: SecretRow | undefined,
  now: Date,
): SecretRow['standing'] {
  if (BACKS_OFF.includes(reason) && row?.standing !== undefined) return row.standing;
  if (kind !== 'wait' && kind !== 'refuse') return undefined;
  return { reason, since: standingBefore(row, reason) ?? now };
}

const isQuiet = (step: Step): boolean => step.kind === 'refuse' && step.quiet === true;

const seenIn = ({ seen }: PassEnd, row: SecretRow | undefined) => ({
  observed: seen?.observed,
  notes: seen?.target.notes,
  before: row?.view,
});

/** A person who still waits is looked after within the hour, whatever the secret itself waits for. */
function nextLook(
  { step, seen }: PassEnd,
  operations: readonly Operation[],
  now: Date,
  tries: number,
): Date | undefined {
  const next = lookAgainOn(step, seen?.observed, now, Math.max(0, tries - 1));
  const open = operations.filter(({ done }) => !done);
  const minutes = open.some(({ leaked }) => leaked) ? LEAK_MINUTES : OPERATION_MINUTES;
  return open.length > 0 ? earliest(next, addMinutes(now, minutes)) : next;
}

/** The pass ended because the world had moved on: what it set out to do is seen by the next one. */
async function lookSoon(
  { secret, look }: Context,
  deps: Deps,
  seconds = SOON_SECONDS,
): Promise<Date> {
  const { operation } = look;
  await deps.queue.put(compact({ ...secret, cause: 'again', operation }), seconds);
  return addMinutes(deps.clock.now(), seconds / 60);
}

/** False when the step's record is in the log alone: its audit could not be written. */
async function audit(
  end: PassEnd,
  { secret, look, operations }: Context,
  telling: Telling,
  deps: Deps,
): Promise<boolean> {
  const made = recordOfPass(end, { cause: look.cause, operation: behind(end, operations) }, deps);
  if (!made) return true;
  // The log first: the step has happened, and this pass may die at the next line.
  deps.log('info', 'audit', inLog(made));
  for (const each of newsOfRecord(made)) await telling.tell(each);
  const lost = await append(made, deps);
  if (lost)
    deps.log('error', 'audit unwritten', {
      ...secret,
      step: made.step,
      detail: lost.detail,
      ...lost.facts,
    });
  return lost === undefined;
}

/** On whose behalf a step was taken: of the request that is open, or of the one whose rotation began the grace that is over. */
function behind(
  { step, attempted = step }: PassEnd,
  operations: readonly Operation[],
): Operation | undefined {
  const working = workedFor(operations);
  if (working && !working.done) return working;
  if (attempted.kind !== 'revoke') return undefined;
  return operations.find(({ version }) => attempted.owed.some((each) => each.version === version));
}

/**
 * A look that is queued for that time already serves: duplicates of an event do not multiply looks. The row keeps the time
 * of the one that is queued, so that this one, when it comes, puts the next.
 */
function isQueued(
  step: Step,
  next: Date | undefined,
  row: SecretRow | undefined,
  now: Date,
): boolean {
  if (next === undefined || row?.nextLookOn === undefined || changes(step)) return false;
  return row.nextLookOn > now && row.nextLookOn <= next && minutesBetween(row.nextLookOn, next) < 1;
}

async function putNextLook(next: Date | undefined, secret: SecretRef, deps: Deps): Promise<void> {
  if (next === undefined) return;
  const minutes = minutesBetween(deps.clock.now(), next);
  if (minutes > SWEEP_MINUTES - 1) return;
  await deps.queue.put({ ...secret, cause: 'again' }, Math.max(1, Math.ceil(minutes * 60)));
}
