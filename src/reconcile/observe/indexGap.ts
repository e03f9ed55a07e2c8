/** The index: only the table knows which secrets share a target, so no slot is touched on an incomplete one. */
import { addHours } from '../../core/clock.ts';
import type { Grant } from '../../core/grants.ts';
import type { Deps } from '../../ports/deps.ts';

const FRESH_HOURS = 26;

/**
 * Why slots must not be touched: the vault whose last complete listing is too old. Undefined when all that count are fresh. A
 * vault counts where the target's owner named it: others' secrets keep no slot (`neighboursAt`), and who may tag, close or
 * delete a vault must not bring everybody's rotations to a stop (invariant 9).
 */
export async function indexGap(
  grants: readonly Grant[],
  { rows, vaults, clock }: Pick<Deps, 'rows' | 'vaults' | 'clock'>,
): Promise<string | undefined> {
  const { gap, names } = vaults;
  if (gap !== undefined && grants.some(({ vault }) => !names.includes(vault))) return gap;
  const sweptOn = await rows.sweptOn();
  const oldest = addHours(clock.now(), -FRESH_HOURS);
  const counts = (name: string) => grants.some(({ vault }) => vault === name);
  const stale = names.find((name) => (sweptOn.get(name) ?? oldest) <= oldest && counts(name));
  return stale === undefined
    ? undefined
    : `The vault ${stale} was not listed from end to end in the last ${FRESH_HOURS} hours.`;
}
