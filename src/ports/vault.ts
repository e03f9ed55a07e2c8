/** What Keyturn needs of a vault, and no more. `keyVault.ts` speaks to Azure; the simulation brings its own. */
import type { Tags, VersionId } from '../core/ids.ts';
import type { Secret } from '../core/secret.ts';

/** A version without its value, as lists show it. */
export interface VersionInfo {
  readonly id: VersionId;
  readonly enabled: boolean;
  /** Whole seconds of the vault's clock; ties are normal. */
  readonly createdOn: Date;
  readonly updatedOn: Date;
  readonly expiresOn?: Date;
  readonly tags: Tags;
  readonly contentType?: string;
  /** Belongs to a certificate (`managed` or a `kid`). */
  readonly managed: boolean;
}

export interface Version extends VersionInfo {
  readonly value: Secret;
}

/** What `GET /secrets/{name}` says: the current version, disabled by its owner, or no such secret. */
export type Current = Version | 'disabled' | 'gone';

/** An item of the list of secrets: no value, and no version in its id. */
export interface SecretItem extends Omit<VersionInfo, 'id'> {
  readonly name: string;
}

export interface NewVersion {
  readonly value: Secret;
  readonly tags: Tags;
  readonly contentType?: string;
  readonly expiresOn: Date;
}

/**
 * One vault. Reads are retried; writes go out exactly once (case SDK-01) and throw
 * `UnknownOutcomeError` when they may have been applied, `BusyError` when they were not and asking again may help
 * (409 being deleted, 429), and `KeyturnError` when the vault refused for certain (400, 403, 409 deleted, 503).
 */
export interface Vault {
  /** Name in lower case. */
  readonly name: string;
  current(secret: string): Promise<Current>;
  /** One version with its value; undefined when it is disabled or unknown. */
  version(secret: string, id: VersionId): Promise<Version | undefined>;
  /** Every version in no particular order; empty for an unknown name. */
  versions(secret: string): Promise<readonly VersionInfo[]>;
  /** Pages of the list of secrets, following `nextLink` also from an empty page; reads no values. */
  list(): AsyncIterable<readonly SecretItem[]>;
  /** Replaces the whole set of tags of that version; `enabled` only if given. Names the version in the PATCH. */
  retag(secret: string, id: VersionId, tags: Tags, enabled?: boolean): Promise<void>;
  /** Value, tags, content type and expiry in one PUT; the new version's id. */
  store(secret: string, version: NewVersion): Promise<VersionId>;
}

export interface Vaults {
  /** The vaults of this instance, by lower-cased name; discovery may add to them at any time. */
  readonly names: readonly string[];
  /** Why `names` may lack vaults, where it may. */
  readonly gap?: string | undefined;
  /** Whether a vault is served for its tag alone. */
  discovered?(name: string): boolean;
  /** Undefined for a vault that is not on the list. */
  open(name: string): Vault | undefined;
}
