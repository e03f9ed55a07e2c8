/** What every request may say beside what it asks for. */
import { z } from 'zod';
import { isReason, type Reason, reasonRow, reasons } from '../core/reasons.ts';

const line = (what: string, max: number) =>
  z.string(`${what} must be text`).max(max, `${what} has at most ${max} characters`);

const required = (what: string, max: number) =>
  z
    .string(`${what} must be text, and has to be there`)
    .trim()
    .min(1, `${what} must say something`)
    .max(max, `${what} has at most ${max} characters`);

/** Why, in the caller's words: for the operation and the audit. */
export const NOTES = {
  note: line('note', 256).optional().describe('Why: for the operation and the audit.'),
  ticket: line('ticket', 64).optional(),
};

/** Where it has to be said: many are stopped by it, or locked out. */
export const REQUIRED_NOTES = {
  note: required('note', 256).describe('Why: for the operation and the audit.'),
  ticket: required('ticket', 64),
};

const overridable = Object.keys(reasons).filter(
  (code): code is Reason => isReason(code) && !!reasonRow(code).overridable,
);

/** Obstacles that the request sets aside, by their codes. */
export const OVERRIDE = z
  .array(
    z.enum(overridable, `override may name ${overridable.join(', ')}`),
    'override must be a list of reason codes',
  )
  .max(overridable.length, 'override names a reason more than once')
  .default([]);

export const DRY_RUN = z
  .boolean('dryRun must be true or false')
  .default(false)
  .describe('Answers with what would be done, and why it would be refused; changes nothing.');
