/**
 * The app's own table: what is remembered of secrets, and who keeps which slot. Losing it loses no credential and no
 * obligation; only the index (which secrets keep which slot) must be swept anew before a slot is touched (design section 2,
 * "The table").
 */
import type { Doctored } from '../core/diagnosis.ts';
import type { Handle, RotationId, SecretRef, VersionId } from '../core/ids.ts';
import type { WrongTry } from '../core/serverAnswer.ts';
import type { SecretStatus } from '../core/statuses.ts';
import type { Following } from './consumers.ts';
import type { Notice } from './notices.ts';
import type { Operation } from './operations.ts';

/**
 * What is remembered of a secret. Hints and history: nothing here causes a step (case SEC-07), but for what the vault itself said
 * before an apply wiped it: a state to be written back, and a rotation that has begun.
 */
export interface SecretRow extends SecretRef {
  /** The version that Keyturn wrote last, and the state that it carried: for `restore`. */
  readonly wroteVersion?: VersionId;
  readonly wroteState?: string;
  /** The last few of them: where a state was taken away nothing else tells that this one was a rotation. */
  readonly wrote?: readonly VersionId[];
  /** A rotation whose mark was set and that is not known to have stored: it goes on though an apply wipes the mark (PRF-04). */
  readonly begun?: Begun;
  /** `updated` of the current version when it was last looked at: the sweep looks again when it moved. */
  readonly seenUpdatedOn?: Date;
  readonly step?: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly lookedOn?: Date;
  readonly nextLookOn?: Date;
  /** Failed rotations in a row. */
  readonly failures: number;
  /** Causes that were alerted and are still there, separated by commas; one alert per cause. */
  readonly alert?: string;
  /** Causes that an instance which only observes has told of, and that would have been alerted. */
  readonly wouldAlert?: string;
  /** Operations of people that are still open: every pass follows them, whatever brought it about. */
  readonly operations?: readonly string[];
  /** Passes in a row that ended in a wait for something that nobody knows the end of: pauses grow with it. */
  readonly tries?: number;
  /** What stands in the way, and since when: kept while looks in between only back off. */
  readonly standing?: { readonly reason: string; readonly since: Date };
  /** Until then a target write may still arrive (case SDK-01). */
  readonly settlingUntil?: Date;
  /** After a failed rotation: no new credential before then. */
  readonly retryOn?: Date;
  /** Why the last rotation failed: stays while looks in between come to something else, until one goes well or none is due. */
  readonly lastFailure?: LastFailure;
  readonly view?: SecretView;
  /** When Keyturn first saw it opted in, by the last change of its tags. */
  readonly takenOverOn?: Date;
  /** How old the credential of a version is, so that values of older ones are compared once. */
  readonly age?: { readonly version: VersionId; readonly since: Date; readonly currentSince: Date };
  /** Passwords that the target called wrong, as digests: none is tried again before something changes (finding SRV-02). */
  readonly wrong?: readonly WrongTry[];
  /** Fingerprint of the terms (policy, cap, content type) with which the vault refused a version (case KV-06). */
  readonly refusedPlan?: string;
  /** How far its consumers have come with the version that Keyturn wrote last; lost, they are asked again. */
  readonly consumers?: Following;
  /** Whether its next rotation will work, as far as the looks could tell. */
  readonly doctor?: Doctored;
  /** Notices that the queue did not take: the next look hands them on. */
  readonly untold?: readonly Notice[];
  /** Of what people were reminded once, about this version. */
  readonly reminded?: Reminded;
}

/** What was told of a version because of the time that is left, or because it waits for a person. */
export interface Reminded {
  readonly version: VersionId;
  readonly of: readonly string[];
}

/** The mark `started` as it was set, with the hash of the target that it is about. */
export interface Begun {
  readonly tgt: string;
  readonly rotation: RotationId;
  readonly on: Date;
}

export interface LastFailure {
  readonly reason: string;
  readonly detail: string;
  readonly on: Date;
}

/** What the last look saw of a secret, for people. Shows; decides nothing. */
export interface SecretView {
  readonly state: SecretStatus;
  readonly version?: VersionId;
  readonly rotator?: string;
  readonly target?: string;
  /** The owner's tag as it is: text of a stranger, to be quoted where it is shown. */
  readonly owner?: string;
  readonly createdOn?: Date;
  /** Since when its credential has been in use, in whatever version. */
  readonly credentialSince?: Date;
  readonly expiresOn?: Date;
  readonly dueOn?: Date;
  /** Until then the credentials in `owed` live on. */
  readonly revokeAfter?: Date;
  /** A person's hold that is in force. */
  readonly heldUntil?: Date;
  /** Why it is not rotated, and until when: its owner's words. */
  readonly exempt?: { readonly reason: string; readonly until: Date; readonly ticket?: string };
  readonly owed: readonly Handle[];
  /** What the rotator says of the target, for a person to tidy up. */
  readonly notes?: readonly string[];
}

/** Which slot of a target a secret keeps: the index. A row without a handle counts as keeping every slot. */
export interface SharerRow extends SecretRef {
  readonly target: string;
  readonly handle?: Handle;
  /** Creation of the version that holds it, when a rotation of Keyturn issued that version. */
  readonly issuedOn?: Date;
  /** What this secret still owes there. */
  readonly owes: readonly { readonly handle: Handle; readonly after: Date }[];
}

/** A failed rotation, for the brake of its kind. */
export interface FailedRotation extends SecretRef {
  readonly type: string;
  /** Hash of the target, the same for all names of one. */
  readonly target: string;
  /** First and latest failure there. */
  readonly since: Date;
  readonly on: Date;
}

/** A vault that gave no complete list. */
export interface Unlisted {
  readonly vault: string;
  readonly since: Date;
  readonly told: boolean;
}

/** Rows that do not parse count as absent. Every method throws `BusyError` when the table did not answer. */
export interface Rows {
  secret(ref: SecretRef): Promise<SecretRow | undefined>;
  saveSecret(row: SecretRow): Promise<void>;
  secretsOf(vault: string): Promise<readonly SecretRow[]>;
  dropSecret(ref: SecretRef): Promise<void>;
  /** Who shares a target, in every vault. */
  sharers(target: string): Promise<readonly SharerRow[]>;
  saveSharer(row: SharerRow): Promise<void>;
  /** Adds rows where there are none: what a look has found stays. */
  addSharers(rows: readonly SharerRow[]): Promise<void>;
  dropSharer(row: Pick<SharerRow, 'target' | 'vault' | 'name'>): Promise<void>;
  sharersIn(vault: string): Promise<readonly SharerRow[]>;
  /** When each vault was last listed from end to end. */
  sweptOn(): Promise<ReadonlyMap<string, Date>>;
  markSwept(vault: string, on: Date): Promise<void>;
  /** Rotations since a time, for KEYTURN_RATE. */
  rotationsSince(on: Date): Promise<readonly SecretRef[]>;
  recordRotation(ref: SecretRef, on: Date): Promise<void>;
  /** How often something of this name went wrong in a row: what stays until it is over is told once. */
  failuresOf(name: string): Promise<number>;
  setFailures(name: string, failures: number): Promise<void>;
  /** Rotations of a kind that failed since its last success: of each secret the latest. A few rows a vault. */
  failedRotations(type: string): Promise<readonly FailedRotation[]>;
  saveFailed(row: FailedRotation): Promise<void>;
  /** A rotation of the kind went well: what failed before it no longer counts. */
  forgetFailed(type: string): Promise<void>;
  /** When a vault's last probe of a braked kind went. */
  probedOn(type: string, vault: string): Promise<Date | undefined>;
  /** Takes the next probe, by ETag: false where the last one is not so many minutes old, or another was first. */
  takeProbe(type: string, vault: string, on: Date, spacingMinutes: number): Promise<boolean>;
  /** Since when a vault could not be listed, and whether that was told; undefined where the last sweep listed it. */
  unlisted(vault: string): Promise<Unlisted | undefined>;
  saveUnlisted(row: Unlisted): Promise<void>;
  dropUnlisted(vault: string): Promise<void>;
  operation(id: string): Promise<Operation | undefined>;
  saveOperation(operation: Operation): Promise<void>;
  /** Makes the row where there is none; false where there is one, which may be this call's own after a lost answer. */
  createOperation(operation: Operation): Promise<boolean>;
  dropOperation(id: string): Promise<void>;
  /** Those of a caller that are not done. One without a record counts for a minute: whoever made it may have died. */
  openOperations(caller: string): Promise<readonly Operation[]>;
  /** All that have a record, of the last 30 days. */
  operations(): Promise<readonly Operation[]>;
}
