/** What a person may ask for with `POST /api/vaults/{vault}/secrets/{name}/rotate` (design section 5). */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import { SECRET_NAME, type SecretRef, VAULT_NAME } from '../core/ids.ts';
import { isReason, type Reason, reasonRow, reasons } from '../core/reasons.ts';
import { badRequest, parseBody } from './body.ts';

const overridable = Object.keys(reasons).filter(
  (code): code is Reason => isReason(code) && !!reasonRow(code).overridable,
);
const line = (what: string, max: number) =>
  z.string(`${what} must be text`).max(max, `${what} has at most ${max} characters`);

/** Why, in the caller's words: for the operation and the audit. */
export const NOTES = { reason: line('reason', 256).optional(), ticket: line('ticket', 64).optional() };

/** Strict, so that a misspelt field is not taken for consent to the default. */
export const RotateRequest = z.strictObject({
  override: z
    .array(
      z.enum(overridable, `override may name ${overridable.join(', ')}`),
      'override must be a list of reason codes',
    )
    .max(overridable.length, 'override names a reason more than once')
    .default([]),
  revoke: z.enum(['after-grace', 'now'], 'revoke must be "after-grace" or "now"').default('after-grace'),
  ...NOTES,
  dryRun: z.boolean('dryRun must be true or false').default(false),
});
export type RotateRequest = z.infer<typeof RotateRequest>;

/** Parses the body of a request; an empty one asks for nothing special. Throws `bad-request` naming what is wrong. */
export function fromRotateRequest(body: string): RotateRequest {
  return parseBody(body, RotateRequest);
}

/** The secret that a path names. A name that no secret can have is one that is not there: the same 404. */
export function fromPath(vault: string, name: string): SecretRef {
  if (!VAULT_NAME.test(vault) || !SECRET_NAME.test(name)) throw new KeyturnError('not-found');
  return { vault: vault.toLowerCase(), name: name.toLowerCase() };
}

/** The header `Idempotency-Key`, or undefined where it is absent. */
export function fromIdempotencyKey(header: string | null): string | undefined {
  if (header === null) return undefined;
  if (!/^[\w-]{1,64}$/.test(header))
    throw badRequest('Idempotency-Key has 1 to 64 characters of A-Z, a-z, 0-9, _ and -.');
  return header;
}
