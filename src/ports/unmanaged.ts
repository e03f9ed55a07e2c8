/** What is remembered of secrets that have not opted in: for people, who see there what nobody watches. Decides nothing. */
import type { SecretRef } from '../core/ids.ts';

/** One secret as the list of its vault shows it: never a value, and none was read. */
export interface UnmanagedRow extends SecretRef {
  /** By the owner tag, without what looks like a credential. */
  readonly owner?: string;
  readonly contentType?: string;
  readonly createdOn: Date;
  readonly updatedOn: Date;
  readonly expiresOn?: Date;
  readonly enabled: boolean;
  /** It belongs to a certificate, which renews it. */
  readonly certificate: boolean;
  /** The kind that it seems to be, by its content type, its name or the tags of Microsoft's samples: a guess. */
  readonly likelyKind?: string;
}

/** Both methods throw `BusyError` when the table did not answer. Losing the rows loses sight until the next sweep, nothing else. */
export interface UnmanagedRows {
  /** Of one vault; rows that do not parse count as absent. */
  of(vault: string): Promise<readonly UnmanagedRow[]>;
  /** Writes these rows and removes those of the names: up to a hundred a request. All of one vault. */
  change(vault: string, rows: readonly UnmanagedRow[], gone: readonly string[]): Promise<void>;
}
