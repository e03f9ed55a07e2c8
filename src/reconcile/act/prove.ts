/** The step `prove`: the target accepted what stands in the vault. */
import { change } from '../../tags/state.ts';
import type { Acting, RowChange } from './acting.ts';
import { retag } from './retag.ts';

/** The target accepted the stored value in this pass: say so on the version, with its id. */
export async function prove(acting: Acting): Promise<RowChange> {
  const { current } = acting.seen;
  return retag(acting, (state) => change(state, { proved: current.id.slice(0, 8) }));
}
