/**
 * Requests of people: judged, written down as an operation, and put on the queue as a look. It belongs to the composition
 * root's layer, since roles, vault, rules and rows meet here.
 */
import { createHash, randomUUID } from 'node:crypto';
import { addDays } from './core/clock.ts';
import { KeyturnError } from './core/errors.ts';
import type { SecretRef } from './core/ids.ts';
import { type Caller, requireRole } from './http/auth.ts';
import { append, inLog, recordOfRequest } from './reconcile/audit.ts';
import { type Bound, observeVault, readConsent, type Trail } from './reconcile/bind.ts';
import { decide, plan } from './reconcile/decide.ts';
import type { Deps } from './reconcile/deps.ts';
import { failureStep } from './reconcile/failure.ts';
import { observeTarget } from './reconcile/observe.ts';
import { olderOurs } from './reconcile/owed.ts';
import type { Step } from './reconcile/types.ts';
import { checkUntil, type HoldRequest } from './requests/hold.ts';
import type { RotateRequest } from './requests/rotate.ts';
import type { History, Operation } from './store/store.ts';

interface Call<Asked> {
  readonly caller: Caller;
  readonly ref: SecretRef;
  readonly asked: Asked;
  /** The header `Idempotency-Key`: a repeat by this caller for this secret answers the same operation. */
  readonly idempotencyKey?: string;
}

export type RotateCall = Call<RotateRequest>;
export type HoldCall = Call<HoldRequest>;
/** What an operation says of the request itself. */
type Wanted = Pick<Operation, 'override' | 'revoke' | 'hold' | 'note' | 'ticket'>;

/** What a pass would do now. */
export type Plan = Pick<Step, 'kind' | 'reason'> & { readonly until?: Date; readonly detail?: string };
export type RotateAnswer = { readonly operation: Operation } | { readonly plan: Plan };

const OPEN_MAX = 50;
/** All of these look like a secret that is not there (design section 5). */
const UNSEEN = ['not-allowed', 'gone', 'disabled', 'managed', 'other-instance'];
/** These too, unless Keyturn had to do with it: then it is seen, and that it was opted out is said. */
const OPTED_OUT = ['not-opted-in', 'opted-out', 'exempt'];

/**
 * Accepts a request for a rotation, or throws the reason why not. Writes a row and a message, nothing in vault or target;
 * a dry run writes nothing at all. Roles are judged first, so that nobody learns by a 404 or 409 what they may not see.
 */
export async function rotate(call: RotateCall, deps: Deps): Promise<RotateAnswer> {
  const { caller, ref, asked, idempotencyKey } = call;
  // Setting a reason aside and revoking without grace is what `Keyturn.Revoke` is for (case UA-8).
  requireRole(caller, asked.override.length > 0 || asked.revoke === 'now' ? 'Keyturn.Revoke' : 'Keyturn.Rotate');
  const id = idempotencyKey === undefined || asked.dryRun ? randomUUID() : repeatableId('rotate', call, idempotencyKey);
  const earlier = idempotencyKey === undefined ? undefined : await deps.rows.operation(id);
  const wanted = { override: asked.override, revoke: asked.revoke, ...notesOf(asked) };
  if (earlier) return { operation: await repeated(earlier, wanted, deps) };

  const bound = await rotatable(ref, deps);
  if (asked.dryRun) return { plan: inWords(await planned(bound, asked, deps)) };
  refuseOwed(bound, asked);
  return { operation: await accept({ id, caller, bound, wanted }, deps) };
}

/**
 * Accepts a hold (design section 2: a person postpones), or its end. A pass writes it on the version that is current by
 * then; from there on nothing is rotated or revoked until its time, while proof, restoring tags and alerts go on.
 */
export async function hold(call: HoldCall, deps: Deps): Promise<Operation> {
  const { caller, ref, asked, idempotencyKey } = call;
  requireRole(caller, 'Keyturn.Rotate');
  const id = idempotencyKey === undefined ? randomUUID() : repeatableId('hold', call, idempotencyKey);
  const earlier = idempotencyKey === undefined ? undefined : await deps.rows.operation(id);
  const wanted: Wanted = { override: [], revoke: 'after-grace', hold: asked.until, ...notesOf(asked) };
  if (earlier) return await repeated(earlier, wanted, deps);
  checkUntil(asked, deps.clock.now());
  return await accept({ id, caller, bound: await visible(ref, deps), wanted }, deps);
}

interface Acceptable {
  readonly id: string;
  readonly caller: Caller;
  readonly bound: Bound;
  readonly wanted: Wanted;
}

/** Writes audit record, row and message of an operation. What has no record is not accepted. */
async function accept({ id, caller, bound, wanted }: Acceptable, deps: Deps): Promise<Operation> {
  if ((await deps.rows.openOperations(caller.oid)) >= OPEN_MAX) throw new KeyturnError('too-many-operations');
  const now = deps.clock.now();
  const operation: Operation = {
    ...{ id, ...bound.secret, version: bound.current.id, caller: caller.oid, status: 'accepted' },
    ...wanted,
    ...{ createdOn: now, updatedOn: now, steps: [] },
  };
  const record = recordOfRequest(operation, caller.kind, deps);
  const unwritten = await append(record, deps);
  if (unwritten) throw unwritten;
  deps.log('info', 'audit', inLog(record));
  // The row before the message: the pass reads from it what was asked for.
  await deps.rows.saveOperation(operation);
  await enqueue(operation, deps);
  return operation;
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
  const row = await deps.rows.secret(ref);
  const trail: Trail = {};
  try {
    return await observeVault(ref, undefined, row, deps, trail);
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    if (UNSEEN.includes(error.reason)) throw new KeyturnError('not-found');
    if (!OPTED_OUT.includes(error.reason)) throw error;
    throw new KeyturnError(row?.view || trail.leaving ? 'not-opted-in' : 'not-found');
  }
}

/** One that may be rotated: what was opted out still has its obligations, and nothing else (OPS-05). */
async function rotatable(ref: SecretRef, deps: Deps): Promise<Bound> {
  const bound = await visible(ref, deps);
  if (bound.leaving !== undefined) throw new KeyturnError('not-opted-in');
  return bound;
}

/** Something owed is settled first, or revoked on request. Judged by tags; the pass judges again by what the target says. */
function refuseOwed({ secret, versions, current, tgt, state }: Bound, { revoke }: RotateRequest): void {
  const owed = olderOurs(versions, current.id, { secret, tgt, currentRot: state?.rot }).filter(
    ({ handle }) => handle !== undefined && handle !== state?.cred,
  );
  if (owed.length === 0 || revoke === 'now') return;
  const named = [...new Set(owed.map(({ handle, version }) => `${handle} of version ${version}`))].join(', ');
  const until = state?.after ? ` until ${state.after.toISOString()}` : '';
  throw new KeyturnError('owed-first', { detail: `Still owed${until}: ${named}.` });
}

/** The step that a pass would take now. Reads vault and target like one, without their locks. */
async function planned(bound: Bound, { override, revoke }: RotateRequest, deps: Deps): Promise<Step> {
  try {
    const { observed } = await observeTarget(bound, await readConsent(bound, deps), deps);
    return decide(observed, { version: bound.current.id, override, revoke }, deps.clock.now());
  } catch (error) {
    if (error instanceof KeyturnError) return failureStep(error, deps.clock.now());
    throw error;
  }
}

const inWords = (step: Step): Plan =>
  step.kind === 'wait' || step.kind === 'refuse' || step.kind === 'skip'
    ? step
    : { kind: step.kind, reason: step.reason, detail: plan(step) };

const notesOf = ({ reason, ticket }: { reason?: string | undefined; ticket?: string | undefined }) => ({
  ...(reason === undefined ? {} : { note: reason }),
  ...(ticket === undefined ? {} : { ticket }),
});

async function repeated(earlier: Operation, asked: Wanted, deps: Deps): Promise<Operation> {
  const same =
    earlier.revoke === asked.revoke &&
    earlier.override.join() === asked.override.join() &&
    earlier.hold?.getTime() === asked.hold?.getTime() &&
    earlier.note === asked.note &&
    earlier.ticket === asked.ticket;
  if (!same) throw new KeyturnError('bad-request', { detail: 'This Idempotency-Key belongs to another request.' });
  // The first call may have died between row and message; a second look is harmless.
  if (earlier.status === 'accepted') await enqueue(earlier, deps);
  return earlier;
}

const enqueue = ({ id, vault, name, version }: Operation, { queue }: Deps): Promise<void> =>
  queue.put({ vault, name, version, cause: 'http', operation: id });

/** A UUID of version 8 (RFC 9562: contents of one's own) from caller, route and key. */
function repeatableId(route: 'rotate' | 'hold', { caller, ref: { vault, name } }: Call<unknown>, key: string): string {
  const bytes = createHash('sha256')
    .update(`${caller.oid}\n${route}\n${vault}\n${name}\n${key}`)
    .digest()
    .subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
