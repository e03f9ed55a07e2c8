/** Operations of people: which of them a pass works for, and what becomes of each. */
import { addHours } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import { type Handle, rotationId, type SecretRef, type VersionId } from '../../core/ids.ts';
import type { Look } from '../../core/look.ts';
import { type Reason, reasonRow } from '../../core/reasons.ts';
import type { Phase } from '../../core/statuses.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Operation, OperationResult } from '../../ports/operations.ts';
import type { SecretRow } from '../../ports/rows.ts';
import { stateOrNone } from '../../tags/owed.ts';
import { parseState, type RotatorState } from '../../tags/state.ts';
import type { Observation } from '../observe/observation.ts';
import { changes, type Step } from '../step.ts';
import { evidenceOn } from './auditRecord.ts';
import type { PassEnd } from './end.ts';

const STEPS_MAX = 50;
const FOLLOWED_MAX = 50;
/** Whoever still waits after a day is told what for. */
const PATIENCE_HOURS = 24;

/** Something may still come of it, be it the end of a grace that nobody waits for. */
export const isFollowed = ({ phase }: { readonly phase: Phase }): boolean =>
  phase !== 'settled' && phase !== 'failed';

/**
 * What people asked for and what still may come of it: the look's own and those that the row remembers, whatever brought this
 * pass about. It stands in the operation's row, which only the API writes (case SEC-05). Holds come first, in the order in
 * which they were asked for, then what is to be revoked at once, then the look's own; what is done comes last.
 */
export async function followedOperations(
  { vault, name }: SecretRef,
  look: Look,
  row: SecretRow | undefined,
  { rows }: Pick<Deps, 'rows'>,
): Promise<readonly Operation[]> {
  const ids = [
    ...new Set([
      ...(look.operation === undefined ? [] : [look.operation]),
      ...(row?.operations ?? []),
    ]),
  ];
  const found = await Promise.all(ids.slice(0, FOLLOWED_MAX).map((id) => rows.operation(id)));
  const followed = found.filter((each) => each !== undefined && isFollowed(each));
  return (followed as Operation[])
    .filter((each) => each.vault === vault && each.name === name)
    .sort((left, right) => rank(left) - rank(right));
}

/** The one that a pass works for: the first that is not done, or one whose own time of revocation is still to come. */
export const workedFor = (operations: readonly Operation[]): Operation | undefined =>
  operations.find(({ done, revoke }) => !done || revoke !== 'after-grace');

/** Of two holds the later one counts, so it is written last. */
function rank({ done, hold, at, revoke, undo, leaked, createdOn }: Operation): number {
  if (done) return 2;
  // What leaked must not come back by an undo that was asked for meanwhile.
  if (leaked) return -Number.MAX_VALUE;
  if (hold !== undefined) return createdOn.getTime() - Number.MAX_SAFE_INTEGER;
  return at !== undefined || revoke === 'now' || undo ? 0 : 1;
}

/** What a pass came to, for the operations that it follows. */
export type Followed = Pick<PassEnd, 'step' | 'seen' | 'change' | 'error' | 'refusedOn' | 'told'>;

/** Writes the row of each operation whose fate this step changed; those that are still followed. */
export async function followOperations(
  end: Followed,
  operations: readonly Operation[],
  deps: Deps,
): Promise<readonly Operation[]> {
  const now = deps.clock.now();
  const working = workedFor(operations);
  const followed: Operation[] = [];
  for (const operation of operations) {
    const fate = fateOf(operation, end, { asked: operation === working, now });
    const told = operation.leaked ? { ...fate, result: { ...end.told, ...fate.result } } : fate;
    const next = after(operation, end.step, withConsumers(operation, told, end), now);
    if (isFollowed(next)) followed.push(next);
    if (next.phase !== operation.phase || next.done !== operation.done || changes(end.step))
      await deps.rows.saveOperation(next);
  }
  return followed;
}

/** Of the operation whose rotation wrote the version that its consumers follow to. */
function withConsumers({ result }: Operation, fate: Fate, { change }: Followed): Fate {
  const { consumers: following } = change;
  if (!following || following.version !== (fate.result?.version ?? result?.version)) return fate;
  const consumers = following.consumers.map(({ id, state, on }) => ({ id, state, on }));
  return consumers.length === 0 ? fate : { ...fate, result: { ...fate.result, consumers } };
}

interface Fate {
  readonly phase: Phase;
  readonly result?: OperationResult;
  /** Where it failed. */
  readonly reason?: Reason;
}

function after(
  operation: Operation,
  step: Step,
  { phase, result, reason }: Fate,
  now: Date,
): Operation {
  const said =
    reason === step.reason && 'detail' in step && step.detail !== undefined
      ? { detail: step.detail }
      : {};
  return {
    ...operation,
    ...(reason === undefined ? {} : { reason, ...said }),
    ...(result ? { result: { ...operation.result, ...result } } : {}),
    phase,
    done: operation.done || isDone(operation, phase),
    updatedOn: now,
    steps: [...operation.steps, { on: now, step: step.kind, reason: step.reason }].slice(
      -STEPS_MAX,
    ),
  };
}

/** Done when what was asked for is in place and proved; where it was to be revoked at once, when it is. */
function isDone({ hold, at, revoke }: Operation, phase: Phase): boolean {
  if (phase === 'settled' || phase === 'failed') return true;
  if (hold !== undefined) return false;
  if (at !== undefined) return phase === 'stored';
  return phase === 'proved' && revoke !== 'now';
}

interface Situation {
  /** Whether the pass worked for this very operation. */
  readonly asked: boolean;
  readonly now: Date;
}

function fateOf(operation: Operation, end: Followed, situation: Situation): Fate {
  const { phase, hold, at, version } = operation;
  const { step, seen } = end;
  if (hold !== undefined)
    return situation.asked && step.kind === 'hold'
      ? { phase: 'settled' }
      : unserved(operation, end, situation);
  if (at !== undefined) return fateOfRevocation(operation, end, situation);
  if (phase === 'accepted' && (seen === undefined || seen.observed.version === version)) {
    // One rotation answers everybody who asked for one; an undo and a rotation do not answer each other.
    if (step.kind === 'rotate') {
      const answers = (step.reason === 'undo') === (operation.undo === true);
      if (!answers) return { phase: 'failed', reason: 'superseded' };
      return {
        phase: 'stored',
        result: { ...resultOf(end.change), ...refusedBefore(operation, end, situation) },
      };
    }
    // What is owed goes first where the request is to rotate again.
    const { result } = revokedBy(end, operation, () => situation.asked);
    return { ...unserved(operation, end, situation), result };
  }
  return seen
    ? fateOfRotation(operation, end, seen, situation)
    : impatient({ phase }, operation, end, situation);
}

/** A heal: the target has just refused what leaked. */
const refusedBefore = (
  { leaked }: Operation,
  { step }: Followed,
  { now }: Situation,
): OperationResult => (leaked && step.reason === 'value-refused' ? { refusedOn: now } : {});

/** That what leaked opens nothing: known before, or found out by this pass. */
const isTried = ({ leaked, result }: Operation, { told }: Followed): boolean =>
  !leaked ||
  [result, told].some((each) => each?.refusedOn !== undefined || each?.vouchedBy !== undefined);

/** What is asked of the current version, or of the secret, and not done by this step. */
function unserved(
  { phase, createdOn }: Operation,
  { step }: Followed,
  { asked, now }: Situation,
): Fate {
  // An event about an older version, or somebody stored one under the hands of this pass: the next one judges by what it sees
  // (case EG-05), and a hold goes on the new version.
  if (!asked || changes(step) || step.reason === 'superseded') return { phase };
  const failed: Fate = { phase: 'failed', reason: step.reason };
  if (step.kind !== 'wait') return failed;
  // Who surely keeps a slot gives it back in time, and nobody may take it; so does a neighbour in the middle of a rotation.
  if (step.reason === 'slot-held' && step.unsure?.why === undefined)
    return now >= addHours(createdOn, PATIENCE_HOURS) ? failed : { phase };
  // What passes by itself is waited for; what a person could override or must mend ends the request with its reason.
  const { by, overridable } = reasonRow(step.reason);
  return by !== 'nobody' || overridable || now >= addHours(createdOn, PATIENCE_HOURS)
    ? failed
    : { phase };
}

/** A day without the end that somebody waits for, and what keeps it from coming. */
function impatient(
  fate: Fate,
  { done, createdOn }: Operation,
  { step }: Followed,
  { now }: Situation,
): Fate {
  // Nor does anything come of a secret that its owner has opted out, switched off or deleted meanwhile.
  const waits = step.kind === 'wait' || step.kind === 'refuse' || step.kind === 'skip';
  const tooLong = !done && waits && now >= addHours(createdOn, PATIENCE_HOURS) && isFollowed(fate);
  return tooLong ? { ...fate, phase: 'failed', reason: step.reason } : fate;
}

/** Another version is current than the one that was to be replaced: by this rotation, or by somebody who stored one. */
function fateOfRotation(
  operation: Operation,
  end: Followed,
  seen: Observation,
  situation: Situation,
): Fate {
  const { step } = end;
  const written = writtenFor(operation, seen);
  if (!written) {
    if (operation.phase !== 'accepted')
      return impatient({ phase: operation.phase }, operation, end, situation);
    return {
      phase: 'failed',
      reason: step.kind === 'wait' && step.reason !== 'not-due' ? step.reason : 'superseded',
    };
  }
  const { id, state } = written;
  const result = resultOf({ wroteVersion: id, wroteState: state });
  const isCurrent = id === seen.observed.version;
  const provedNow = isCurrent && (seen.observed.proved || step.kind === 'prove');
  if (operation.phase === 'proved' || state.proved === id.slice(0, 8) || provedNow) {
    const fate = settledOf(operation, end, seen);
    return impatient({ ...fate, result: { ...result, ...fate.result } }, operation, end, situation);
  }
  // Replaced before anybody saw it work: by a heal, or by somebody who stored another one.
  if (!isCurrent) return { phase: 'failed', result, reason: 'superseded' };
  if (step.kind === 'rotate') return { phase: 'failed', result, reason: step.reason };
  return impatient({ phase: 'stored', result }, operation, end, situation);
}

/** Is the credential that was replaced revoked, still owed, or not Keyturn's to revoke? */
function settledOf(
  operation: Operation,
  end: Followed,
  { observed, versions, secret, state }: Observation,
): Fate {
  const { version, revoke } = operation;
  if (observed.owed.some((each) => each.version === version)) {
    const { gone, result } = revokedBy(end, operation, (each) => each === version);
    return gone > 0 && isTried(operation, end) ? { phase: 'settled', result } : { phase: 'proved' };
  }
  const replaced = versions.find(({ id }) => id === version);
  const was = replaced && stateOrNone(replaced.tags);
  const handle = was?.cred;
  if (!isTried(operation, end) && !(handle !== undefined && observed.left.includes(handle)))
    return { phase: 'failed', reason: 'leak-untried' };
  if (was?.revoked)
    return {
      phase: 'settled',
      result: handle === undefined ? {} : withRevoked(operation, [handle]),
    };
  if (handle !== undefined && observed.left.includes(handle))
    return revoke === 'after-grace'
      ? { phase: 'settled' }
      : { phase: 'failed', reason: 'not-ours' };
  const rotation = rotationId(secret, version);
  // A placeholder, which was no credential; or its slot was overwritten by the rotation.
  const over =
    (was?.started === rotation && handle === undefined) ||
    (observed.written && state?.rot === rotation);
  return over || revoke === 'after-grace'
    ? { phase: 'settled' }
    : { phase: 'failed', reason: 'superseded' };
}

/** A request to revoke is about the version that was current when it was accepted, and does nothing once there is a newer one. */
function fateOfRevocation(operation: Operation, end: Followed, situation: Situation): Fate {
  const { at, phase, version } = operation;
  const { step, seen, error } = end;
  if (!seen) return phase === 'accepted' ? unserved(operation, end, situation) : { phase };
  const { observed } = seen;
  if (observed.version !== version && phase === 'accepted')
    return { phase: 'failed', reason: 'superseded' };
  const { gone, result: revoked } = revokedBy(end, operation, (each) => each !== version);
  const handle = observed.version === version ? observed.live : undefined;
  const result: OperationResult = compact({ version, handle, ...revoked });
  const owed = observed.owed.filter((each) => each.version !== version);
  if (!error && gone === owed.length) return { phase: 'settled', result };
  if (step.kind === 'move' && at instanceof Date)
    return { phase: 'stored', result: { ...result, revokeAfter: step.after } };
  return phase === 'accepted'
    ? { ...unserved(operation, end, situation), result }
    : { phase, result };
}

/** How many of the versions that count were revoked by this very step, and what there is to say of them. */
function revokedBy(
  { step, refusedOn, seen }: Followed,
  operation: Operation,
  counts: (version: VersionId) => boolean,
): { readonly gone: number; readonly result: OperationResult } {
  const gone = step.kind === 'revoke' ? step.owed.filter(({ version }) => counts(version)) : [];
  if (gone.length === 0) return { gone: 0, result: {} };
  // Of a leak the one that leaked alone is evidence.
  const tried = gone.filter(({ version }) => !operation.leaked || version === operation.version);
  const [refused] = tried.flatMap(({ version }) => refusedOn?.get(version) ?? []);
  const handles = gone.map(({ handle }) => handle);
  const evidence = gone.flatMap(({ version, handle }) => {
    const words = evidenceOn(version, seen);
    return words === undefined ? [] : [`${handle}: ${words}`];
  });
  return {
    gone: gone.length,
    result: {
      ...withRevoked(operation, handles),
      ...(refused ? { refusedOn: refused } : {}),
      ...(evidence.length > 0 ? { evidence } : {}),
    },
  };
}

const withRevoked = ({ result }: Operation, handles: readonly Handle[]): OperationResult => ({
  revoked: [...new Set([...(result?.revoked ?? []), ...handles])],
});

function resultOf({ wroteVersion: version, wroteState }: Wrote): OperationResult {
  const state = typeof wroteState === 'string' ? parseState(wroteState) : wroteState;
  return compact({
    version,
    handle: state?.cred,
    revokeAfter: state?.after,
  });
}

interface Wrote {
  readonly wroteVersion?: VersionId | undefined;
  readonly wroteState?: string | RotatorState | undefined;
}

/** The version that the rotation of the operation's version wrote, or its undo, current or not. */
function writtenFor(
  { version, undo }: Pick<Operation, 'version' | 'undo'>,
  { secret, current, versions, state }: Observation,
) {
  const rotation = rotationId(secret, version);
  const answers = (found: RotatorState | undefined) =>
    found?.rot === rotation && (found.since !== undefined) === (undo === true);
  if (state && answers(state)) return { id: current.id, state };
  for (const { id, tags } of versions) {
    const found = stateOrNone(tags);
    if (found && answers(found)) return { id, state: found };
  }
  return undefined;
}
