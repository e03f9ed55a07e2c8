import { type Reason, type Remedy, reasonRow } from './reasons.ts';

/** Facts about an answer from Azure that may be shown: never its message or body. */
export interface WireFacts {
  readonly status?: number;
  readonly code?: string;
  readonly requestId?: string;
  readonly retryAfterSeconds?: number;
}

export interface KeyturnErrorOptions extends WireFacts {
  /** What was being done and what would help, in our own words; strangers' text only through `quote`. */
  readonly detail?: string;
}

/** An error with a reason from the one table. `refuse` on a pass: a person must act. */
export class KeyturnError extends Error {
  readonly reason: Reason;
  readonly detail: string;
  readonly facts: WireFacts;

  constructor(reason: Reason, options: KeyturnErrorOptions = {}) {
    const { detail, ...facts } = options;
    super(detail ?? reasonRow(reason).cause);
    this.name = new.target.name;
    this.reason = reason;
    this.detail = detail ?? reasonRow(reason).cause;
    this.facts = facts;
  }
}

/** A request that can't be met: what stands in its way, and what of that the caller could set aside. */
export class RefusedError extends KeyturnError {
  /** Reasons that stand in the way and that `override` may name. */
  readonly overridable: readonly Reason[];
  /** When the reason may be over by itself. */
  readonly until: Date | undefined;
  /** Who can help and how, where more is known than the table of reasons says. */
  readonly by: Remedy['by'] | undefined;
  readonly remedy: string | undefined;

  constructor(
    reason: Reason,
    options: KeyturnErrorOptions & {
      overridable?: readonly Reason[];
      until?: Date;
    } & Partial<Remedy> = {},
  ) {
    const { overridable = [], until, by, remedy, ...rest } = options;
    super(reason, rest);
    this.overridable = overridable;
    this.until = until;
    this.by = by;
    this.remedy = remedy;
  }
}

/** Nothing was changed and asking again later may help (429, busy, 5xx on a read). */
export class BusyError extends KeyturnError {}

/** A write was sent and it is not known whether it took effect: read the world, then decide. */
export class UnknownOutcomeError extends KeyturnError {}

/**
 * Graph says that it refused a write since another one ran, which it may have applied all the same (finding COR-01): lists tell,
 * and where none shows it, it may be sent again.
 */
export class ConcurrentError extends UnknownOutcomeError {}

/** The lock of this pass was taken by another or ran out: write nothing more. */
export class LockLostError extends KeyturnError {
  constructor(detail?: string) {
    super('lock-lost', detail === undefined ? {} : { detail });
  }
}

/** The worker was told to stop: no new step (finding HST-06). The look is put back, and another worker goes on. */
export class StoppingError extends KeyturnError {
  constructor() {
    super('stopping');
  }
}

/**
 * What may leave a trigger: the host logs the text and stack of whatever a handler throws, and a text may hold what a
 * service was sent (case FN-05). Our own errors pass; of any other only its name and the places in our code are kept.
 */
export function withoutText(error: unknown): Error {
  if (error instanceof KeyturnError) return error;
  const name = error instanceof Error ? error.name : typeof error;
  const bare = new KeyturnError('failed', { detail: `An unexpected ${name}.` });
  const places =
    error instanceof Error
      ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
      : [];
  bare.stack = [`${bare.name}: ${bare.message}`, ...places].join('\n');
  return bare;
}

/** ARM knows no such thing. Reads like missing consent, so that nobody learns what exists (case SEC-09). */
export class AbsentError extends KeyturnError {
  constructor(options: KeyturnErrorOptions = {}) {
    super('no-consent', options);
  }
}
