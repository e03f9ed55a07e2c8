/** How an operation is shown, and a dry run. Never a value; texts of people as they are, without what does not print (case SEC-06, finding OPS-07). */
import { plain } from '../core/plain.ts';
import { isReason, type Reason, reasonRow } from '../core/reasons.ts';
import { refusalBody } from './problem.ts';

/** The fields of an operation that are shown; `store`'s row has them all. */
export interface Shown {
  readonly id: string;
  readonly vault: string;
  readonly name: string;
  readonly version: string;
  readonly phase: string;
  readonly done: boolean;
  readonly caller: string;
  readonly override: readonly string[];
  readonly revoke: string;
  readonly rotateAgain?: true;
  readonly at?: Date | string;
  readonly hold?: Date | null;
  readonly note?: string;
  readonly ticket?: string;
  readonly createdOn: Date;
  readonly updatedOn: Date;
  readonly steps: readonly { readonly on: Date; readonly step: string; readonly reason: string }[];
  readonly result?: object;
  readonly reason?: string;
  readonly detail?: string;
}

/** Seconds after which asking again may show something new. */
export const RETRY_SECONDS = '5';

/** The operation as JSON, with the remedy beside the reason where it did not go well. */
export function operationBody({ id, vault, name, version, phase, done, caller, ...more }: Shown) {
  const { reason, detail, note, ticket, createdOn, updatedOn, steps, result } = more;
  const why = reason !== undefined && isReason(reason) ? reasonRow(reason) : undefined;
  return {
    ...{ id, vault, secret: name, ...askedFor(more), version, phase, done, caller, createdOn, updatedOn, steps },
    ...(note === undefined ? {} : { note: plain(note) }),
    ...(ticket === undefined ? {} : { ticket: plain(ticket) }),
    ...(result === undefined ? {} : { result }),
    ...(why ? { error: { reason, detail: detail ?? why.cause, remedy: why.remedy, by: why.by } } : {}),
  };
}

/** A list of them, with a word where there are more. */
export const operationsBody = (found: { readonly operations: readonly Shown[]; readonly truncated: boolean }) => ({
  operations: found.operations.map(operationBody),
  truncated: found.truncated,
});

function askedFor({ override, revoke, rotateAgain, at, hold }: Pick<Shown, 'override' | 'revoke'> & Partial<Shown>) {
  if (hold !== undefined) return { kind: 'hold', hold };
  if (at !== undefined) return { kind: 'revoke', at, override };
  return { kind: 'rotate', revoke, ...(rotateAgain ? { rotateAgain } : {}), override };
}

interface Foreseen {
  readonly steps: readonly {
    readonly on: Date;
    readonly kind: string;
    readonly reason: Reason;
    readonly handles: readonly string[];
    readonly detail: string;
  }[];
  readonly checks: readonly {
    readonly check: string;
    readonly passed: boolean;
    readonly reason?: Reason;
    readonly overridden?: true;
    readonly detail?: string;
    readonly unknown?: true;
  }[];
  readonly refusal?: {
    readonly reason: Reason;
    readonly detail: string;
    readonly until?: Date;
    readonly overridable: readonly Reason[];
    readonly by?: string;
    readonly remedy?: string;
  };
}

/** What a dry run found: all steps to come, all that was looked at, and why the request would not be accepted. */
export function planBody({ steps, checks, refusal }: Foreseen) {
  return {
    plan: {
      accepted: refusal === undefined,
      steps: steps.map(({ kind, ...step }) => ({ step: kind, ...step })),
      checks,
      ...(refusal ? { refusal: { reason: refusal.reason, detail: refusal.detail, ...refusalBody(refusal) } } : {}),
    },
  };
}
