/** The one rotation that a braked kind lets through. */
import { addMinutes } from '../../core/clock.ts';
import { isBraked, PROBE_MINUTES } from '../observe/brake.ts';
import type { Rotate, Wait } from '../step.ts';
import type { Acting } from './acting.ts';

/** Takes the probe of a braked kind for this rotation; the wait, where another secret of the vault was first. */
export async function probe(
  step: Rotate,
  { seen, deps, requested }: Acting,
): Promise<Wait | undefined> {
  const { observed, optIn, secret } = seen;
  if (observed.probeOn === undefined || !isBraked(step, requested)) return undefined;
  const now = deps.clock.now();
  if (await deps.rows.takeProbe(optIn.rotator.type, secret.vault, now, PROBE_MINUTES))
    return undefined;
  return { kind: 'wait', reason: 'brake', until: addMinutes(now, PROBE_MINUTES) };
}
