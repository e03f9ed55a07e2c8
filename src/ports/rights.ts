/** What Azure tells of the rights that Keyturn has. */
import type { NeededRights } from '../core/neededRights.ts';
import type { RightCheck } from '../core/rightChecks.ts';

/** What a custom role gives, of both planes. */
export type InRole = Pick<NeededRights, 'actions' | 'dataActions'>;

/** Rights that Azure itself tells of. Neither method throws: what can't be asked can't be told. */
export interface Rights {
  /** What stands in the role of a kind, at a resource. */
  target(id: string, needed: InRole): Promise<RightCheck>;
  /** Storing a version of a secret, and writing tags on one. */
  vault(name: string): Promise<RightCheck>;
}
