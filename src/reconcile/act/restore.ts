/** The step `restore`: a state that somebody wiped comes back. */
import { KeyturnError } from '../../core/errors.ts';
import { parseState } from '../../tags/state.ts';
import type { Acting, RowChange } from './acting.ts';
import { retag } from './retag.ts';

/** Somebody replaced the tags of a version that Keyturn wrote: the state comes back, all other tags stay. */
export async function restore(acting: Acting): Promise<RowChange> {
  const wrote = parseState(acting.seen.row?.wroteState ?? '');
  if (!wrote) throw new KeyturnError('drift');
  return retag(acting, () => wrote);
}
