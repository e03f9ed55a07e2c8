/** Whether an old credential is still in use: asked right before it is revoked (design section 3, "Evidence before revoking"). */
import type { Handle, SecretRef, VersionId } from '../core/ids.ts';
import type { UseVerdict } from '../core/uses.ts';

/** What is asked about: one credential that is owed. */
export interface UseQuestion extends SecretRef {
  /** Kind and canonical id of the target. */
  readonly kind: string;
  readonly target: string;
  readonly handle: Handle;
  /** The version that holds it. */
  readonly version: VersionId;
  /** The version that took its place, and when it was published. */
  readonly current: VersionId;
  readonly publishedOn: Date;
  /** The sessions that are open with it now, where its server can be asked (`Target.sessions`). */
  readonly sessions?: () => Promise<UseVerdict>;
}

/** Whoever knows of uses. Reads alone. Whatever it throws, and a late answer, counts as *cannot tell*. */
export interface Evidence {
  lastUse(question: UseQuestion): Promise<UseVerdict>;
}
