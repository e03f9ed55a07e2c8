/** What a person may ask for with `POST /api/vaults/{vault}/secrets/{name}/rotate` (design section 5). */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import { SECRET_NAME, type SecretRef, VAULT_NAME } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import { isReason, type Reason, reasonRow, reasons } from '../core/reasons.ts';

export const BODY_BYTES_MAX = 8 * 1024;
const overridable = Object.keys(reasons).filter(
  (code): code is Reason => isReason(code) && !!reasonRow(code).overridable,
);
const line = (what: string, max: number) =>
  z.string(`${what} must be text`).max(max, `${what} has at most ${max} characters`);

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
  reason: line('reason', 256).optional(),
  ticket: line('ticket', 64).optional(),
  dryRun: z.boolean('dryRun must be true or false').default(false),
});
export type RotateRequest = z.infer<typeof RotateRequest>;

/** Parses the body of a request; an empty one asks for nothing special. Throws `bad-request` naming what is wrong. */
export function fromRotateRequest(body: string): RotateRequest {
  if (Buffer.byteLength(body) > BODY_BYTES_MAX) throw tooLarge();
  const parsed = RotateRequest.safeParse(body.trim() === '' ? {} : json(body));
  if (parsed.success) return parsed.data;
  throw bad(`${[...new Set(parsed.error.issues.map(said))].slice(0, 5).join('; ')}.`);
}

/** The secret that a path names. A name that no secret can have is one that is not there: the same 404. */
export function fromPath(vault: string, name: string): SecretRef {
  if (!VAULT_NAME.test(vault) || !SECRET_NAME.test(name)) throw new KeyturnError('not-found');
  return { vault: vault.toLowerCase(), name: name.toLowerCase() };
}

/** The header `Idempotency-Key`, or undefined where it is absent. */
export function fromIdempotencyKey(header: string | null): string | undefined {
  if (header === null) return undefined;
  if (!/^[\w-]{1,64}$/.test(header)) throw bad('Idempotency-Key has 1 to 64 characters of A-Z, a-z, 0-9, _ and -.');
  return header;
}

export const tooLarge = (): KeyturnError => bad(`The body has more than ${BODY_BYTES_MAX} bytes.`);
const bad = (detail: string): KeyturnError => new KeyturnError('bad-request', { detail });

function said(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `there is no field ${issue.keys.slice(0, 3).map(quote).join(', ')}`;
  return issue.path.length === 0 ? 'the body must be a JSON object' : issue.message;
}

function json(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) throw bad('The body is not JSON.');
    throw error;
  }
}
