/** What the owners of targets gave. */
import type { Grant } from '../core/grants.ts';
import type { SecretRef } from '../core/ids.ts';

/** Where consent is read. A target that is absent, foreign or silent has no grants: 403 and 404 read the same. */
export interface Consent {
  /**
   * Grants of the target with this canonical id. Throws `BusyError` when they could not be asked for. With a secret, a list
   * that does not name it may be some minutes old, so that a mass of refused secrets costs few reads; one that does never is.
   */
  of(targetId: string, secret?: SecretRef): Promise<readonly Grant[]>;
  /** Whether the last answer about the target was that nothing may be seen there: a role that is spreading looks like that, too. */
  hides?(targetId: string): boolean;
  /** The target that was meant, where an id of it stands that is not the one it goes by, and what its owner gave. */
  misnamed?(
    targetId: string,
  ): Promise<{ readonly id: string; readonly grants: readonly Grant[] } | undefined>;
}
