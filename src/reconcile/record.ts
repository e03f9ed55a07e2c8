/** What a pass leaves behind: the row, the index, the operation, one alert per cause, the audit record, the next look. */
import { addHours, addMinutes, latest, minutesBetween } from '../core/clock.ts';
import type { KeyturnError } from '../core/errors.ts';
import type { SecretRef } from '../core/ids.ts';
import type { Look } from '../core/look.ts';
import { quote } from '../core/quote.ts';
import { reasonRow } from '../core/reasons.ts';
import type { HolderRow, Operation, SecretRow, SecretView } from '../store/store.ts';
import type { Bound } from './bind.ts';
import type { RowChange } from './context.ts';
import { lookAgainOn } from './decide.ts';
import type { Deps } from './deps.ts';
import { isFailure } from './failure.ts';
import type { Seen } from './observe.ts';
import { followOperation } from './operation.ts';
import { olderOurs } from './owed.ts';
import { HOLDS_NONE } from './slots.ts';
import type { Step } from './types.ts';
import { viewOf } from './view.ts';

export interface PassEnd {
  readonly step: Step;
  /** What was being carried out when an error ended the pass. */
  readonly attempted?: Step | undefined;
  readonly error?: KeyturnError;
  readonly change: RowChange;
  readonly bound?: Bound;
  readonly seen?: Seen;
}

interface Context {
  readonly secret: SecretRef;
  readonly look: Look;
  readonly row: SecretRow | undefined;
  readonly operation: Operation | undefined;
}

/** Longer waits are the sweep's: a message may be hidden for 7 days at most, and the sweep comes every hour. */
const SWEEP_MINUTES = 60;
const SOON_SECONDS = 60;
const UNPROVED_HOURS = 24;
const CHANGES = ['rotate', 'revoke', 'prove', 'restore'];
/** After these the cause of an alert is gone. */
const CALM = [
  'not-due',
  'grace',
  ...['accepted', 'state-wiped', 'due', 'asked', 'begun', 'value-refused', 'placeholder', 'grace-over', 'settled'],
];

/** Writes all of it before the locks are given back; the time of the next look, if this secret gets one. */
export async function record(end: PassEnd, context: Context, deps: Deps): Promise<Date | undefined> {
  const { secret, look, row } = context;
  const { step } = end;
  const now = deps.clock.now();
  // The one line of every pass; a pass that decided has written it before it acted.
  if (end.seen === undefined)
    deps.log('info', 'decided', { ...secret, kind: step.kind, reason: step.reason, cause: look.cause });
  audit(end, context, deps);
  await followOperation(step, context.operation, end.seen?.observed, deps);
  // Whoever took the lock writes the row now; what this pass read is old.
  if (step.reason === 'lock-lost') return lookSoon(context, deps);
  if (step.reason === 'superseded') return end.attempted ? lookSoon(context, deps) : undefined;
  if (step.kind === 'skip' && row === undefined) return undefined;
  const next = lookAgainOn(step, end.seen?.observed, now);
  const alert = raiseAlert(end, context, deps);
  const failed = end.error !== undefined && isFailure(end.error);
  const view = viewOf({ ...end, observed: end.seen?.observed, failed }, deps.config.ownerTag);
  await deps.rows.saveSecret(rowAfter(end, context, { next, alert, now, view }));
  // After a rotation that was tried and not finished nobody can say which slot the secret holds: the next look will.
  const tried = (end.attempted ?? step).kind === 'rotate';
  if (end.seen && !tried) await deps.rows.saveHolder(holderOf(end.seen, secret));
  await putNextLook(step, next, context, deps);
  return look.cause === 'again' && next === undefined ? undefined : next;
}

/** The pass ended because the world had moved on: what it set out to do is seen by the next one. */
async function lookSoon({ secret, operation }: Context, deps: Deps): Promise<Date> {
  const open = operation && stillOpen(operation);
  await deps.queue.put({ ...secret, cause: 'again', ...(open ? { operation: operation.id } : {}) }, SOON_SECONDS);
  return addMinutes(deps.clock.now(), SOON_SECONDS / 60);
}

function rowAfter(
  end: PassEnd,
  { secret, row }: Context,
  { next, alert, now, view }: { next: Date | undefined; alert: string | undefined; now: Date; view: SecretView },
): SecretRow {
  const { step, change, bound } = end;
  const merged = {
    ...row,
    ...secret,
    failures: row?.failures ?? 0,
    ...change,
    seenUpdatedOn: CHANGES.includes(step.kind) ? undefined : bound?.current.updatedOn,
    step: step.kind,
    reason: step.reason,
    detail: 'detail' in step ? step.detail : undefined,
    lookedOn: now,
    nextLookOn: next,
    alert,
    view,
  };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined)) as unknown as SecretRow;
}

/** The slot that the value of this secret is, and what it still owes: read by those who share the target. */
function holderOf({ optIn, observed }: Seen, secret: SecretRef): HolderRow {
  const after = latest(observed.after, addHours(observed.createdOn, observed.policy.graceHours)) as Date;
  return {
    ...secret,
    target: optIn.target.id,
    handle: observed.known && observed.live !== undefined ? observed.live : HOLDS_NONE,
    ...(observed.written ? { issuedOn: observed.createdOn } : {}),
    owes: observed.owed.map(({ handle }) => ({ handle, after: observed.written ? (observed.after ?? after) : after })),
  };
}

/** One alert per cause: raised when the cause is new, forgotten when a pass ends well. */
function raiseAlert(end: PassEnd, { secret, row }: Context, deps: Deps): string | undefined {
  const cause = causeOf(end, deps);
  if (cause === undefined) return CALM.includes(end.step.reason) || end.step.kind === 'skip' ? undefined : row?.alert;
  if (cause !== row?.alert) {
    const { by, remedy } = reasonRow(end.step.reason);
    const since = owedSince(end);
    deps.log('error', 'alert', {
      ...secret,
      reason: end.step.reason,
      by,
      remedy,
      ...('detail' in end.step ? { detail: end.step.detail } : {}),
      ...since,
    });
  }
  return cause;
}

/** What can't be closed is said with the alert, also where the target was not reached: then by the versions' tags. */
function owedSince({ seen, bound }: PassEnd): { owedSince?: Date; owed?: string } {
  if (!bound) return {};
  const { secret, current, versions, tgt, state } = bound;
  const byTags = () =>
    olderOurs(versions, current.id, { secret, tgt, currentRot: state?.rot }).filter(
      ({ handle }) => handle !== state?.cred,
    );
  const owed = [...new Set((seen?.observed.owed ?? byTags()).map(({ handle }) => handle ?? '?'))];
  return owed.length > 0 ? { owedSince: current.createdOn, owed: owed.join(',') } : {};
}

function causeOf({ step, seen, error }: PassEnd, deps: Deps): string | undefined {
  if (error && ['not-accepted', 'store-refused', 'conflict'].includes(error.reason)) return error.reason;
  if (step.kind === 'refuse') return step.reason;
  if (step.kind !== 'wait') return undefined;
  if (['drift', 'too-many', 'brake'].includes(step.reason)) return step.reason;
  // Readers are locked out and something keeps the heal from happening.
  if (seen?.observed.written && seen.observed.verdict === 'refused' && step.reason !== 'settling') return step.reason;
  return step.reason === 'unproved' && seen && deps.clock.now() >= addHours(seen.observed.createdOn, UNPROVED_HOURS)
    ? 'unproved'
    : undefined;
}

/** Every step that changed something, unsampled: who, what, which versions, which outcome. */
function audit({ step, error, attempted, seen }: PassEnd, { secret, look, operation }: Context, deps: Deps): void {
  const tried = attempted ?? step;
  if (!CHANGES.includes(tried.kind)) return;
  deps.log('info', 'audit', {
    ...secret,
    kind: tried.kind,
    reason: tried.reason,
    outcome: error ? error.reason : 'done',
    cause: look.cause,
    operation: operation?.id,
    caller: operation?.caller,
    ticket: operation?.ticket === undefined ? undefined : quote(operation.ticket),
    version: seen?.observed.version,
    rotation: tried.kind === 'rotate' ? tried.rotation : undefined,
    status: error?.facts.status,
    code: error?.facts.code,
    requestId: error?.facts.requestId,
  });
}

async function putNextLook(
  step: Step,
  next: Date | undefined,
  { secret, row, operation }: Context,
  deps: Deps,
): Promise<void> {
  if (next === undefined) return;
  const now = deps.clock.now();
  const minutes = minutesBetween(now, next);
  if (minutes > SWEEP_MINUTES - 1) return;
  // A look that is queued for that time already serves: duplicates of an event do not multiply looks.
  const queued =
    row?.nextLookOn !== undefined && row.nextLookOn > now && Math.abs(minutesBetween(row.nextLookOn, next)) < 1;
  if (queued && !CHANGES.includes(step.kind)) return;
  const open = operation && stillOpen(operation);
  await deps.queue.put(
    { ...secret, cause: 'again', ...(open ? { operation: operation.id } : {}) },
    Math.max(1, Math.ceil(minutes * 60)),
  );
}

const stillOpen = ({ status }: Operation): boolean => status === 'accepted' || status === 'running';
