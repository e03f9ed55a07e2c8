/** How an operation is shown. Never a value; strangers' text quoted (case SEC-06). */
import { quote } from '../core/quote.ts';
import { isReason, type Reason, reasonRow } from '../core/reasons.ts';

/** The fields of an operation that are shown; `store`'s row has them all. */
export interface Shown {
  readonly id: string;
  readonly vault: string;
  readonly name: string;
  readonly version: string;
  readonly status: string;
  readonly caller: string;
  readonly hold?: Date | null;
  readonly note?: string;
  readonly ticket?: string;
  readonly createdOn: Date;
  readonly updatedOn: Date;
  readonly steps: readonly { readonly on: Date; readonly step: string; readonly reason: string }[];
  readonly reason?: string;
  readonly detail?: string;
}

/** Seconds after which asking again may show something new. */
export const RETRY_SECONDS = '5';

/** The operation as JSON, with the remedy beside the reason where it did not go well. */
export function operationBody({ id, vault, name, version, status, caller, ...more }: Shown): Record<string, unknown> {
  const { reason, detail, note, ticket, hold, createdOn, updatedOn, steps } = more;
  const why = reason !== undefined && isReason(reason) ? reasonRow(reason) : undefined;
  return {
    ...{ id, vault, secret: name, version, status, caller, createdOn, updatedOn, steps },
    ...(hold === undefined ? {} : { hold }),
    ...(note === undefined ? {} : { reason: quote(note) }),
    ...(ticket === undefined ? {} : { ticket: quote(ticket) }),
    ...(why ? { outcome: { reason, detail: detail ?? why.cause, remedy: why.remedy, by: why.by } } : {}),
  };
}

/** The step that a dry run found, in the words of the table of reasons. */
export function planBody(step: {
  readonly kind: string;
  readonly reason: Reason;
  readonly until?: Date;
  readonly detail?: string;
}) {
  const { cause, remedy, by } = reasonRow(step.reason);
  const { kind, reason, until, detail } = step;
  return { plan: { step: kind, reason, until, cause, detail, remedy, by } };
}

/** Whether the operation has come to its end. */
export const isDone = ({ status }: Pick<Shown, 'status'>): boolean => status === 'succeeded' || status === 'failed';
