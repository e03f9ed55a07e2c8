/** The entry of a secret in the index: which slot of its target it keeps, and what it owes there. */
import { addHours, latest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import type { SecretRef } from '../../core/ids.ts';
import type { Deps } from '../../ports/deps.ts';
import type { SharerRow } from '../../ports/rows.ts';
import { KEEPS_NONE } from '../observe/neighbours.ts';
import type { Observation } from '../observe/observation.ts';
import type { PassEnd } from './end.ts';

/**
 * After a rotation that was not finished nobody can say which slot the secret keeps, nor while a write may still arrive: a
 * row without a handle counts as keeping all of them. The next look will say.
 */
export async function saveSharer(
  { step, attempted, seen, change }: PassEnd,
  secret: SecretRef,
  now: Date,
  deps: Deps,
): Promise<void> {
  if (!seen || (attempted ?? step).kind === 'rotate') return;
  const settling = latest(change.settlingUntil, seen.observed.settlingUntil);
  const { handle: _, ...unknown } = sharerOf(seen, secret);
  await deps.rows.saveSharer(settling && now < settling ? unknown : sharerOf(seen, secret));
}

/** The slot that the value of this secret is, and what it still owes: read by those who share the target. */
function sharerOf({ optIn, observed, state }: Observation, secret: SecretRef): SharerRow {
  const after = latest(
    observed.after,
    addHours(observed.createdOn, observed.policy.graceHours),
  ) as Date;
  return compact({
    ...secret,
    target: optIn.target.id,
    handle: observed.known && observed.live !== undefined ? observed.live : KEEPS_NONE,
    issuedOn: observed.written ? (state?.since ?? observed.createdOn) : undefined,
    owes: [...observed.owed.map(({ handle }) => handle), ...observed.left].map((handle) => ({
      handle,
      after: observed.written ? (observed.after ?? after) : after,
    })),
  });
}
