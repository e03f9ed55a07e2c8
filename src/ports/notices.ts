/** What people and programs are told. */
import type { Handle, RotationId, SecretRef, VersionId } from '../core/ids.ts';
import type { NoticeType, Severity } from '../core/noticeTypes.ts';
import type { Reason, ReasonRow } from '../core/reasons.ts';

/**
 * What there is to tell of a secret, beside what the pass knows of it: the pass that pushes one adds id, time, owner, kind and
 * target. Never a value; strangers' text quoted.
 */
export interface NewNotice {
  readonly type: NoticeType;
  /**
   * What makes this one another than the last of its type about the secret: a version, a rotation, an operation, a day. The
   * same parts make the same id, so that telling twice is telling once to whoever compares ids.
   */
  readonly incident: readonly string[];
  /** As the type has it, where absent. */
  readonly severity?: Severity | undefined;
  readonly reason?: Reason | undefined;
  readonly detail?: string | undefined;
  /** Who should act, and how; as the reason has them, where absent. */
  readonly by?: ReasonRow['by'] | undefined;
  readonly remedy?: string | undefined;
  readonly version?: VersionId | undefined;
  readonly rotation?: RotationId | undefined;
  readonly handle?: Handle | undefined;
  readonly operation?: string | undefined;
  /** When it comes, or by when somebody has to act. */
  readonly dueOn?: Date | undefined;
  readonly owedSince?: Date | undefined;
  /** Resource id or name of whoever reads the secret: of `consumer-failed` and `straggler`. */
  readonly consumer?: string | undefined;
}

/** One thing that happened, told to whoever the settings name. */
export interface Notice extends Omit<NewNotice, 'incident'>, SecretRef {
  /** A UUID, the same however often it is told. */
  readonly id: string;
  readonly on: Date;
  readonly severity: Severity;
  readonly instance: string;
  /** By the owner tag; text of a stranger, cut and printable. */
  readonly owner?: string | undefined;
  /** Rotator type. */
  readonly kind?: string | undefined;
  readonly target?: string | undefined;
  readonly expiresOn?: Date | undefined;
  /** Of many of one cause, told as one: how many, and the first of their names. `name` is `*` then. */
  readonly count?: number | undefined;
  readonly names?: readonly string[] | undefined;
}

/** The way out to people. Throws `BusyError` where the notice could not be handed on; whoever gets it is somebody else's matter. */
export interface Notices {
  send(notice: Notice): Promise<void>;
}

/** A notice on its way: to whoever the routes name or, once that has failed, to one sink again. */
export interface Delivery {
  readonly notice: Notice;
  /** The one sink that has not taken it yet. */
  readonly to?: string | undefined;
  /** How often that sink was tried. */
  readonly tries: number;
}

/** The queue of notices, which its own function works off. */
export interface NoticeQueue extends Notices {
  /** Puts one back, to be tried after so long. Throws `BusyError`. */
  again(delivery: Delivery, delaySeconds: number): Promise<void>;
}
