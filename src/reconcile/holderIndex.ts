/** The index: only the table knows which secrets share a target, so no slot is touched on an incomplete one. */
import { addHours } from '../core/clock.ts';
import type { Deps } from './deps.ts';

const FRESH_HOURS = 26;

/** Why slots must not be touched: the vault whose last complete listing is too old. Undefined when all are fresh. */
export async function indexGap({
  rows,
  vaults,
  clock,
}: Pick<Deps, 'rows' | 'vaults' | 'clock'>): Promise<string | undefined> {
  const sweptOn = await rows.sweptOn();
  const oldest = addHours(clock.now(), -FRESH_HOURS);
  const stale = vaults.names.find((name) => (sweptOn.get(name) ?? oldest) <= oldest);
  return stale === undefined
    ? undefined
    : `The vault ${stale} was not listed from end to end in the last ${FRESH_HOURS} hours.`;
}
