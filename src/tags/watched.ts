/** Which secrets somebody watches, as opposed to those that have not opted in. */
import type { SecretStatus } from '../core/statuses.ts';
import type { SecretRow, SecretView } from '../ports/rows.ts';

/**
 * Whether a look has seen that the secret is Keyturn's business: opted in, exempt, or opted out while something is left to say.
 * One that is gone, or opted out for good, is nobody's.
 */
export const isWatched = (row: Pick<SecretRow, 'view'> | undefined): boolean =>
  row?.view !== undefined && row.view.state !== 'unmanaged' && row.view.state !== 'gone';

/** Gone, and nothing left to tell of it: the row stays for the case that somebody recovers the secret. */
export const isPast = ({ step, reason, view }: SecretRow): boolean =>
  step === 'skip' && reason === 'gone' && (view?.owed.length ?? 0) === 0;

/** A row of an earlier release has no view: the next look makes one. */
const UNSEEN: SecretView = { state: 'waiting', owed: [] };
/** Rows of an earlier release call these unmanaged, by their reasons. */
const WORDS: Readonly<Record<string, SecretStatus>> = {
  gone: 'gone',
  'other-instance': 'not-served',
};

/** What the last look saw, in the words of today. */
export function viewToday({
  view = UNSEEN,
  reason = '',
}: Pick<SecretRow, 'view' | 'reason'>): SecretView {
  const state = view.state === 'unmanaged' ? WORDS[reason] : undefined;
  return state === undefined ? view : { ...view, state };
}
