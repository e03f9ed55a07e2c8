/** Which secrets somebody watches, as opposed to those that have not opted in. */
import type { SecretRow } from '../ports/rows.ts';

/**
 * Whether a look has seen that the secret is Keyturn's business: opted in, exempt, or opted out while something is left to say.
 * One that is gone, or opted out for good, is nobody's.
 */
export const isWatched = (row: Pick<SecretRow, 'view'> | undefined): boolean =>
  row?.view !== undefined && row.view.state !== 'unmanaged' && row.view.state !== 'gone';
