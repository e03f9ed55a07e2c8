/** Holds by scope: what people put off for many secrets at once. One row for all, which every pass reads. */

/** What a hold is about: all secrets, or those of a vault, an owner, a kind or a target. Lower case, but for the owner. */
export type HoldScope =
  | { readonly all: true }
  | { readonly vault: string }
  | { readonly owner: string }
  | { readonly kind: string }
  | { readonly target: string };

export interface ScopeHold {
  readonly id: string;
  readonly scope: HoldScope;
  readonly until: Date;
  /** Vaults and secrets (`vault/name`) that it is not about, lower case. */
  readonly except: readonly string[];
  /** Values that no longer open their target are replaced all the same. */
  readonly heals: boolean;
  /** Object id of whoever set it. */
  readonly caller: string;
  readonly note: string;
  readonly ticket: string;
  readonly createdOn: Date;
}

export interface HoldList {
  readonly holds: readonly ScopeHold[];
  /** When one was set or lifted for the last time. */
  readonly changedOn?: Date;
}

export interface Holds {
  /** All of them, those too that ended within the last week. Throws `BusyError` when the table did not answer, or the row does not parse. */
  read(): Promise<HoldList>;
  /** Replaces the list by what `change` makes of it, by ETag; what `change` throws ends it. Throws `BusyError` like `read`. */
  change(change: (list: HoldList) => HoldList): Promise<void>;
}
