/** What was recognised in secrets that have not opted in. Nothing of a value: no part, no hash. Decides nothing. */
import type { SecretRef } from '../core/ids.ts';

/** How a secret could opt in. */
export interface Proposal {
  /** Rotator type. */
  readonly kind: string;
  /** What the tag `rotator-target` would say; absent where nobody could tell. */
  readonly target?: string;
  /** How the value holds the credential. */
  readonly form: 'bare' | 'connection-string' | 'json';
  /** JSON pointer of the member that holds it: the option `field`. */
  readonly field?: string;
  /** What the owner of the target has to write, where all of it is known. */
  readonly consent?: string;
  /** `host`: by the host in it. `key`: the target holds the same key. `shape`: by its looks alone. */
  readonly by: 'host' | 'key' | 'shape';
  /** What a person has to add or mend before it works, in sentences. */
  readonly missing: readonly string[];
}

export interface SuggestionRow extends SecretRef {
  /** `updated` of the version that was read: it is read again when that moves. */
  readonly seenUpdatedOn: Date;
  readonly on: Date;
  /** The value was not to be had: it is asked for again after a day. */
  readonly unread?: true;
  /** Absent: nothing that Keyturn knows was recognised. */
  readonly proposal?: Proposal;
}

/** Every method throws `BusyError` when the table did not answer. Losing the rows costs reading the values again. */
export interface SuggestionRows {
  /** Of one vault; rows that do not parse count as absent. */
  of(vault: string): Promise<readonly SuggestionRow[]>;
  /** Writes these rows and removes those of the names. All of one vault. */
  change(vault: string, rows: readonly SuggestionRow[], gone: readonly string[]): Promise<void>;
  /** So many of the `wanted` reads may be done now: at most so many in one hour, whoever asks. */
  takeReads(now: Date, wanted: number, hourly: number): Promise<number>;
}
