/** What Azure tells of the rights that Keyturn has. */
import type { RightCheck } from '../core/rightChecks.ts';

/** Rights that Azure itself tells of. Neither method throws: what can't be asked can't be told. */
export interface Rights {
  /** These actions at a resource. */
  target(id: string, actions: readonly string[]): Promise<RightCheck>;
  /** Storing a version of a secret, and writing tags on one. */
  vault(name: string): Promise<RightCheck>;
}
