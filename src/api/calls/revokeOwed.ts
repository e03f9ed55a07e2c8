/** `POST /api/vaults/{vault}/secrets/{name}/revoke`: ends or moves the grace of what is owed, and never rotates (design section 5). */
import { z } from 'zod';
import { addDays } from '../../core/clock.ts';
import { KeyturnError } from '../../core/errors.ts';
import type { Deps } from '../../ports/deps.ts';
import { dueOn } from '../../tags/policy.ts';
import { badRequest } from '../body.ts';
import { DRY_RUN, NOTES, OVERRIDE } from '../notes.ts';
import {
  accepted,
  asking,
  notesOf,
  type Request,
  type RequestAnswer,
  type RequestWishes,
} from '../requests.ts';

/** A grace that a person moves is for an incident or a freeze, like a hold. */
export const REVOKE_DAYS_MAX = 90;

/** Strict, so that a misspelt `at` does not end a grace at once. */
export const RevokeRequest = z.strictObject({
  at: z
    .union(
      [
        z.literal('now'),
        z.iso
          .datetime({ offset: true })
          .transform((text) => new Date(text))
          .describe(`When what is owed is to be revoked, at most ${REVOKE_DAYS_MAX} days ahead.`),
      ],
      'at must be "now", or a time as 2027-03-01T08:00:00Z',
    )
    .default('now')
    .describe('Left out: now.'),
  override: OVERRIDE,
  ...NOTES,
  dryRun: DRY_RUN,
});
export type RevokeRequest = z.infer<typeof RevokeRequest>;

/** Throws `bad-request` for a time that is too far away; one that is over means now. */
export function checkAt({ at }: RevokeRequest, now: Date): void {
  if (at !== 'now' && at > addDays(now, REVOKE_DAYS_MAX))
    throw badRequest(`at is more than ${REVOKE_DAYS_MAX} days ahead of ${now.toISOString()}.`);
}

/**
 * Accepts a request to revoke what is owed, now or at another time than its grace says, or throws the reason why not. It never
 * rotates. Like every change of a grace that a person makes it needs `Keyturn.Revoke`; who may only postpone uses `hold`.
 */
export async function revoke(request: Request<RevokeRequest>, deps: Deps): Promise<RequestAnswer> {
  const { asked } = request;
  const { override, at } = asked;
  const wanted: RequestWishes = { override, revoke: 'after-grace', at, ...notesOf(asked) };
  return await accepted('revoke', request, wanted, deps, (bound) => {
    checkAt(asked, deps.clock.now());
    if (bound.leaving !== undefined && at !== 'now') {
      const detail =
        'It was opted out: what it still owes can be ended at once, and its grace is not moved any more.';
      throw new KeyturnError('not-opted-in', { detail });
    }
    const due = dueOn(bound.current, bound.state?.rot !== undefined, bound.policy);
    if (at !== 'now' && at > due && at > deps.clock.now())
      throw badRequest(
        `at is after ${due.toISOString()}, when the next rotation is due; to postpone that, use hold.`,
      );
  });
}

export const revokeOwed = asking({
  name: 'revoke',
  summary: 'Ends or moves the grace of what is owed, and never rotates',
  roles: ['Keyturn.Revoke'],
  body: { name: 'RevokeRequest', schema: RevokeRequest },
  judge: revoke,
});
