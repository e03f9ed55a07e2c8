/** The steps `hold` and `move`: what a person puts off. */
import { change } from '../../tags/state.ts';
import type { Hold, Move } from '../step.ts';
import type { Acting, RowChange } from './acting.ts';
import { retag } from './retag.ts';

/**
 * A person's hold. A version that Keyturn did not write gets nothing but the hold, and the row does not take it for
 * Keyturn's own: its tags are the owner's, and its credential is not owed to anybody.
 */
export async function hold({ until }: Hold, acting: Acting): Promise<RowChange> {
  const written = await retag(acting, (state) => change(state, { hold: until }));
  return acting.seen.observed.written ? written : {};
}

/** A person moves the end of the grace: another time stands on the current version, and nothing else changes. */
export function move({ after }: Move, acting: Acting): Promise<RowChange> {
  return retag(acting, (state) => change(state, { after }));
}
