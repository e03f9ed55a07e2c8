/**
 * Requests of people: judged, written down as an operation, and put on the queue as a look. It belongs to the composition
 * root's layer, since roles, vault, rules and rows meet here.
 */
import { createHash, randomUUID } from 'node:crypto';
import { addDays, addMinutes } from '../core/clock.ts';
import { BusyError, KeyturnError, RefusedError } from '../core/errors.ts';
import type { SecretRef } from '../core/ids.ts';
import { mask } from '../core/mask.ts';
import { UNRECORDED_MINUTES } from '../core/states.ts';
import type { History } from '../ports/audit.ts';
import type { Deps } from '../ports/deps.ts';
import type { Operation } from '../ports/operations.ts';
import type { SecretRow } from '../ports/rows.ts';
import type { Version } from '../ports/vault.ts';
import { graceHoursOf } from '../reconcile/decide.ts';
import { type Foreseen, foresee, foreseenUnbound, type Refusal } from '../reconcile/foresee.ts';
import { type Bound, observeVault, type Trail } from '../reconcile/observe/observeVault.ts';
import { askedFor } from '../reconcile/pass.ts';
import { append, inLog, recordOfRequest } from '../reconcile/record/auditRecord.ts';
import { olderOurs } from '../tags/owed.ts';
import { dueOn } from '../tags/policy.ts';
import { type Caller, requireRole } from './auth.ts';
import { badRequest } from './body.ts';
import { checkUntil, type HoldRequest } from './holdRequest.ts';
import type { OperationsFilter } from './operationsQuery.ts';
import { checkAt, type RevokeRequest } from './revokeRequest.ts';
import type { RotateRequest } from './rotateRequest.ts';

interface Call<Asked> {
  readonly caller: Caller;
  readonly ref: SecretRef;
  readonly asked: Asked;
  /** The header `Idempotency-Key`: a repeat by this caller for this secret answers the same operation. */
  readonly idempotencyKey?: string;
}

export type RotateCall = Call<RotateRequest>;
export type RevokeCall = Call<RevokeRequest>;
export type HoldCall = Call<HoldRequest>;
type Route = 'rotate' | 'revoke' | 'hold';
/** What an operation says of the request itself. */
type Wanted = Pick<Operation, 'override' | 'revoke' | 'rotateAgain' | 'at' | 'hold' | 'note' | 'ticket'>;

/** The operation that a request became, or, of a dry run, what would come of it. */
export type RequestAnswer = { readonly operation: Operation } | { readonly plan: Foreseen };

const OPEN_MAX = 50;
/** All of these look like a secret that is not there (design section 5). */
const UNSEEN = ['not-allowed', 'gone', 'disabled', 'managed', 'other-instance'];
/** These too, unless Keyturn had to do with it: then it is seen, and that it was opted out is said. */
const OPTED_OUT = ['not-opted-in', 'opted-out', 'exempt'];

/**
 * Accepts a request for a rotation, or throws the reason why not. Writes a row and a message, nothing in vault or target;
 * a dry run writes nothing at all. Roles are judged first, so that nobody learns by a 404 or 409 what they may not see.
 */
export async function rotate(call: RotateCall, deps: Deps): Promise<RequestAnswer> {
  const { caller, asked } = call;
  const { override, revoke, rotateAgain } = asked;
  // Setting a reason aside and revoking before the grace is over is what `Keyturn.Revoke` is for (case UA-8).
  if (override.length > 0 || revoke === 'now' || rotateAgain) requireRole(caller, 'Keyturn.Revoke');
  else if (revoke === 'after-grace') requireRole(caller, 'Keyturn.Rotate');
  else requireRole(caller, 'Keyturn.Rotate', 'Keyturn.Revoke'); // which one follows from the secret's own grace
  const wanted = { override, revoke, ...(rotateAgain ? { rotateAgain } : {}), ...notesOf(asked) };
  return await answered('rotate', call, wanted, deps, ({ policy, leaving }) => {
    // What was opted out still has its obligations, and nothing else (OPS-05).
    if (leaving !== undefined) throw new KeyturnError('not-opted-in');
    const hours = graceHoursOf(revoke);
    if (hours === undefined || hours === 0) return;
    if (!rotateAgain && override.length === 0)
      requireRole(caller, hours < policy.graceHours ? 'Keyturn.Revoke' : 'Keyturn.Rotate');
    if (hours >= policy.everyHours)
      throw badRequest(`revoke must be shorter than every (${policy.everyHours} h), when the next rotation is due.`);
  });
}

/**
 * Accepts a request to revoke what is owed, now or at another time than its grace says, or throws the reason why not. It never
 * rotates. Like every change of a grace that a person makes it needs `Keyturn.Revoke`; who may only postpone uses `hold`.
 */
export async function revoke(call: RevokeCall, deps: Deps): Promise<RequestAnswer> {
  const { caller, asked } = call;
  requireRole(caller, 'Keyturn.Revoke');
  const { override, at } = asked;
  const wanted: Wanted = { override, revoke: 'after-grace', at, ...notesOf(asked) };
  return await answered('revoke', call, wanted, deps, (bound) => {
    checkAt(asked, deps.clock.now());
    if (bound.leaving !== undefined && at !== 'now') {
      const detail = 'It was opted out: what it still owes can be ended at once, and its grace is not moved any more.';
      throw new KeyturnError('not-opted-in', { detail });
    }
    const due = dueOn(bound.current, bound.state?.rot !== undefined, bound.policy);
    if (at !== 'now' && at > due && at > deps.clock.now())
      throw badRequest(`at is after ${due.toISOString()}, when the next rotation is due; to postpone that, use hold.`);
  });
}

/**
 * Accepts a hold (design section 2: a person postpones), or its end. A pass writes it on the version that is current by
 * then; from there on nothing is rotated or revoked until its time, while proof, restoring tags and alerts go on.
 */
export async function hold(call: HoldCall, deps: Deps): Promise<RequestAnswer> {
  const { caller, asked } = call;
  requireRole(caller, 'Keyturn.Rotate');
  const wanted: Wanted = { override: [], revoke: 'after-grace', hold: asked.until, ...notesOf(asked) };
  return await answered('hold', call, wanted, deps, () => checkUntil(asked, deps.clock.now()));
}

type AnyCall = Call<{ readonly dryRun: boolean }>;

/** What the three have in common: a repeat is answered first, then the secret, the request and what would come of it are judged. */
async function answered(
  route: Route,
  call: AnyCall,
  wanted: Wanted,
  deps: Deps,
  check: (bound: Bound) => void,
): Promise<RequestAnswer> {
  const { caller, ref, asked, idempotencyKey } = call;
  const repeatable = idempotencyKey !== undefined && !asked.dryRun;
  const id = repeatable ? repeatableId(route, call, idempotencyKey) : randomUUID();
  const earlier = repeatable ? await deps.rows.operation(id) : undefined;
  if (earlier?.recorded) return { operation: await repeated(earlier, wanted, deps) };

  const found = await seen(ref, deps);
  if ('wrong' in found) {
    if (!asked.dryRun) throw found.wrong;
    return { plan: foreseenUnbound(found.wrong, { secret: ref, ...found }, deps) };
  }
  const { bound } = found;
  check(bound);
  const foreseen = await foresee(bound, askedFor({ ...wanted, version: bound.current.id }), deps);
  if (asked.dryRun) return { plan: foreseen };
  if (foreseen.refusal) throw refused(foreseen.refusal, bound);
  return { operation: await accept({ id, caller, bound, wanted }, deps) };
}

function refused({ reason, detail, ...more }: Refusal, bound: Bound): RefusedError {
  const said = reason === 'owed-first' ? owedInWords(bound, detail) : detail;
  return new RefusedError(reason, { detail: said, ...more });
}

/** What is owed, by the tags. */
function owedInWords({ secret, versions, current, tgt, state }: Bound, otherwise: string): string {
  const owed = olderOurs(versions, current.id, { secret, tgt, currentRot: state?.rot }).filter(
    ({ handle }) => handle !== undefined && handle !== state?.cred,
  );
  if (owed.length === 0) return otherwise;
  const named = [...new Set(owed.map(({ handle, version }) => `${handle} of version ${version}`))].join(', ');
  return `Still owed${state?.after ? ` until ${state.after.toISOString()}` : ''}: ${named}.`;
}

interface Acceptable {
  readonly id: string;
  readonly caller: Caller;
  readonly bound: Bound;
  readonly wanted: Wanted;
}

/** How long one of several equal calls waits for the one that was first: then it answers 503, and the caller asks again. */
const TURNS = 50;
const TURN_MILLISECONDS = 100;

/**
 * Makes the operation's row, writes its audit record and queues its look, in this order: of equal calls at once exactly one
 * makes the row (case ATK-13), and what has no record is not accepted. The others answer with the operation once it is.
 */
async function accept({ id, caller, bound, wanted }: Acceptable, deps: Deps): Promise<Operation> {
  for (let turn = 0; turn < TURNS; turn++) {
    const now = deps.clock.now();
    const operation: Operation = {
      ...{ id, ...bound.secret, version: bound.current.id, caller: caller.oid, phase: 'accepted', done: false },
      ...{ ...wanted, call: randomUUID(), createdOn: now, updatedOn: now, steps: [] },
    };
    if (await deps.rows.createOperation(operation)) return await complete(operation, caller, deps);
    const there = await deps.rows.operation(id);
    if (there?.recorded) return await repeated(there, wanted, deps);
    // After a lost answer the row may be this call's own.
    if (there && there.call === operation.call) return await complete(operation, caller, deps);
    if (there && addMinutes(there.createdOn, UNRECORDED_MINUTES) < now) {
      // Whoever made it died before the record.
      await deps.rows.saveOperation(operation);
      return await complete(operation, caller, deps);
    }
    await deps.clock.sleep(TURN_MILLISECONDS);
  }
  throw new BusyError('storage-busy', { detail: 'An equal request is being accepted; ask again.' });
}

async function complete(made: Operation, { kind }: Caller, deps: Deps): Promise<Operation> {
  const record = recordOfRequest(made, kind, deps);
  try {
    await takeRoom(made, deps);
    const unwritten = await append(record, deps);
    if (unwritten) throw unwritten;
  } catch (error) {
    await deps.rows.dropOperation(made.id);
    throw error;
  }
  deps.log('info', 'audit', inLog(record));
  // The row before the message: the pass reads from it what was asked for.
  const operation: Operation = { ...made, recorded: true };
  await deps.rows.saveOperation(operation);
  await enqueue(operation, deps);
  return operation;
}

/**
 * At most 50 open operations of a caller, whatever comes at once (case ATK-13). The row is there before it is counted, so the
 * last of those that are accepted has counted all the others. Of more than fit the youngest give way, and the others look again.
 */
async function takeRoom({ id, caller, createdOn }: Operation, deps: Deps): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) {
    const open = await deps.rows.openOperations(caller);
    if (open.length <= OPEN_MAX) return;
    const before = open.filter(
      (each) => each.createdOn < createdOn || (each.createdOn.getTime() === createdOn.getTime() && each.id < id),
    );
    if (before.length >= OPEN_MAX) break;
    await deps.clock.sleep(TURN_MILLISECONDS);
  }
  throw new KeyturnError('too-many-operations');
}

/**
 * The operation, for whoever made it and for readers. Others get the 404 of an id that never was; a token with none of
 * the roles, 403.
 */
export async function operation(id: string, caller: Caller, { rows }: Pick<Deps, 'rows'>): Promise<Operation> {
  requireRole(caller, 'Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke');
  const found = UUID.test(id) ? await rows.operation(id.toLowerCase()) : undefined;
  const mayRead = found?.caller === caller.oid || caller.roles.includes('Keyturn.Read');
  if (!found || !mayRead) throw new KeyturnError('not-found');
  return found;
}

/** At most so many are shown: the newest. */
const SHOWN_MAX = 100;

/**
 * Operations of the vaults of this instance, the newest first: to readers all of them, to others their own. A token with none of
 * the roles, 403.
 */
export async function operations(
  { vault, status }: OperationsFilter,
  caller: Caller,
  { rows, vaults }: Pick<Deps, 'rows' | 'vaults'>,
): Promise<Operations> {
  requireRole(caller, 'Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke');
  const mayReadAll = caller.roles.includes('Keyturn.Read');
  const fits = (each: Operation): boolean =>
    (mayReadAll || each.caller === caller.oid) &&
    (vault === undefined || each.vault === vault) &&
    vaults.names.includes(each.vault) &&
    (status === undefined || status.includes(each.phase) || status.includes(each.done ? 'done' : 'open'));
  const found = (await rows.operations()).filter(fits);
  const newest = found.sort((one, other) => other.createdOn.getTime() - one.createdOn.getTime()).slice(0, SHOWN_MAX);
  return { operations: newest, truncated: found.length > newest.length };
}

export interface Operations {
  readonly operations: readonly Operation[];
  /** There are more that fit. */
  readonly truncated: boolean;
}
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** How far back a history goes. */
const HISTORY_DAYS = 90;

/**
 * The audit records of a secret, for readers. A secret that they may not see has none to show: the same 404. What a person
 * must mend about its tags hides nothing.
 */
export async function history(ref: SecretRef, caller: Caller, deps: Deps): Promise<History> {
  requireRole(caller, 'Keyturn.Read');
  try {
    await visible(ref, deps);
  } catch (error) {
    if (!(error instanceof KeyturnError) || !MENDABLE.includes(error.reason)) throw error;
  }
  return await deps.audit.history(ref, addDays(deps.clock.now(), -HISTORY_DAYS));
}
/** Thrown about a secret that is there and opted in. */
const MENDABLE = [
  ...(['bad-tags', 'unknown-rotator', 'kind-off', 'own-storage', 'target-changed', 'state-newer'] as const),
  ...(['not-opted-in', 'still-owed', 'exempt-ended'] as const),
] as readonly string[];

/** What the vault holds of an opted-in secret. Tags that a person must mend are said at once, with their reason. */
async function visible(ref: SecretRef, deps: Deps): Promise<Bound> {
  const found = await seen(ref, deps);
  if ('wrong' in found) throw found.wrong;
  return found.bound;
}

/** A secret that the caller may see: bound to its target, or what a person must mend about it before it is. */
type SeenSecret =
  | { readonly bound: Bound }
  | { readonly wrong: KeyturnError; readonly row: SecretRow | undefined; readonly current: Version | undefined };

async function seen(ref: SecretRef, deps: Deps): Promise<SeenSecret> {
  const row = await deps.rows.secret(ref);
  const trail: Trail = {};
  try {
    return { bound: await observeVault(ref, undefined, row, deps, trail) };
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    if (UNSEEN.includes(error.reason)) throw new KeyturnError('not-found');
    const { current } = trail;
    if (!OPTED_OUT.includes(error.reason)) {
      if (!MENDABLE.includes(error.reason)) throw error;
      return { wrong: error, row, current };
    }
    if (!row?.view && !trail.leaving) throw new KeyturnError('not-found');
    return { wrong: new KeyturnError('not-opted-in'), row, current };
  }
}

const notesOf = ({ note, ticket }: { note?: string | undefined; ticket?: string | undefined }) => ({
  // Masked before they are written anywhere: a value pasted as a note would stay in row and audit (finding ATK-07).
  ...(note === undefined ? {} : { note: mask(note) }),
  ...(ticket === undefined ? {} : { ticket: mask(ticket) }),
});

async function repeated(earlier: Operation, asked: Wanted, deps: Deps): Promise<Operation> {
  if (JSON.stringify(wantedIn(earlier)) !== JSON.stringify(wantedIn(asked)))
    throw new KeyturnError('bad-request', { detail: 'This Idempotency-Key belongs to another request.' });
  // The first call may have died between row and message; a second look is harmless.
  if (earlier.phase === 'accepted') await enqueue(earlier, deps);
  return earlier;
}

const wantedIn = ({ override, revoke, rotateAgain, at, hold, note, ticket }: Wanted): readonly unknown[] => [
  ...[override, revoke, rotateAgain === true, at ?? null],
  ...[hold === undefined ? 'none' : hold, note ?? null, ticket ?? null],
];

const enqueue = ({ id, vault, name, version }: Operation, { queue }: Deps): Promise<void> =>
  queue.put({ vault, name, version, cause: 'http', operation: id });

/** A UUID of version 8 (RFC 9562: contents of one's own) from caller, route and key. */
function repeatableId(route: Route, { caller, ref: { vault, name } }: Call<unknown>, key: string): string {
  const bytes = createHash('sha256')
    .update(`${caller.oid}\n${route}\n${vault}\n${name}\n${key}`)
    .digest()
    .subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
