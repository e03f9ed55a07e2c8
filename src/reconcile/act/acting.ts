/** What acting shares: the two locks, what was seen, and what the pass leaves in the rows. */
import type { VersionId } from '../../core/ids.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Lock } from '../../ports/locks.ts';
import type { NewNotice } from '../../ports/notices.ts';
import type { LeakEvidence, Operation } from '../../ports/operations.ts';
import type { Begun, SecretRow } from '../../ports/rows.ts';
import type { Observation } from '../observe/observation.ts';

export interface Acting {
  readonly seen: Observation;
  readonly deps: Deps;
  /** Secret first, then target. */
  readonly locks: readonly Lock[];
  /** The pass serves a person's request about the current version. */
  readonly requested: boolean;
  /** Somebody who asked will want to know when the target refused the old value: it is tried once it is revoked. */
  readonly followed: boolean;
  /** When it was refused, by version. */
  readonly refusedOn: Map<VersionId, Date>;
  /** What the target said of each old value once it was revoked: `refused`, another verdict, or why nobody tried it. */
  readonly tried: Map<VersionId, string>;
  /** The leak that this pass works for, and what it has found out about it. */
  readonly leak?: Operation;
  evidence?: LeakEvidence;
  /** Consumers that this pass has called. */
  readonly called: string[];
  /** What the step has to tell beside what the pass tells of every step of its kind: sent with the pass's own. */
  readonly notices: NewNotice[];
  /** Set once the rotation's mark stands on the version: from then on the next pass goes on with it. */
  marked?: Begun;
  /** The target was changed: a credential is there that only this pass knows. */
  issued?: boolean;
}

/** What a step changes in the secret's row, beyond the outcome itself. */
export type RowChange = { [K in keyof SecretRow]?: SecretRow[K] | undefined };

/** Renews both locks; throws `LockLostError` when one was taken. */
export async function renewAll({ locks }: Pick<Acting, 'locks'>): Promise<void> {
  for (const lock of locks) await lock.renew();
}
