/**
 * One pass over one secret: observe, decide one step, act, say when to look again. Nothing is remembered between
 * passes; killed at any line, the next one observes again.
 */
import { minutesBetween } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import {
  BusyError,
  KeyturnError,
  LockLostError,
  StoppingError,
  UnknownOutcomeError,
} from '../core/errors.ts';
import type { SecretRef } from '../core/ids.ts';
import type { Look } from '../core/look.ts';
import type { Deps } from '../ports/deps.ts';
import type { Lock } from '../ports/locks.ts';
import type { Operation } from '../ports/operations.ts';
import type { SecretRow } from '../ports/rows.ts';
import type { Acting, RowChange } from './act/acting.ts';
import { follow } from './act/follow.ts';
import { hold, move } from './act/hold.ts';
import { probe } from './act/probe.ts';
import { prove } from './act/prove.ts';
import { restore } from './act/restore.ts';
import { revoke } from './act/revoke.ts';
import { rotate } from './act/rotate.ts';
import { undo } from './act/undo.ts';
import { decide } from './decide.ts';
import { examineDaily } from './doctor/doctor.ts';
import { noteFailure } from './observe/brake.ts';
import { readConsent } from './observe/consented.ts';
import { withFormer } from './observe/former.ts';
import { stragglersIn, withUses } from './observe/inUse.ts';
import { withLeak } from './observe/leak.ts';
import { missingIn, rightsFor } from './observe/missingRights.ts';
import { namesOf } from './observe/neighbours.ts';
import type { Observation } from './observe/observation.ts';
import { observeTarget } from './observe/observeTarget.ts';
import { type BoundSecret, left, observeVault, type Trail } from './observe/observeVault.ts';
import { type PassEnd, standingBefore } from './record/end.ts';
import { afterFailure, failureStep, isFailure } from './record/failure.ts';
import { followedOperations, workedFor } from './record/operation.ts';
import { record } from './record/record.ts';
import { spread } from './record/spread.ts';
import { type Asked, changes, type Step, type Wait } from './step.ts';

/** What a pass did, for the log, the tests and the demonstration. */
export interface Outcome {
  readonly step: Step;
  readonly lookAgainOn?: Date;
}

/** A doubled message waits this long for the pass that holds the lock. */
const BUSY_SECONDS = 20;
const BUSY_SPREAD_SECONDS = 60;
const lockBusy: Wait = { kind: 'wait', reason: 'lock-busy' };
/** Long enough for the host to be gone that would take the message again. */
const STOPPED_SECONDS = 15;

/**
 * Looks at a secret once and takes at most one step. Throws only what is not understood: the host then delivers the
 * message again, and after five times to `workPoison`. Everything else ends in the row, the log and the next look.
 */
export async function reconcile(look: Look, deps: Deps): Promise<Outcome> {
  const secret: SecretRef = { vault: look.vault.toLowerCase(), name: look.name.toLowerCase() };
  if (!deps.vaults.open(secret.vault)) {
    deps.log('warn', 'step', { ...secret, step: 'skip', reason: 'not-allowed', cause: look.cause });
    return { step: { kind: 'skip', reason: 'not-allowed' } };
  }
  if (deps.stop?.aborted) {
    await deps.queue.put(look, STOPPED_SECONDS);
    return { step: { kind: 'wait', reason: 'stopping' } };
  }
  const lock = await deps.locks.take(`secret/${secret.vault}/${secret.name}`);
  if (!lock) return busy(look, deps);
  try {
    return await underLock(secret, look, lock, deps);
  } finally {
    await lock.release();
  }
}

/** Of the 90 seconds that a lock lasts: a pass that took longer asks whether it still has its own before it says what came of it. */
const LONG_MINUTES = 1;

/**
 * A pass that stood still between two reads may have lost its locks: whoever took them has written row and alert by now, and
 * what this one has seen is old. What it has done stays done, and is recorded.
 */
async function stillLocked(end: PassEnd, locks: readonly Lock[], deps: Deps): Promise<PassEnd> {
  try {
    for (const each of locks) await each.renew();
    return end;
  } catch (error) {
    if (!(error instanceof LockLostError)) throw error;
    if (changes(end.step) || end.attempted) return { ...end, lost: true };
    return { ...end, step: failureStep(error, deps.clock.now()), error };
  }
}

/** A look that came to nothing but a wait or a refusal of the secret itself also says whether its next rotation will work. */
async function withDoctor(end: PassEnd, deps: Deps): Promise<PassEnd> {
  const { step, bound, seen, error, trail, attempted } = end;
  const isAtRest =
    (step.kind === 'wait' || step.kind === 'refuse') && (!attempted || !changes(attempted));
  if (
    !isAtRest ||
    bound === undefined ||
    bound.leaving !== undefined ||
    PASSING.includes(step.reason)
  )
    return end;
  const { inspected, consented = false } = trail ?? {};
  try {
    const doctor = await examineDaily({ bound, seen, error, inspected, consented }, deps);
    return { ...end, change: { ...end.change, doctor } };
  } catch (thrown) {
    // It shows and decides nothing: whatever is wrong with it ends no pass.
    const name = thrown instanceof Error ? thrown.name : 'error';
    deps.log('error', 'doctor failed', { ...bound.secret, detail: `An unexpected ${name}.` });
    return end;
  }
}
/** Ends of which the next look says more. */
const PASSING: readonly Step['reason'][] = ['lock-busy', 'lock-lost', 'stopping', 'superseded'];

/** A busy lock completes the message and puts a delayed copy (design section 3). */
async function busy(look: Look, deps: Deps): Promise<Outcome> {
  // Spread, or many requests for one secret would all come back in the same second.
  const spread = Number.parseInt(look.operation?.slice(0, 4) ?? '0', 16) % BUSY_SPREAD_SECONDS;
  await deps.queue.put(look, BUSY_SECONDS + spread);
  return { step: lockBusy };
}

async function underLock(secret: SecretRef, look: Look, lock: Lock, deps: Deps): Promise<Outcome> {
  const row = await deps.rows.secret(secret);
  const operations = await followedOperations(secret, look, row, deps);
  const working = workedFor(operations);
  const asked = working && askedFor(working);
  const locks: Lock[] = [lock];
  const begunOn = deps.clock.now();
  try {
    const seen = await endOf(
      secret,
      look,
      {
        row,
        asked,
        leak: working?.leaked ? working : undefined,
        locks,
        followed: operations.length > 0,
      },
      deps,
    );
    if (seen.step === lockBusy) return await busy(look, deps);
    const examined = await withDoctor(seen, deps);
    const isLong = minutesBetween(begunOn, deps.clock.now()) >= LONG_MINUTES;
    const end = isLong ? await stillLocked(examined, locks, deps) : examined;
    const next = await record(end, { secret, look, row, operations }, deps);
    return compact({ step: end.step, lookAgainOn: next });
  } finally {
    for (const targetLock of locks.slice(1)) await targetLock.release();
  }
}

export const askedFor = ({
  version,
  override,
  revoke,
  rotateAgain,
  undo: undone,
  leaked,
  createdOn,
  at,
  hold,
}: Pick<
  Operation,
  'version' | 'override' | 'revoke' | 'rotateAgain' | 'undo' | 'leaked' | 'at' | 'hold'
> & {
  readonly createdOn?: Date;
}): Asked =>
  compact({
    version,
    override,
    revoke,
    rotateAgain,
    undo: undone,
    leaked,
    askedOn: leaked && createdOn,
    at,
    hold,
  });

interface Start {
  readonly row: SecretRow | undefined;
  readonly asked: Asked | undefined;
  readonly leak: Operation | undefined;
  /** Somebody will want to know what came of it. */
  readonly followed: boolean;
  /** The secret's lock; the target's joins it. */
  readonly locks: Lock[];
}

/** How far a pass came. */
interface Progress extends Trail {
  bound?: BoundSecret;
  seen?: Observation;
  step?: Step;
  acting?: Acting;
  /** Others that keep a credential that leaked. */
  besides?: readonly string[];
}

/** Runs the pass to its end, whatever it throws: how far it came decides what is recorded. */
async function endOf(
  secret: SecretRef,
  look: Look,
  { row, asked, leak, locks, followed }: Start,
  deps: Deps,
): Promise<PassEnd> {
  const progress: Progress = {};
  try {
    progress.bound = await observeVault(
      secret,
      look.cause === 'event' ? look.version : undefined,
      row,
      deps,
      progress,
    );
    // A person who asks may have been given consent this minute.
    const grants = await readConsent(progress.bound, deps, { recentNo: asked === undefined });
    progress.consented = true;
    const targetLock = await deps.locks.take(`target/${namesOf(progress.bound.optIn.target)[0]}`);
    if (!targetLock) return { step: lockBusy, change: {} };
    locks.push(targetLock);
    const seen = await withFormer(
      await observeTarget(progress.bound, grants, deps, progress),
      asked,
    );
    if (leak) progress.besides = await spread(leak, seen, grants, deps);
    progress.seen = await withLeak(seen, asked, grants, deps);
    const aimed = decide(progress.seen.observed, asked, deps.clock.now());
    // Last of all, and of nothing else: who still uses what would be revoked now.
    progress.seen = await withUses(progress.seen, aimed, asked, deps);
    const step = progress.seen.observed.uses
      ? decide(progress.seen.observed, asked, deps.clock.now())
      : aimed;
    // Here nothing is begun yet. A step that is goes on to its end: seconds, and where it waits it is told by `stayer`.
    if (deps.stop?.aborted && changes(step)) throw new StoppingError();
    progress.step = step;
    // It owes nothing after all: what it is then stands in its tags.
    if (step.kind === 'skip') throw left(progress.bound.current, progress, deps.clock.now());
    const requested = asked?.version === progress.seen.observed.version;
    progress.acting = {
      seen: progress.seen,
      deps,
      locks,
      requested,
      followed,
      refusedOn: new Map(),
      notices: [...stragglersIn(progress.seen, step)],
      tried: new Map(),
      called: [],
      ...compact({ leak }),
    };
    if (progress.step.kind === 'rotate')
      progress.step = (await probe(progress.step, progress.acting)) ?? progress.step;
    await refuseMissing(progress.step, progress.seen, asked, deps);
    const { kind, reason } = progress.step;
    const { dueOn, after, age, heldUntil } = progress.seen.observed;
    const now = deps.clock.now();
    const days = age && Math.floor(minutesBetween(age.since, now) / (24 * 60));
    const { notes } = progress.bound.policy;
    const aged = age ? { credentialSince: age.since, ageDays: days } : {};
    const noted = notes === undefined ? {} : { notes: notes.join(' ') };
    deps.log('info', 'decided', {
      ...secret,
      step: kind,
      reason,
      cause: look.cause,
      dueOn,
      after,
      ...aged,
      ...noted,
      ...modeOf(deps),
      ...(heldUntil ? { heldUntil } : {}),
    });
    // Consumers are none of the target's business: whoever else rotates there does not wait for them.
    if (kind === 'follow') for (const each of locks.splice(1)) await each.release();
    const change = await act(progress.step, progress.acting);
    const { refusedOn, tried, notices, called } = progress.acting;
    const told = toldOf(progress);
    return {
      step: progress.step,
      change,
      ...progress,
      trail: progress,
      refusedOn,
      tried,
      notices,
      called,
      told,
    };
  } catch (error) {
    return await failureEnd(error, progress, row, deps);
  }
}

const toldOf = ({ acting, besides }: Progress): NonNullable<PassEnd['told']> => ({
  ...acting?.evidence,
  ...(besides && besides.length > 0 ? { besides } : {}),
});

/** An instance that only observes says what a change would be refused for: asked for without a write (OPS-03). */
async function refuseMissing(
  step: Step,
  seen: Observation,
  asked: Asked | undefined,
  deps: Deps,
): Promise<void> {
  if (step.reason !== 'mode-observe') return;
  const planned = decide({ ...seen.observed, mode: 'run' }, asked, deps.clock.now());
  if (planned.kind !== 'rotate' && planned.kind !== 'revoke') return;
  const missing = missingIn(await rightsFor(seen, deps));
  if (missing)
    throw new KeyturnError(
      missing.reason ?? 'target-forbidden',
      missing.detail === undefined ? {} : { detail: missing.detail },
    );
}

/** Rules of the workspace pass over what an instance says that only observes. */
const modeOf = ({ config: { mode } }: Deps) => (mode === 'observe' ? { mode } : {});

async function act(step: Step, acting: Acting): Promise<RowChange> {
  switch (step.kind) {
    case 'rotate':
      return step.reason === 'undo' ? undo(step, acting) : rotate(step, acting);
    case 'revoke':
      return revoke(step, acting);
    case 'prove':
      return prove(acting);
    case 'restore':
      return restore(acting);
    case 'hold':
      return hold(step, acting);
    case 'move':
      return move(step, acting);
    case 'follow':
      return follow(step, acting);
    default:
      return {};
  }
}

async function failureEnd(
  error: unknown,
  progress: Progress,
  row: SecretRow | undefined,
  deps: Deps,
): Promise<PassEnd> {
  if (!(error instanceof KeyturnError)) throw error;
  const now = deps.clock.now();
  const since = standingBefore(row, error.reason) ?? now;
  const step = failureStep(error, now, { tries: row?.tries ?? 0, since });
  // An undo changes nothing at the target: what keeps it from the vault is no failure of a rotation's.
  const rotates = progress.step?.kind === 'rotate' && progress.step.reason !== 'undo';
  const rotating = rotates && progress.acting !== undefined;
  const touching = rotating || progress.step?.kind === 'revoke';
  const failed =
    rotating &&
    isFailure(error, {
      marked: progress.acting?.marked !== undefined,
      issued: progress.acting?.issued === true,
    });
  // A busy vault or storage is no fault of the kind's targets, and brakes none of them.
  if (failed && progress.seen && !(error instanceof BusyError && error.reason !== 'target-busy')) {
    await noteFailure(progress.seen, deps);
  }
  // Whatever was sent to the target may still arrive: until then no slot of it is touched, nor known.
  const settling =
    touching && step.kind === 'wait' && step.reason === 'settling'
      ? { settlingUntil: step.until }
      : {};
  // An end that stays unknown is tried at growing distances, too: with one credential each try may lock its readers out.
  // Not where the worker was told to stop: then there was no time to see the end.
  const tried =
    failed || (rotating && error instanceof UnknownOutcomeError && deps.stop?.aborted !== true);
  const failure =
    tried && progress.acting ? afterFailure(error, progress.acting, row?.failures ?? 0) : {};
  const { marked } = progress.acting ?? {};
  const change: RowChange = { ...settling, ...failure, ...(marked ? { begun: marked } : {}) };
  return compact({
    step,
    error,
    failed,
    change,
    attempted: progress.step,
    told: toldOf(progress),
    notices: progress.acting?.notices,
    trail: progress,
    bound: progress.bound,
    seen: progress.seen,
  });
}
