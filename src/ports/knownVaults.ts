/** Where the list of discovered vaults outlives a process. */
import type { VaultList } from '../core/vaultList.ts';

/** Where the list is kept between runs and for other workers. */
export interface VaultListStore {
  /** Undefined where there is none that can be read. */
  read(): Promise<VaultList | undefined>;
  save(list: VaultList): Promise<void>;
}
