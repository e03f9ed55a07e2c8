/**
 * Who reads a secret, as the owners of those resources have declared it by the ARM tag `keyturn-consumes`, and what makes them
 * read it again (`docs/consumers.md`). Nothing that a consumer does or fails to do changes a secret or its target.
 */
import type { SecretRef, VersionId } from '../core/ids.ts';
import type { ConsumerState } from '../core/statuses.ts';

/** How a kind of consumer comes to a new value: by a call, by itself within a time that is known, or nobody knows. */
export type Follows = 'when-called' | 'by-itself' | 'unknown';

/** A resource whose owner has tagged it. */
export interface Consumer {
  /** The canonical resource id. */
  readonly id: string;
  /** The name of its kind; the type of the resource where no kind knows it. */
  readonly kind: string;
  readonly follows: Follows;
  /** Of `by-itself`: within so many minutes. */
  readonly cycleMinutes?: number;
  /** A call interrupts it for a moment. */
  readonly restarts?: true;
}

/** One place where a consumer names the secret. Never a value. */
export interface ConsumerReference {
  /** The name of the setting, of the named value, of the secret of an app. */
  readonly name: string;
  /** The version that it is pinned to: it never follows. */
  readonly pinnedTo?: VersionId;
  /** What the platform says of it, a word of its own. */
  readonly status?: string;
  /** Whether the platform has read it without a fault; absent where it does not say. */
  readonly resolved?: boolean;
  /** When the platform read it last, where it says so. */
  readonly readOn?: Date;
}

/** What one look at a consumer found. */
export interface ConsumerLook {
  /** False where the resource is gone, or its tag no longer names the secret: it is left alone. */
  readonly declared: boolean;
  readonly references: readonly ConsumerReference[];
  /** It may be called now; false outside of its window. */
  readonly open: boolean;
  /** Outside of its window: when that opens. */
  readonly opensOn?: Date;
}

/** All throw a `KeyturnError` where Azure gives no answer, soon: no call is repeated, and none waits long. */
export interface Consumers {
  /** Who declares to read the secret; from a list that is minutes old at most. */
  of(secret: SecretRef): Promise<readonly Consumer[]>;
  /** Reads the resource and its tag anew, then what it says of its references to the secret. Changes nothing. */
  look(consumer: Consumer, secret: SecretRef): Promise<ConsumerLook>;
  /** As `look`, but minutes old at most: to show. */
  lately(consumer: Consumer, secret: SecretRef): Promise<ConsumerLook>;
  /** Has it read those references again. Of those that follow when called alone, and only right after a look. */
  refresh(consumer: Consumer, references: readonly ConsumerReference[]): Promise<void>;
}

/** What has come of one consumer since a version was stored: kept in the secret's row. */
export interface ConsumerResult {
  readonly id: string;
  readonly kind: string;
  readonly state: ConsumerState;
  /** When that was found. */
  readonly on: Date;
  /** When it was called last. */
  readonly calledOn?: Date;
  /** Looks in a row that came to nothing. */
  readonly tries?: number;
  /** When it is looked at next; absent where nothing more is to come. */
  readonly nextOn?: Date;
  readonly detail?: string;
}

/** How far the consumers of a secret have come with its current version. */
export interface Following {
  readonly version: VersionId;
  /** They were asked for; absent before, and where the list could not be had. */
  readonly listedOn?: Date;
  /** Tries in a row that brought no list, when the next is due, and what was wrong. */
  readonly tries?: number;
  readonly nextOn?: Date;
  readonly detail?: string;
  readonly consumers: readonly ConsumerResult[];
}
