/** Operations of people: which of them a pass works for, and what becomes of each. */
import { addHours } from '../core/clock.ts';
import { rotationId, type SecretRef, type VersionId } from '../core/ids.ts';
import type { Look } from '../core/look.ts';
import { type Reason, reasonRow } from '../core/reasons.ts';
import type { Operation, SecretRow } from '../store/store.ts';
import type { Deps } from './deps.ts';
import type { Seen } from './observe.ts';
import { stateOrNone } from './owed.ts';
import { changes, type Step } from './types.ts';

const STEPS_MAX = 50;
const OPEN_MAX = 50;
/** Whoever still waits after a day is told what for. */
const PATIENCE_HOURS = 24;

export const isOpen = ({ status }: Pick<Operation, 'status'>): boolean => status === 'accepted' || status === 'running';

/**
 * What people asked for and still wait for: the look's own and those that the row remembers, whatever brought this pass
 * about. It stands in the operation's row, which only the API writes (case SEC-05). The first one is worked for: holds in
 * the order in which they were asked for, then a `revoke: now` before others, then the look's own.
 */
export async function openOperations(
  { vault, name }: SecretRef,
  look: Look,
  row: SecretRow | undefined,
  { rows }: Pick<Deps, 'rows'>,
): Promise<readonly Operation[]> {
  const ids = [...new Set([...(look.operation === undefined ? [] : [look.operation]), ...(row?.operations ?? [])])];
  const found = await Promise.all(ids.slice(0, OPEN_MAX).map((id) => rows.operation(id)));
  const open = found.filter((each) => each !== undefined && isOpen(each) && each.vault === vault && each.name === name);
  return (open as Operation[]).sort((left, right) => rank(left) - rank(right));
}

/** Of two holds the later one counts, so it is written last. */
const rank = ({ hold, revoke, createdOn }: Operation): number => {
  if (hold !== undefined) return createdOn.getTime() - Number.MAX_SAFE_INTEGER;
  return revoke === 'now' ? 0 : 1;
};

/** Writes the row of each operation whose fate this step changed; the ids of those that are still open. */
export async function followOperations(
  step: Step,
  operations: readonly Operation[],
  seen: Seen | undefined,
  deps: Deps,
): Promise<readonly string[]> {
  const open: string[] = [];
  for (const [at, operation] of operations.entries()) {
    const status = fateOf(step, operation, { seen, asked: at === 0, now: deps.clock.now() });
    if (isOpen({ status })) open.push(operation.id);
    const waited = step.kind === 'wait' && step.reason !== 'not-due';
    const aboutVersion = operation.hold === undefined && seen !== undefined;
    const replaced = aboutVersion && seen.observed.version !== operation.version && !waited;
    const reason = replaced ? 'superseded' : step.reason;
    if (status !== operation.status || changes(step)) await write(step, operation, { status, reason }, deps);
  }
  return open;
}

async function write(
  step: Step,
  operation: Operation,
  { status, reason }: { status: Operation['status']; reason: Reason },
  deps: Deps,
): Promise<void> {
  const now = deps.clock.now();
  const detail = reason === step.reason && 'detail' in step && step.detail !== undefined ? { detail: step.detail } : {};
  await deps.rows.saveOperation({
    ...operation,
    ...(status === 'failed' ? { reason, ...detail } : {}),
    status,
    updatedOn: now,
    steps: [...operation.steps, { on: now, step: step.kind, reason: step.reason }].slice(-STEPS_MAX),
  });
}

interface Situation {
  readonly seen: Seen | undefined;
  /** Whether the pass worked for this very operation. */
  readonly asked: boolean;
  readonly now: Date;
}

function fateOf(step: Step, operation: Operation, { seen, asked, now }: Situation): Operation['status'] {
  const atOnce = operation.revoke === 'now';
  const tooLong = now >= addHours(operation.createdOn, PATIENCE_HOURS);
  if (operation.hold === undefined && seen && seen.observed.version !== operation.version) {
    const fate = atOnce ? fateOfRevocation(step, operation.version, seen) : fateOfRotation(operation.version, seen);
    return fate === 'running' && step.kind === 'wait' && tooLong ? 'failed' : fate;
  }
  if (step.kind === 'rotate') return atOnce ? 'running' : 'succeeded';
  if (!asked) return operation.status;
  if (step.kind === 'hold') return 'succeeded';
  // An event about an older version, or somebody stored one under the hands of this pass: the next one judges by what it sees
  // (case EG-05), and a hold goes on the new version.
  if (step.reason === 'superseded') return 'running';
  if (step.kind === 'refuse' || step.kind === 'skip') return 'failed';
  if (step.kind !== 'wait') return 'running';
  // What passes by itself is waited for; what a person could override or must mend ends the request with its reason.
  const { by, overridable } = reasonRow(step.reason);
  return by !== 'nobody' || overridable || tooLong ? 'failed' : 'running';
}

/** The version that a person wanted replaced has been: by a rotation, or by somebody who stored another one. */
function fateOfRotation(version: VersionId, { versions, secret, state }: Seen): Operation['status'] {
  const rotation = rotationId(secret, version);
  const rotated = state?.rot === rotation || versions.some(({ tags }) => stateOrNone(tags)?.rot === rotation);
  return rotated ? 'succeeded' : 'failed';
}

/** The version that a person wanted gone has been replaced: is its credential revoked, still owed, or somebody else's? */
function fateOfRevocation(
  step: Step,
  version: VersionId,
  { observed, versions, secret, state }: Seen,
): Operation['status'] {
  const owed = observed.owed.some((each) => each.version === version);
  if (owed)
    return step.kind === 'revoke' && step.owed.some((each) => each.version === version) ? 'succeeded' : 'running';
  const asked = versions.find(({ id }) => id === version);
  const was = asked && stateOrNone(asked.tags);
  const rotation = rotationId(secret, version);
  // Marked; or a placeholder, which held nothing; or its slot was overwritten by the rotation that replaced it.
  const gone =
    was?.revoked ||
    (was?.started === rotation && was.cred === undefined) ||
    (observed.written && state?.rot === rotation);
  return gone ? 'succeeded' : 'failed';
}
