/** How the audit records of a secret are shown. They hold no value. */
import { z } from 'zod';
import type { SecretRef } from '../core/ids.ts';

const date = z.iso.datetime();

/** One record, named and typed: what changed, or what a person asked for. */
export const AuditRecordBody = z.strictObject({
  on: date,
  step: z
    .enum(['request', 'rotate', 'prove', 'restore', 'revoke', 'hold', 'move', 'follow'])
    .describe('`request`: it was accepted.'),
  reason: z.string(),
  outcome: z
    .string()
    .describe(
      '`accepted` of a request, `done` of a step, `recovered` where it was found done later; else the reason of its failure.',
    ),
  cause: z.string().describe('What made Keyturn look: `event`, `sweep`, `http`, `again`.'),
  instance: z.string(),
  caller: z.string().optional().describe('Object id of whoever asked.'),
  as: z.enum(['user', 'app']).optional(),
  note: z.string().optional(),
  ticket: z.string().optional(),
  operation: z.uuid().optional(),
  override: z.array(z.string()).optional(),
  revoke: z
    .string()
    .optional()
    .describe('Asked of a rotation: when the credential that it replaces ends.'),
  rotateAgain: z.boolean().optional(),
  leaked: z
    .enum(['one', 'both'])
    .optional()
    .describe('Asked because the credential leaked, or both slots.'),
  refusedOn: z
    .string()
    .optional()
    .describe('When the target refused what had leaked or was revoked.'),
  vouchedBy: z
    .string()
    .optional()
    .describe('Where that can not be tried: who says that it is gone.'),
  evidence: z
    .array(z.string())
    .optional()
    .describe(
      'Of a revocation: who used each credential right before; names of clients are what clients say.',
    ),
  tried: z
    .array(z.string())
    .optional()
    .describe('What the target said of each old value once it was revoked.'),
  undo: z.boolean().optional().describe('Asked to undo the last rotation.'),
  revokeAt: z.string().optional().describe('When what is owed is to be revoked.'),
  hold: z.string().optional().describe('Until when it is held; `none` lifts it.'),
  rotation: z.string().optional().describe('Ties the records of one rotation together.'),
  version: z.string().optional().describe('Current when the step began.'),
  stored: z.string().optional().describe('The version that a rotation stored.'),
  handle: z.string().optional(),
  handles: z.array(z.string()).optional().describe('What a revocation set out to revoke.'),
  revokedVersions: z.array(z.string()).optional().describe('There once all of it was revoked.'),
  status: z.int().optional(),
  code: z.string().optional(),
  requestId: z.string().optional().describe('Of the answer of Azure that ended it.'),
});

/** The last 90 days, newest first. */
export const HistoryBody = z.strictObject({
  vault: z.string(),
  secret: z.string(),
  truncated: z.boolean().describe('There is more than was read.'),
  records: z.array(AuditRecordBody),
});

interface Shown {
  readonly records: readonly SecretRef[];
  readonly truncated: boolean;
}

/** The records as JSON; vault and secret, the same in all of them, are said once. */
export const historyBody = ({ vault, name }: SecretRef, { records, truncated }: Shown) => ({
  vault,
  secret: name,
  truncated,
  records: records.map(({ vault: _, name: __, ...record }) => record),
});
