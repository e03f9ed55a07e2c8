/** Tags of the current version, written by its id. */
import { formatState, type RotatorState, readState, withState } from '../../tags/state.ts';
import type { Acting, RowChange } from './acting.ts';
import { guard } from './guard.ts';

/** Writes the state that `next` makes of the one that stands there now, or stood there when it was looked at. */
export async function retag(
  acting: Acting,
  next: (state: RotatorState) => RotatorState,
): Promise<RowChange> {
  const { vault, secret, state } = acting.seen;
  const fresh = await guard(acting);
  const found = readState(fresh.tags);
  const written = next(
    (found?.rot === state?.rot && found?.cred === state?.cred ? found : state) ?? {},
  );
  await vault.retag(secret.name, fresh.id, withState(fresh.tags, written));
  return { wroteVersion: fresh.id, wroteState: formatState(written) };
}
