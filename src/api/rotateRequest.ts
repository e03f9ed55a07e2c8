/** What a person may ask for with `POST /api/vaults/{vault}/secrets/{name}/rotate` (design section 5). */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import { SECRET_NAME, type SecretRef, VAULT_NAME } from '../core/ids.ts';
import { badRequest, parseBody } from './body.ts';
import { DRY_RUN, NOTES, OVERRIDE } from './notes.ts';

/** The longest grace that a request may name. */
export const GRACE_DAYS_MAX = 90;
const DURATION = /^[1-9]\d{0,3}[hd]$/;
const isShort = (text: string): boolean =>
  Number.parseInt(text, 10) * (text.endsWith('d') ? 24 : 1) <= GRACE_DAYS_MAX * 24;
const revokeError = 'revoke must be "after-grace", "now", or a time as "12h" or "7d"';

/** Strict, so that a misspelt field is not taken for consent to the default. */
export const RotateRequest = z.strictObject({
  override: OVERRIDE,
  revoke: z
    .union(
      [
        z.enum(['after-grace', 'now']),
        z
          .string()
          .regex(DURATION)
          .transform((text) => text as `${number}h` | `${number}d`),
      ],
      revokeError,
    )
    .refine(
      (given) => given === 'after-grace' || given === 'now' || isShort(given),
      `revoke is at most ${GRACE_DAYS_MAX}d`,
    )
    .default('after-grace')
    .describe(
      'When the credential that is replaced ends: `after-grace`, `now`, or after hours or days, as `12h` or `7d`.',
    ),
  rotateAgain: z
    .literal(true, 'rotateAgain must be true, or be left out')
    .optional()
    .describe('Revokes what is owed first, and rotates also what was only just rotated.'),
  ...NOTES,
  dryRun: DRY_RUN,
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
