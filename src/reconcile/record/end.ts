/** How a pass ended: what all that it leaves behind is made from. */
import type { KeyturnError } from '../../core/errors.ts';
import type { VersionId } from '../../core/ids.ts';
import { isBusy } from '../../core/passing.ts';
import type { Reason } from '../../core/reasons.ts';
import type { NewNotice } from '../../ports/notices.ts';
import type { OperationResult } from '../../ports/operations.ts';
import type { SecretRow } from '../../ports/rows.ts';
import type { RowChange } from '../act/acting.ts';
import type { Observation } from '../observe/observation.ts';
import type { BoundSecret, Trail } from '../observe/observeVault.ts';
import type { Step } from '../step.ts';

export interface PassEnd {
  readonly step: Step;
  /** The locks were gone when it had ended: the row is another pass's. */
  readonly lost?: true;
  /** What was being carried out when an error ended the pass. */
  readonly attempted?: Step | undefined;
  readonly error?: KeyturnError;
  /** The error ended a rotation for a reason of its own. */
  readonly failed?: boolean;
  readonly change: RowChange;
  readonly bound?: BoundSecret;
  readonly seen?: Observation;
  /** What was seen before the secret could be bound. */
  readonly trail?: Trail;
  /** What a leak's operation is told of this pass beside its step. */
  readonly told?: Pick<OperationResult, 'refusedOn' | 'vouchedBy' | 'besides'>;
  /** Consumers that it has called. */
  readonly called?: readonly string[];
  /** What the pass found worth telling beside its step (`Acting.notices`). */
  readonly notices?: readonly NewNotice[] | undefined;
  /** When the target refused an old value that this step revoked, by version. */
  readonly refusedOn?: ReadonlyMap<VersionId, Date>;
  /** What the target said of each of them, in a word. */
  readonly tried?: ReadonlyMap<VersionId, string>;
}

/** Since when a reason has been standing in the way of a secret, by its row; undefined where it is new. */
export function standingBefore(row: SecretRow | undefined, reason: Reason): Date | undefined {
  const standing = row?.standing;
  if (standing === undefined) return undefined;
  // Whichever service is busy, nothing goes on for it.
  const same = standing.reason === reason || (isBusy(standing.reason) && isBusy(reason));
  return same ? standing.since : undefined;
}
