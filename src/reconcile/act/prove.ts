/** The step `prove`: the target accepted what stands in the vault. */
import { rotationId } from '../../core/ids.ts';
import { stateOrNone } from '../../tags/owed.ts';
import { change, withState } from '../../tags/state.ts';
import { oldForm } from '../observe/older.ts';
import type { Acting, RowChange } from './acting.ts';
import { guard } from './guard.ts';
import { retag } from './retag.ts';
import { takeEvidence } from './takeEvidence.ts';

/** The target accepted the stored value in this pass: say so on the version, with its id. */
export async function prove(acting: Acting): Promise<RowChange> {
  const { current } = acting.seen;
  await endLeaked(acting);
  return retag(acting, (state) => change(state, { proved: current.id.slice(0, 8) }));
}

/** Where the target takes one credential, setting the new one has ended what leaked: that is tried, and its version is switched off. */
async function endLeaked(acting: Acting): Promise<void> {
  const { leak, seen } = acting;
  const { secret, vault, versions, state, optIn, target } = seen;
  if (leak === undefined || optIn.rotator.overlap !== 'none') return;
  const replaced = versions.find(
    ({ id }) => id === leak.version && rotationId(secret, id) === state?.rot,
  );
  if (!replaced) return;
  await takeEvidence(replaced.id, await oldForm(seen, replaced.id, target), acting);
  await guard(acting);
  const marked = change(stateOrNone(replaced.tags) ?? {}, { revoked: true });
  await vault.retag(secret.name, replaced.id, withState(replaced.tags, marked), false);
}
