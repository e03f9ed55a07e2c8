/** Who changed what. */
import type { Handle, RotationId, SecretRef, VersionId } from '../core/ids.ts';
import type { RevokeWhen } from './operations.ts';

/** One line of the audit: a step that changed something, or a request that was accepted. Never a value; strangers' text quoted. */
export interface AuditRecord extends SecretRef {
  readonly on: Date;
  /** `request`: what a person asked for and was accepted. */
  readonly step: 'request' | 'rotate' | 'prove' | 'restore' | 'revoke' | 'hold' | 'move' | 'follow';
  readonly reason: string;
  /** `accepted` for a request, `done` for a step, or the reason of the error that ended it; `recovered`: found done later. */
  readonly outcome: string;
  /** What made Keyturn look: `event`, `sweep`, `http`, `again`. */
  readonly cause: string;
  readonly instance: string;
  /** Object id of whoever asked, and whether it was a person or an application. */
  readonly caller?: string;
  readonly as?: 'user' | 'app';
  readonly ticket?: string;
  readonly note?: string;
  readonly override?: readonly string[];
  readonly revoke?: RevokeWhen;
  readonly rotateAgain?: true;
  /** Asked because the credential leaked, or both slots of its target. */
  readonly leaked?: 'one' | 'both';
  /** When the target refused what leaked or was revoked, or who says that it is gone. */
  readonly refusedOn?: string;
  readonly vouchedBy?: string;
  /** Of a revocation: who used each credential right before, and what the target said of each afterwards; `handle: words`. */
  readonly evidence?: readonly string[];
  readonly tried?: readonly string[];
  /** Asked to undo the last rotation. */
  readonly undo?: true;
  /** When what is owed is to be revoked: asked for, or written by a step `move`. */
  readonly revokeAt?: string;
  /** What a hold by scope is about; the vault and the name are `*` then. */
  readonly scope?: string;
  /** Until when the secret is held; `none` lifts it. */
  readonly hold?: string;
  readonly operation?: string;
  /** The rotation that the step belongs to: ties its rotate, prove and revoke records together. */
  readonly rotation?: RotationId;
  /** Current when the step began; a rotation replaces it. */
  readonly version?: VersionId;
  /** The version that the rotation stored, and the handle of its credential. */
  readonly stored?: VersionId;
  readonly handle?: Handle;
  /** What a revocation set out to revoke; the versions only once all of it was. */
  readonly handles?: readonly Handle[];
  readonly revokedVersions?: readonly VersionId[];
  /** Consumers that were called, by their resource ids. */
  readonly consumers?: readonly string[];
  readonly status?: number;
  readonly code?: string;
  readonly requestId?: string;
}

export interface History {
  /** Newest first. */
  readonly records: readonly AuditRecord[];
  /** Reading ended at its limit before 100 records were found: there may be older ones. */
  readonly truncated: boolean;
}

/** Who changed what. Both methods throw `BusyError` with `storage-busy`, whatever the storage refused or did not answer. */
export interface Audit {
  /** Appends one line to the blob of its day. After a lost answer the line may be there twice; `history` shows it once. */
  append(record: AuditRecord): Promise<void>;
  /** The last 100 records of a secret since then; lines that do not parse are left out. */
  history(ref: SecretRef, since: Date): Promise<History>;
}
