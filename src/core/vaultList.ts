/** The vaults that discovery found, as they are found, remembered and shown. */
import type { ResourceId } from './ids.ts';
import type { Reason } from './reasons.ts';

/** An instance serves at most so many discovered vaults: what is remembered of them fits into one row of the table. */
export const DISCOVERED_MAX = 1000;
export const VANISHED_MAX = 500;
/** Names beside them whose id is remembered: once they are so many, no vault with another name is taken for a new one. */
export const FORMER_MAX = 1500;

/** What Resource Graph says, parsed and rebuilt. */
export interface Discovered {
  /** In RBAC mode, with the tag of this instance; two of one name, as while a vault is moved, both. */
  readonly served: readonly ResourceId[];
  /** With the tag of this instance, but with access policies. */
  readonly noRbac: readonly ResourceId[];
  /** Rows of the answer that name no vault of the subscriptions asked about. */
  readonly strange: number;
}

/** The last known list, for workers that did not ask themselves and for the time in which nobody can. */
export interface VaultList {
  /** When discovery was last tried. */
  readonly triedOn: Date;
  /** When it last gave the whole list; absent while it never has. */
  readonly foundOn?: Date;
  /** Resource ids. */
  readonly served: readonly string[];
  readonly noRbac: readonly string[];
  readonly vanished: readonly { readonly id: string; readonly since: Date }[];
  /** Ids that bear the name of a vault that was served before by another id: not served (ATK-16). */
  readonly replaced?: readonly string[];
  /** Names that were served before and are not now, each with the digest of its id: consent goes by names. */
  readonly former?: Readonly<Record<string, string>>;
  /** Why the last try came to nothing; the rest is older then. */
  readonly failure?: string;
  /** Found by an instance that only observes: nothing of it has been alerted. */
  readonly unalerted?: true;
}

/** A vault that was found and is not served. */
export interface LeftOut {
  readonly vault: string;
  readonly reason: Reason;
  readonly detail?: string;
}
