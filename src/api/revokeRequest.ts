/** What a person may ask for with `POST /api/vaults/{vault}/secrets/{name}/revoke` (design section 5). */
import { z } from 'zod';
import { addDays } from '../core/clock.ts';
import { badRequest, parseBody } from './body.ts';
import { DRY_RUN, NOTES, OVERRIDE } from './notes.ts';

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

/** Parses the body of a request; an empty one revokes at once. Throws `bad-request` naming what is wrong. */
export const fromRevokeRequest = (body: string): RevokeRequest => parseBody(body, RevokeRequest);

/** Throws `bad-request` for a time that is too far away; one that is over means now. */
export function checkAt({ at }: RevokeRequest, now: Date): void {
  if (at !== 'now' && at > addDays(now, REVOKE_DAYS_MAX))
    throw badRequest(`at is more than ${REVOKE_DAYS_MAX} days ahead of ${now.toISOString()}.`);
}
