/** Resources of Azure, by the hosts at which they answer: for suggestions. */

/** One resource that Keyturn may read. */
export interface FoundResource {
  /** Lower case, parsed and rebuilt. */
  readonly id: string;
  /** Lower case, as `microsoft.storage/storageaccounts`. */
  readonly type: string;
  /** Lower case, without ports. */
  readonly hosts: readonly string[];
}

export interface Resources {
  /** Every resource of the types that kinds know, in the subscriptions of the vaults. Throws `undiscovered`, whatever kept Azure from giving the whole list. */
  list(): Promise<readonly FoundResource[]>;
}
