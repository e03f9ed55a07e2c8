/**
 * Targets that hold many credentials: what a killed pass issued and nobody stored (case GR-02). It carries the label of this
 * very secret, stands in no version, and goes once it is older than the grace; its values are known to nobody.
 */
import { addHours, addMinutes } from '../core/clock.ts';
import type { Handle } from '../core/ids.ts';
import { type Acting, guard, stayer } from './context.ts';
import { stateOrNone } from './owed.ts';
import type { Rotate } from './types.ts';

/** Clocks of target and app may be this far apart (design section 2). */
const SKEW_MINUTES = 5;

/** @param step the rotation that runs now: what it made before is its own to remove, in `issue` */
export async function removeLeftovers(step: Rotate | undefined, acting: Acting): Promise<void> {
  const { optIn } = acting.seen;
  for (const handle of leftovers(step, acting)) {
    await guard(acting);
    await optIn.target.revoke(handle, undefined, stayer(acting));
  }
}

function leftovers(step: Rotate | undefined, { seen, deps }: Acting): readonly Handle[] {
  const { target, versions, current, observed, policy } = seen;
  // A list without the current version is not the whole list: it proves nothing (azure-facts 2.4).
  if (!target.labelled || !versions.some(({ id }) => id === current.id)) return [];
  // Nor does anything while it is unclear which of them the current value is: its state may be lost (case SEC-04).
  if (seen.named === undefined && !observed.placeholder) return [];
  const named = new Set<Handle | undefined>(versions.map(({ tags }) => stateOrNone(tags)?.cred));
  for (const handle of [observed.live, ...observed.owed.map((each) => each.handle)]) named.add(handle);
  if (step?.source.kind === 'issue') for (const handle of step.source.keep) named.add(handle);
  const oldEnough = addMinutes(addHours(deps.clock.now(), -policy.graceHours), -SKEW_MINUTES);
  return target.labelled
    .filter(({ handle, rotation, createdOn }) => {
      return !named.has(handle) && rotation !== step?.rotation && createdOn < oldEnough;
    })
    .map(({ handle }) => handle);
}
