/** Which alerts were raised, for all workers. */
import type { SecretRef } from '../core/ids.ts';
import type { Reason } from '../core/reasons.ts';

/** An alert that was not raised singly, since another secret of the vault had the same cause within the hour. */
export interface CountedAlert extends SecretRef {
  readonly reason: Reason;
  /** Since when something is owed that cannot be closed. */
  readonly owedSince?: Date;
  /** What the alert would have said by itself; text of strangers cut and printable. */
  readonly detail?: string;
  readonly by?: string;
  readonly remedy?: string;
  readonly owner?: string;
  /** Rotator type. */
  readonly kind?: string;
  readonly target?: string;
  readonly expiresOn?: Date;
  /** The id of its notice, where somebody is to be told. */
  readonly notice?: string;
  /** Its alert stands in the log already: only the notice could not be handed on. */
  readonly logged?: true;
}

/** Which alerts were raised, for all workers: many of one vault and reason become one. Throws `BusyError` like `Rows`. */
export interface Alerts {
  /** Whether nobody has alerted this reason in this vault within the last hour. If so the hour begins now. */
  isFirst(vault: string, reason: string): Promise<boolean>;
  /** Keeps an alert until the sweep tells it with the others. */
  count(alert: CountedAlert): Promise<void>;
  /** What is counted and not yet told, page by page. */
  counted(): AsyncIterable<readonly CountedAlert[]>;
  /** Forgets what was told. */
  told(alerts: readonly CountedAlert[]): Promise<void>;
}
