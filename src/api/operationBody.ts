/** How an operation is shown, and a dry run. Never a value; texts of people as they are, without what does not print (case SEC-06, finding OPS-07). */
import { z } from 'zod';
import { compact } from '../core/compact.ts';
import { plain } from '../core/plain.ts';
import { isReason, type Reason, reasonRow } from '../core/reasons.ts';
import { CONSUMER_STATES } from '../core/statuses.ts';
import { By, ReasonCode, Refusal, refusalBody } from './problem.ts';

const date = z.iso.datetime();
const step = z.enum(['rotate', 'prove', 'revoke', 'restore', 'hold', 'move', 'follow']);

export const OperationBody = z.strictObject({
  id: z.uuid(),
  vault: z.string(),
  secret: z.string(),
  kind: z.enum(['rotate', 'revoke', 'hold', 'undo', 'leaked']),
  version: z.string().describe('The version that was current when the request was accepted.'),
  phase: z
    .enum(['accepted', 'stored', 'proved', 'settled', 'failed'])
    .describe(
      '`stored`: what was asked for stands in the vault. `proved`: the target accepted the new version in a later pass. `settled`: what was to be revoked is revoked, or there was nothing.',
    ),
  done: z.boolean().describe('Nothing is waited for any more; a grace may still run.'),
  caller: z.string().describe('Object id.'),
  createdOn: date,
  updatedOn: date,
  steps: z.array(z.strictObject({ on: date, step: z.string(), reason: z.string() })),
  override: z.array(z.string()).optional(),
  revoke: z
    .string()
    .optional()
    .describe('Of a rotation: when the credential that it replaces ends.'),
  rotateAgain: z.boolean().optional(),
  both: z.boolean().optional().describe('Of a leak: whether the other slot is replaced, too.'),
  parent: z.uuid().optional().describe('Of a leak: the operation of the secret that was named.'),
  at: z.string().optional().describe('Of a revocation: `now`, or when.'),
  hold: date.nullable().optional().describe('Of a hold: until when; null lifts it.'),
  note: z.string().optional().describe('What the caller said.'),
  ticket: z.string().optional(),
  result: z
    .strictObject({
      version: z
        .string()
        .optional()
        .describe('The version that was stored; of other requests the one that was current.'),
      handle: z.string().optional().describe('The public name of its credential.'),
      revokeAfter: date.optional().describe('From then on what is owed may be revoked.'),
      revoked: z.array(z.string()).optional().describe('Handles that were revoked.'),
      vouchedBy: z
        .string()
        .optional()
        .describe('Of a leak that can not be tried: who says that the credential is gone.'),
      evidence: z
        .array(z.string())
        .optional()
        .describe(
          'Who used each credential right before it was revoked; names of clients are what clients say.',
        ),
      besides: z
        .array(z.string())
        .optional()
        .describe(
          'Of a leak: other secrets that kept the credential; each has an operation of its own.',
        ),
      consumers: z
        .array(z.strictObject({ id: z.string(), state: z.enum(CONSUMER_STATES), on: date }))
        .optional()
        .describe('Who reads the secret, and how far each has come with the new version.'),
      refusedOn: date
        .optional()
        .describe('When the target refused the old value, where it can be tried.'),
    })
    .optional(),
  error: z
    .strictObject({ reason: z.string(), detail: z.string(), remedy: z.string(), by: By })
    .optional(),
});

export const PlanBody = z.strictObject({
  plan: z.strictObject({
    accepted: z.boolean().describe('Whether the request would be accepted.'),
    steps: z
      .array(
        z.strictObject({
          on: date,
          step,
          reason: ReasonCode,
          handles: z
            .array(z.string())
            .describe('The slot that is taken, or what is revoked, where it is known before.'),
          detail: z.string(),
        }),
      )
      .describe('Each will have its audit record.'),
    checks: z.array(
      z.strictObject({
        check: z.string(),
        passed: z.boolean(),
        reason: ReasonCode.optional().describe('What stands in the way.'),
        overridden: z
          .boolean()
          .optional()
          .describe('It stands in the way, and `override` sets it aside.'),
        detail: z.string().optional(),
        unknown: z
          .boolean()
          .optional()
          .describe('It cannot be told without a change; nothing is known against it.'),
        remedy: z.string().optional().describe('What helps: a command to paste, where one does.'),
        who: z.string().optional().describe('Who must act.'),
      }),
    ),
    refusal: z
      .strictObject({
        reason: ReasonCode,
        detail: z.string(),
        remedy: z.string(),
        ...Refusal.shape,
      })
      .optional(),
  }),
});

export const OperationsBody = z.strictObject({
  operations: z.array(OperationBody).describe('Newest first, 100 at most.'),
  truncated: z.boolean().describe('There are more.'),
});

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
  readonly undo?: true;
  readonly leaked?: 'one' | 'both';
  readonly parent?: string;
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
  return compact({
    id,
    vault,
    secret: name,
    ...askedFor(more),
    version,
    phase,
    done,
    caller,
    createdOn,
    updatedOn,
    steps,
    note: note === undefined ? undefined : plain(note),
    ticket: ticket === undefined ? undefined : plain(ticket),
    result,
    error: why
      ? { reason, detail: detail ?? why.cause, remedy: why.remedy, by: why.by }
      : undefined,
  });
}

/** A list of them, with a word where there are more. */
export const operationsBody = (found: {
  readonly operations: readonly Shown[];
  readonly truncated: boolean;
}) => ({
  operations: found.operations.map(operationBody),
  truncated: found.truncated,
});

function askedFor({
  override,
  revoke,
  rotateAgain,
  undo,
  leaked,
  parent,
  at,
  hold,
}: Pick<Shown, 'override' | 'revoke'> & Partial<Shown>) {
  if (undo) return { kind: 'undo' };
  if (leaked) return compact({ kind: 'leaked', both: leaked === 'both', parent });
  if (hold !== undefined) return { kind: 'hold', hold };
  if (at !== undefined) return { kind: 'revoke', at, override };
  return compact({ kind: 'rotate', revoke, rotateAgain, override });
}

interface ShownPreview {
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
    readonly remedy?: string;
    readonly who?: string;
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
export function previewBody({ steps, checks, refusal }: ShownPreview) {
  return {
    plan: compact({
      accepted: refusal === undefined,
      steps: steps.map(({ kind, ...step }) => ({ step: kind, ...step })),
      checks,
      refusal: refusal
        ? { reason: refusal.reason, detail: refusal.detail, ...refusalBody(refusal) }
        : undefined,
    }),
  };
}
