/** What people asked for, as the table keeps it. */
import type { Handle, VersionId } from '../core/ids.ts';
import type { ConsumerState, Phase } from '../core/statuses.ts';

/** How long the credential that a rotation replaces lives on: as the policy says, not at all, or hours or days. */
export type RevokeWhen = 'after-grace' | 'now' | `${number}h` | `${number}d`;

/** When what is owed is to be revoked. */
export type RevokeAt = 'now' | Date;

/** What had come of one consumer of the secret. */
export interface OperationConsumer {
  /** The resource id. */
  readonly id: string;
  readonly state: ConsumerState;
  readonly on: Date;
}

/** What came of an operation. Never a value. */
export interface OperationResult {
  /** The version that the rotation stored; of other requests the one that was current. */
  readonly version?: VersionId;
  /** The public name of the credential that it holds. */
  readonly handle?: Handle;
  /** From then on what is owed may be revoked. */
  readonly revokeAfter?: Date;
  /** Handles that were revoked. */
  readonly revoked?: readonly Handle[];
  /** When the target refused the old value for the first time, where it could be tried. */
  readonly refusedOn?: Date;
  /** How far those have come who read the secret. */
  readonly consumers?: readonly OperationConsumer[];
  /** Of a leak that can't be tried: who says that the credential is gone. */
  readonly vouchedBy?: string;
  /** Who used what was revoked right before, a line for each credential. */
  readonly evidence?: readonly string[];
  /** Of a leak: other secrets that kept the same credential, as `vault/name`. */
  readonly besides?: readonly string[];
}

/** That what leaked opens nothing any more. */
export type LeakEvidence = Pick<OperationResult, 'refusedOn' | 'vouchedBy'>;

export interface Operation {
  readonly id: string;
  readonly vault: string;
  readonly name: string;
  /** The version that was current when the request was accepted. */
  readonly version: VersionId;
  readonly caller: string;
  readonly phase: Phase;
  /** Nothing is waited for any more on behalf of whoever asked; a grace may still run. */
  readonly done: boolean;
  /** The call that made the row, and whether its record stands in the audit: before that it is not accepted. */
  readonly call?: string;
  readonly recorded?: true;
  readonly override: readonly string[];
  readonly revoke: RevokeWhen;
  readonly rotateAgain?: true;
  /** The credential leaked, or that of the other slot as well: a rotation that ends what it replaces, and tries it. */
  readonly leaked?: 'one' | 'both';
  /** The operation that brought this one about: another secret keeps the credential that leaked. */
  readonly parent?: string;
  /** A request to undo the rotation that wrote the version. */
  readonly undo?: true;
  /** A request to revoke what is owed, now or then: no rotation, so `revoke` and `rotateAgain` say nothing. */
  readonly at?: RevokeAt;
  /** A request for a hold until then, null to lift it: no rotation either. */
  readonly hold?: Date | null;
  readonly note?: string;
  readonly ticket?: string;
  readonly createdOn: Date;
  readonly updatedOn: Date;
  readonly steps: readonly { readonly on: Date; readonly step: string; readonly reason: string }[];
  readonly result?: OperationResult;
  /** Why it failed. */
  readonly reason?: string;
  readonly detail?: string;
}
