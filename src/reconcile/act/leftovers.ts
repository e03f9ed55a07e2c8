/**
 * Targets that take many credentials: what a killed pass issued and nobody stored (case GR-02). It carries the label of this
 * very secret, stands in no version, and goes once it is older than the grace; its values are known to nobody.
 */
import { addHours, addMinutes } from '../../core/clock.ts';
import type { Handle } from '../../core/ids.ts';
import { SKEW_MINUTES, straysOf } from '../observe/strays.ts';
import type { Rotate } from '../step.ts';
import type { Acting } from './acting.ts';
import { guard } from './guard.ts';
import { stayer } from './stay.ts';

/** @param step the rotation that runs now: what it made before is its own to remove, in `issue` */
export async function removeLeftovers(step: Rotate | undefined, acting: Acting): Promise<void> {
  const { optIn } = acting.seen;
  for (const handle of leftovers(step, acting)) {
    await guard(acting);
    await optIn.target.revoke(handle, undefined, stayer(acting));
  }
}

function leftovers(step: Rotate | undefined, { seen, deps }: Acting): readonly Handle[] {
  const { target, versions, current, observed, policy, named } = seen;
  const { live, owed, placeholder } = observed;
  const kept = [
    live,
    ...owed.map(({ handle }) => handle),
    ...(step?.source.kind === 'issue' ? step.source.keep : []),
  ];
  const oldEnough = addMinutes(addHours(deps.clock.now(), -policy.graceHours), -SKEW_MINUTES);
  const told = named !== undefined || placeholder;
  return straysOf({
    target,
    versions,
    current: current.id,
    kept,
    told,
    issuedBy: observed.issuedBy,
  })
    .filter(({ rotation, createdOn }) => rotation !== step?.rotation && createdOn < oldEnough)
    .map(({ handle }) => handle);
}
