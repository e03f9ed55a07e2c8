/** What Azure tells of the rights that Keyturn has. */
import type { NeededRights } from '../core/neededRights.ts';
import type { RightCheck } from '../core/rightChecks.ts';

/** What a custom role gives, of both planes. */
export type InRole = Pick<NeededRights, 'actions' | 'dataActions'>;

/** What Azure itself tells of rights, locks and events. No method throws: what can't be asked can't be told. All of them only read. */
export interface Rights {
  /** What stands in the role of a kind, at a resource. One request, a page of the answer apart. */
  target(id: string, needed: InRole): Promise<RightCheck>;
  /** Reading and storing versions of a secret, and writing tags on one. Three requests; `near`: one, and no more than that about conditions. */
  vault(name: string, near?: boolean): Promise<RightCheck>;
  /** Locks at a resource, its group and its subscription. Each is a problem, or is told to stop nothing. Three requests; `near`: two at most. */
  locks(id: string, near?: boolean): Promise<RightCheck>;
  /** Whether the vault's events come to Keyturn. Up to four requests; `near`: two at most. */
  events(vault: string, near?: boolean): Promise<RightCheck>;
}
