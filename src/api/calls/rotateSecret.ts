/** `POST /api/vaults/{vault}/secrets/{name}/rotate`: asks for a rotation now (design section 5). */
import { z } from 'zod';
import { compact } from '../../core/compact.ts';
import { KeyturnError } from '../../core/errors.ts';
import type { Deps } from '../../ports/deps.ts';
import { graceHoursOf } from '../../reconcile/decide.ts';
import { requireRole } from '../auth.ts';
import { badRequest } from '../body.ts';
import { DRY_RUN, NOTES, OVERRIDE } from '../notes.ts';
import { accepted, asking, notesOf, type Request, type RequestAnswer } from '../requests.ts';

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

/**
 * Accepts a request for a rotation, or throws the reason why not. Writes a row and a message, nothing in vault or target;
 * a dry run writes nothing at all. Roles are judged first, so that nobody learns by a 404 or 409 what they may not see.
 */
export async function rotate(request: Request<RotateRequest>, deps: Deps): Promise<RequestAnswer> {
  const { caller, asked } = request;
  const { override, revoke, rotateAgain } = asked;
  // Setting a reason aside and revoking before the grace is over is what `Keyturn.Revoke` is for (case UA-8).
  if (override.length > 0 || revoke === 'now' || rotateAgain) requireRole(caller, 'Keyturn.Revoke');
  else if (revoke === 'after-grace') requireRole(caller, 'Keyturn.Rotate');
  else requireRole(caller, 'Keyturn.Rotate', 'Keyturn.Revoke'); // which one follows from the secret's own grace
  const wanted = compact({ override, revoke, rotateAgain, ...notesOf(asked) });
  return await accepted('rotate', request, wanted, deps, ({ policy, leaving }) => {
    // What was opted out still has its obligations, and nothing else (OPS-05).
    if (leaving !== undefined) throw new KeyturnError('not-opted-in');
    const hours = graceHoursOf(revoke);
    if (hours === undefined || hours === 0) return;
    if (!rotateAgain && override.length === 0)
      requireRole(caller, hours < policy.graceHours ? 'Keyturn.Revoke' : 'Keyturn.Rotate');
    if (hours >= policy.everyHours)
      throw badRequest(
        `revoke must be shorter than every (${policy.everyHours} h), when the next rotation is due.`,
      );
  });
}

export const rotateSecret = asking({
  name: 'rotate',
  summary: 'Asks for a rotation now',
  description:
    'Needs the role `Keyturn.Rotate`. `override`, `rotateAgain`, and a `revoke` that is sooner than the grace, need `Keyturn.Revoke` instead. While an older credential is owed: 409; `/revoke` ends its grace, `rotateAgain` revokes it first.',
  roles: ['Keyturn.Rotate', 'Keyturn.Revoke'],
  byVault: 'operators',
  body: { name: 'RotateRequest', schema: RotateRequest },
  judge: rotate,
});
