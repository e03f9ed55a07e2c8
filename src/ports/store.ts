/**
 * The app's own storage: rows, locks and the queue. Losing the table loses no credential and no obligation; only the
 * index (which secrets hold which slot) must be swept anew before a slot is touched (design section 2, "The table").
 */
import type { Handle, RotationId, SecretRef, VersionId } from '../core/ids.ts';
import type { Look } from '../core/look.ts';
import type { Reason } from '../core/reasons.ts';
import type { WrongTry } from '../core/serverAnswer.ts';
import type { Phase, SecretState } from '../core/states.ts';

export { PHASES, type Phase, SECRET_STATES, type SecretState } from '../core/states.ts';

/**
 * What is remembered of a secret. Hints and history: nothing here causes a step (case SEC-07), but for what the vault itself said
 * before an apply wiped it: a state to be written back, and a rotation that has begun.
 */
export interface SecretRow extends SecretRef {
  /** The version that Keyturn wrote last, and the state that it carried: for `restore`. */
  readonly wroteVersion?: VersionId;
  readonly wroteState?: string;
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
  /** Causes that were alerted and are still there, parted by commas; one alert per cause. */
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
  /** Fingerprint of the plan (policy, cap, content type) with which the vault refused a version (case KV-06). */
  readonly refusedPlan?: string;
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
  readonly state: SecretState;
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

/** Which slot of a target a secret holds: the index. A row without a handle counts as holding every slot. */
export interface HolderRow extends SecretRef {
  readonly target: string;
  readonly handle?: Handle;
  /** Creation of the version that holds it, when a rotation of Keyturn issued that version. */
  readonly issuedOn?: Date;
  /** What this secret still owes there. */
  readonly owes: readonly { readonly handle: Handle; readonly after: Date }[];
}

/** How long the credential that a rotation replaces lives on: as the policy says, not at all, or hours or days. */
export type RevokeWhen = 'after-grace' | 'now' | `${number}h` | `${number}d`;
/** When what is owed is to be revoked. */
export type RevokeAt = 'now' | Date;

/** An operation that has no record by then never gets one from the call that made it. */
export const UNRECORDED_MINUTES = 1;

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
}

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
  /** Holders of a target in every vault. */
  holders(target: string): Promise<readonly HolderRow[]>;
  saveHolder(row: HolderRow): Promise<void>;
  /** Adds rows where there are none: what a look has found stays. */
  addHolders(rows: readonly HolderRow[]): Promise<void>;
  dropHolder(row: Pick<HolderRow, 'target' | 'vault' | 'name'>): Promise<void>;
  holdersOf(vault: string): Promise<readonly HolderRow[]>;
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

export interface Lock {
  /** Takes 90 s more by ETag; throws `LockLostError` when another took it. Called immediately before every write. */
  renew(): Promise<void>;
  release(): Promise<void>;
}

export interface Locks {
  /**
   * Takes a lock for 90 s of the table service's time, or undefined when another holds it. Expiry is judged by the
   * service's `Date` header, never by a local clock; a lock that ends more than 2 minutes ahead is void (case SEC-07).
   */
  take(key: string): Promise<Lock | undefined>;
}

/** An alert that was not raised singly, since another secret of the vault had the same cause within the hour. */
export interface CountedAlert extends SecretRef {
  readonly reason: Reason;
  /** Since when something is owed that cannot be closed. */
  readonly owedSince?: Date;
  /** What the alert would have said by itself; text of strangers cut and printable. */
  readonly detail?: string;
  readonly by?: string;
  readonly remedy?: string;
  readonly owner?: string;
  /** Rotator type. */
  readonly kind?: string;
  readonly target?: string;
  readonly expiresOn?: Date;
}

/** Which alerts were raised, for all workers: many of one vault and reason become one. Throws `BusyError` like `Rows`. */
export interface Alerts {
  /** Whether nobody has alerted this reason in this vault within the last hour. If so the hour begins now. */
  isFirst(vault: string, reason: string): Promise<boolean>;
  /** Keeps an alert until the sweep tells it with the others. */
  count(alert: CountedAlert): Promise<void>;
  /** What is counted and not yet told, page by page. */
  counted(): AsyncIterable<readonly CountedAlert[]>;
  /** Forgets what was told. */
  told(alerts: readonly CountedAlert[]): Promise<void>;
}

export interface LookQueue {
  /** Puts a look on the queue, visible after `delaySeconds`. */
  put(look: Look, delaySeconds?: number): Promise<void>;
  /**
   * Puts the look of an event, at most one per secret and minute: at once, or at the end of a minute that had its look.
   * Answers false when a look waits already that no pass can have begun: that one sees what the event tells of. `turn` is
   * asked where a look is put: the seconds until its vault's turn, an hour at most.
   */
  offer(look: Look, turn?: () => Promise<number>): Promise<boolean>;
}

/** One line of the audit: a step that changed something, or a request that was accepted. Never a value; strangers' text quoted. */
export interface AuditRecord extends SecretRef {
  readonly on: Date;
  /** `request`: what a person asked for and was accepted. */
  readonly step: 'request' | 'rotate' | 'prove' | 'restore' | 'revoke' | 'hold' | 'move';
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
  /** When what is owed is to be revoked: asked for, or written by a step `move`. */
  readonly revokeAt?: string;
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
