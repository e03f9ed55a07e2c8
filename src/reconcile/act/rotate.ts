/**
 * Rotate: preflight, issue, check, store in one call, read back. Killed at any line it can be run again: before the
 * store the old credential is current and untouched, after it everything that is owed stands on the new version.
 */
import { addHours, earliest, latest, minutesBetween } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import {
  BusyError,
  KeyturnError,
  LockLostError,
  StoppingError,
  UnknownOutcomeError,
} from '../../core/errors.ts';
import type { Handle, VersionId } from '../../core/ids.ts';
import type { Credential, Stay, Verdict } from '../../ports/rotator.ts';
import type { NewVersion, Version } from '../../ports/vault.ts';
import { isOptedIn, leavingBy, optInTags } from '../../tags/optIn.ts';
import { expiryOf } from '../../tags/policy.ts';
import { change, formatState, type RotatorState, readState, withState } from '../../tags/state.ts';
import { isBraked } from '../observe/brake.ts';
import { baseState, SLOW_MINUTES } from '../observe/observation.ts';
import { type Observed, proves } from '../observe/observed.ts';
import { Stopped } from '../observe/observeVault.ts';
import { oldForm } from '../observe/older.ts';
import type { Rotate } from '../step.ts';
import { type Acting, type RowChange, renewAll } from './acting.ts';
import { guard } from './guard.ts';
import { removeLeftovers } from './leftovers.ts';
import { preflight, refusedTags } from './preflight.ts';
import { stayer } from './stay.ts';
import { undoneState } from './undone.ts';

const PAUSE_SECONDS = [1, 2, 4, 8, 15, 30] as const;
const STORE_TRIES = 5;

export async function rotate(step: Rotate, acting: Acting): Promise<RowChange> {
  const { seen, deps } = acting;
  const { optIn, secret, observed, tgt } = seen;
  preflight(step, acting);
  await markStarted(step, acting);
  acting.marked = { tgt, rotation: step.rotation, on: deps.clock.now() };
  await deps.rows.saveSecret({ failures: 0, ...seen.row, ...secret, begun: acting.marked });
  // From here until the version is stored nobody can say which slot this secret keeps. Not before the mark: a vault that
  // refuses it would leave the neighbours waiting for a slot that nothing has happened to.
  await deps.rows.saveSharer({ ...secret, target: optIn.target.id, owes: [] });
  const startedOn = deps.clock.now();
  await guard(acting);
  const stay = stayer(acting);
  await removeLeftovers(step, acting);
  const credential = await issue(step, stay, acting);
  acting.issued = step.source.kind === 'issue';
  const verdict = await untilAccepted(credential, stay, acting);
  // Nothing was issued: a value that is not certain to work is not worth the version.
  if (step.source.kind === 'again' && !proves(verdict))
    throw new BusyError('target-busy', {
      detail: `The target answered ${verdict} to the ${credential.handle} of an older version.`,
    });
  if (optIn.rotator.overlap !== 'none' && (verdict === 'refused' || verdict === 'not-yet')) {
    const said = optIn.target.said?.()?.detail;
    const left = await dispose(step, credential, acting);
    // It may have been accepted with more time: no fault of the target's.
    if (verdict === 'not-yet' && deps.stop?.aborted) throw new StoppingError();
    throw new KeyturnError('not-accepted', {
      detail: [`The target answered ${verdict} to the new ${credential.handle}.`, said, left]
        .filter((words) => words !== undefined)
        .join(' '),
    });
  }
  const state: RotatorState = compact({
    tgt,
    cred: credential.handle,
    rot: step.rotation,
    ...obligation(step, credential.handle, acting),
    // Set aside for this rotation only: what it leaves to be revoked waits as before.
    hold: observed.hold && deps.clock.now() < observed.hold ? observed.hold : undefined,
    ...(step.reason === 'undo' ? undoneState(step.source, acting) : {}),
  });
  const inFlight = { step, credential, mayArrive: false };
  if (minutesBetween(startedOn, deps.clock.now()) > SLOW_MINUTES) await markAgain(inFlight, acting);
  const id = await store(step, credential, state, acting);
  // Heals and what a person asks for use up nothing of KEYTURN_RATE: what is due beside them must still come.
  if (isBraked(step, acting.requested)) await deps.rows.recordRotation(secret, deps.clock.now());
  await deps.rows.forgetFailed(optIn.rotator.type);
  await confirm(id, step, acting);
  await deps.rows.saveSharer({
    ...secret,
    target: optIn.target.id,
    handle: credential.handle,
    issuedOn: state.since ?? deps.clock.now(),
    owes: owedBeside(credential.handle, observed).map((handle) => ({
      handle,
      after: state.after ?? deps.clock.now(),
    })),
  });
  return {
    wroteVersion: id,
    wroteState: formatState(state),
    begun: undefined,
    failures: 0,
    retryOn: undefined,
    lastFailure: undefined,
    refusedPlan: undefined,
    settlingUntil: undefined,
  };
}

/** The vault's own word that a rotation has begun, and the proof that it takes writes (case KV-05). */
async function markStarted(step: Rotate, acting: Acting): Promise<void> {
  const { seen } = acting;
  const { vault, secret, observed, tgt } = seen;
  const fresh = await guard(acting);
  const started = change(baseState(seen), { tgt, cred: observed.live, started: step.rotation });
  try {
    await vault.retag(secret.name, fresh.id, withState(fresh.tags, started));
  } catch (error) {
    throw refusedTags(error, fresh.tags);
  }
}

/**
 * After a long wait for the target the mark is made anew: should this pass die now, its PUT may arrive later than ten minutes
 * after the first mark, and the next pass must not dispose of the credential before.
 */
async function markAgain(inFlight: InFlight, acting: Acting): Promise<void> {
  await guardWith(inFlight, acting);
  try {
    await markStarted(inFlight.step, acting);
  } catch (error) {
    if (error instanceof KeyturnError && !(error instanceof LockLostError))
      throw await giveUp(error, inFlight, acting);
    throw error;
  }
}

async function issue(step: Rotate, stay: Stay, { seen, deps }: Acting): Promise<Credential> {
  const { target } = seen.optIn;
  if (step.source.kind === 'issue') {
    const until = addHours(
      expiryOf(seen.policy, deps.clock.now(), deps.config.capDays),
      seen.policy.graceHours,
    );
    return target.issue(step.rotation, step.source.keep, until, stay);
  }
  if (step.source.kind === 'again') {
    const { handle, version } = step.source;
    const old = await oldForm(seen, version, seen.target);
    if (!old) throw new Stopped('skip', 'superseded');
    return compact({ handle, value: old.bare, login: old.login });
  }
  if (!target.read) throw new KeyturnError('failed', { detail: 'This target cannot be joined.' });
  return { handle: step.source.handle, value: await target.read(step.source.handle) };
}

/** Asks with growing pauses until the target takes the value. It exists nowhere else now, so the pass stays. */
async function untilAccepted(credential: Credential, stay: Stay, acting: Acting): Promise<Verdict> {
  for (let turn = 0; ; turn++) {
    const verdict = await checkOnce(credential, acting);
    if (verdict !== 'not-yet' || !(await stay(PAUSE_SECONDS[turn] ?? 30))) return verdict;
  }
}

async function checkOnce({ value, login }: Credential, { seen }: Acting): Promise<Verdict> {
  try {
    return await seen.optIn.target.check(value, login);
  } catch (error) {
    if (error instanceof BusyError) return 'not-yet';
    // The target took the only one there is: stored unproved, not lost for an answer that nobody understands.
    if (error instanceof KeyturnError && seen.optIn.rotator.overlap === 'none') return 'unknown';
    throw error;
  }
}

/** Handles that live on beside a new credential: what was owed before, and the one that it replaces. */
function owedBeside(handle: Handle, { owed, live, placeholder }: Observed): readonly Handle[] {
  const replaced = live === undefined || placeholder ? [] : [live];
  return [...new Set([...owed.map((each) => each.handle), ...replaced])].filter(
    (each) => each !== handle,
  );
}

/** What the new version owes: everything older that lives on under another handle. */
function obligation(
  step: Rotate,
  handle: Handle,
  { seen, deps }: Acting,
): Pick<RotatorState, 'after'> {
  const { observed, policy } = seen;
  const owes = owedBeside(handle, observed).length > 0;
  if (!owes) return {};
  const now = deps.clock.now();
  if (step.graceHours !== undefined) return { after: addHours(now, step.graceHours) };
  return { after: latest(observed.after, addHours(now, policy.graceHours)) as Date };
}

async function store(
  step: Rotate,
  credential: Credential,
  state: RotatorState,
  acting: Acting,
): Promise<VersionId> {
  const { seen, deps } = acting;
  const current = await guardWith({ step, credential, mayArrive: false }, acting);
  const { vault, secret, opened, policy } = seen;
  const value = opened.fill(credential.value, credential.login);
  // No later than the target itself ends a credential that it has had before.
  const ends =
    step.source.kind === 'again' ? seen.target.endsOn?.get(credential.handle) : undefined;
  const expiresOn = earliest(expiryOf(policy, deps.clock.now(), deps.config.capDays), ends) as Date;
  const beside = ({ tags, contentType }: Version): NewVersion =>
    compact({
      value,
      tags: withState(tags, state),
      expiresOn,
      contentType,
    });
  let version = beside(current);
  // Once an outcome was unknown that PUT may still arrive: the credential stays, whatever later answers say.
  let mayArrive = false;
  for (let turn = 1; ; turn++) {
    try {
      return await vault.store(secret.name, version);
    } catch (error) {
      if (!(error instanceof KeyturnError) || error instanceof LockLostError) throw error;
      const stored = await readBack(step, version, acting);
      if (stored !== undefined) return stored;
      mayArrive ||= error instanceof UnknownOutcomeError;
      const repeats = mayArrive || error instanceof BusyError;
      if (!repeats || turn === STORE_TRIES)
        throw await giveUp(error, { step, credential, mayArrive }, acting);
    }
    // The same value again, with what its owner has written since: a late twin of it is harmless, another value would not be.
    await deps.clock.sleep((PAUSE_SECONDS[turn] ?? 30) * 1000);
    try {
      version = beside(await guardWith({ step, credential, mayArrive }, acting));
    } catch (error) {
      // The first PUT may have come in while this pass waited: then it was ours that came between.
      const late =
        error instanceof KeyturnError &&
        error.reason === 'conflict' &&
        (await readBack(step, version, acting));
      if (late) return late;
      throw error;
    }
  }
}

/** A credential on its way into the vault. */
interface InFlight {
  readonly step: Rotate;
  readonly credential: Credential;
  readonly mayArrive: boolean;
}

/** The guard, while a credential is in flight that nobody else knows: where another version came between, it goes. */
async function guardWith(
  { step, credential, mayArrive }: InFlight,
  acting: Acting,
): Promise<Version> {
  try {
    return await guard(acting);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    const stored = await acting.seen.vault.current(acting.seen.secret.name);
    const twin = typeof stored === 'object' && readState(stored.tags)?.rot === step.rotation;
    if (!twin && !mayArrive) await dispose(step, credential, acting);
    throw new KeyturnError('conflict', {
      detail: 'Another version was stored before the new one could be.',
    });
  }
}

/** The id of our version if it is current: the answer was lost, not the write. */
async function readBack(
  step: Rotate,
  version: NewVersion,
  { seen }: Acting,
): Promise<VersionId | undefined> {
  const current = await seen.vault.current(seen.secret.name);
  if (typeof current === 'string') return undefined;
  const ours =
    readState(current.tags)?.rot === step.rotation && current.value.equals(version.value);
  return ours ? current.id : undefined;
}

/** An unknown outcome keeps the credential, which may be in the vault any moment; a definite refusal disposes of it. */
async function giveUp(
  error: KeyturnError,
  { step, credential, mayArrive }: InFlight,
  acting: Acting,
): Promise<KeyturnError> {
  if (mayArrive)
    return error instanceof UnknownOutcomeError
      ? error
      : new UnknownOutcomeError(error.reason, error.facts);
  await dispose(step, credential, acting);
  return error;
}

/**
 * With one credential there is nothing to revoke: the old one is set back, since the vault goes on naming it. A target that cannot
 * take it away now is told, in words, and hides nothing of why the credential was to go: nobody knows its value (finding SRV-04).
 */
async function dispose(
  step: Rotate,
  credential: Credential,
  acting: Acting,
): Promise<string | undefined> {
  const { opened, optIn } = acting.seen;
  const { target, rotator } = optIn;
  if (step.source.kind !== 'issue') return undefined;
  await renewAll(acting);
  if (rotator.overlap !== 'none') {
    try {
      await target.revoke(credential.handle, credential.value, stayer(acting));
      return undefined;
    } catch (error) {
      if (!(error instanceof BusyError) || error instanceof LockLostError) throw error;
      return `It could not be taken away either: ${error.detail}`;
    }
  }
  // Only if the target still has ours: what somebody else has set meanwhile is theirs, also where it looks like not yet.
  if (
    acting.seen.observed.placeholder ||
    (await untilAccepted(credential, stayer(acting), acting)) === 'refused'
  )
    return undefined;
  await renewAll(acting);
  await target.restore?.(opened.bare, opened.login);
  return undefined;
}

/** Ours, and nobody's in between? The list of versions tells, whatever its order (case KV-04). */
async function confirm(id: VersionId, step: Rotate, { seen, deps }: Acting): Promise<void> {
  const { vault, secret, versions, current: replaced } = seen;
  const current = await vault.current(secret.name);
  const twins = (tags: Version['tags']) => readState(tags)?.rot === step.rotation;
  const isOurs = typeof current === 'object' && (current.id === id || twins(current.tags));
  // Without opt-in tag or expiry there would be no second rotation, and nobody would notice (case KV-01).
  const tags = typeof current === 'object' ? optInTags(current.tags, secret, deps.config) : {};
  const lost = !isOptedIn(tags) && leavingBy(tags) === 'lost';
  if (isOurs && (lost || !current.expiresOn)) {
    throw new KeyturnError('conflict', {
      detail: `Version ${current.id} has lost its opt-in tag or its expiry.`,
    });
  }
  const known = new Set([...versions.map((each) => each.id), replaced.id, id]);
  const strangers = (await vault.versions(secret.name)).filter(
    (each) => !known.has(each.id) && !twins(each.tags),
  );
  if (!isOurs || strangers.length > 0) {
    const who =
      strangers.map((each) => each.id).join(', ') ||
      (typeof current === 'string' ? current : current.id);
    throw new KeyturnError('conflict', {
      detail: `Somebody else stored ${who}; nothing is revoked for it.`,
    });
  }
}
