/** An operation follows the passes that work on it until it is done or a person must decide. */
import { reasonRow } from '../core/reasons.ts';
import type { Operation } from '../store/store.ts';
import type { Deps } from './deps.ts';
import type { Observed, Step } from './types.ts';

const STEPS_MAX = 50;
const CHANGES = ['rotate', 'revoke', 'prove', 'restore'];

/** Writes the operation's row when this step changed its fate. */
export async function followOperation(
  step: Step,
  operation: Operation | undefined,
  seen: Observed | undefined,
  deps: Deps,
): Promise<void> {
  if (!operation) return;
  const status = statusAfter(step, operation, seen);
  const changed = CHANGES.includes(step.kind);
  if (status === operation.status && !changed) return;
  const now = deps.clock.now();
  const ended =
    status === 'failed'
      ? { reason: step.reason, ...('detail' in step && step.detail !== undefined ? { detail: step.detail } : {}) }
      : {};
  await deps.rows.saveOperation({
    ...operation,
    ...ended,
    status,
    updatedOn: now,
    steps: [...operation.steps, { on: now, step: step.kind, reason: step.reason }].slice(-STEPS_MAX),
  });
}

function statusAfter(step: Step, operation: Operation, seen: Observed | undefined): Operation['status'] {
  const replaced = seen !== undefined && seen.version !== operation.version;
  if (step.kind === 'rotate') return operation.revoke === 'now' ? 'running' : 'succeeded';
  if (replaced && operation.revoke !== 'now') return 'succeeded';
  if (replaced && (seen.owed.length === 0 || step.kind === 'revoke')) return 'succeeded';
  if (step.kind === 'refuse' || step.kind === 'skip') return 'failed';
  // What passes by itself is waited for; what a person could override or must mend ends the request with its reason.
  if (
    step.kind === 'wait' &&
    !replaced &&
    (reasonRow(step.reason).by !== 'nobody' || reasonRow(step.reason).overridable)
  )
    return 'failed';
  return 'running';
}
