/** `POST /api/vaults/{vault}/secrets/{name}/hold`: nothing is rotated or revoked until the time that is named (design section 2: `hold` in the state). */
import { z } from 'zod';
import { addDays } from '../../core/clock.ts';
import type { Deps } from '../../ports/deps.ts';
import { badRequest } from '../body.ts';
import { DRY_RUN, NOTES } from '../notes.ts';
import {
  accepted,
  asking,
  notesOf,
  type Request,
  type RequestAnswer,
  type RequestWishes,
} from '../requests.ts';

/** A hold is for an incident or a freeze: who wants more says `paused=true`, or opts out. */
export const HOLD_DAYS_MAX = 90;

/** Strict, and `until` has to be there: neither a misspelt nor a lost one lifts a hold (finding HST-01). */
export const HoldRequest = z.strictObject({
  until: z.iso
    .datetime({
      offset: true,
      error: 'until must be a time as 2027-03-01T08:00:00Z, or null to lift the hold',
    })
    .transform((text) => new Date(text))
    .nullable()
    .describe(`At most ${HOLD_DAYS_MAX} days ahead; null lifts the hold.`),
  ...NOTES,
  dryRun: DRY_RUN,
});
export type HoldRequest = z.infer<typeof HoldRequest>;

/** Throws `bad-request` for a time that is over or too far away. */
export function checkUntil({ until }: HoldRequest, now: Date): void {
  if (until === null) return;
  if (until <= now) throw badRequest(`until is over: it is ${now.toISOString()} now.`);
  if (until > addDays(now, HOLD_DAYS_MAX))
    throw badRequest(`until is more than ${HOLD_DAYS_MAX} days ahead of ${now.toISOString()}.`);
}

/**
 * Accepts a hold (design section 2: a person postpones), or its end. A pass writes it on the version that is current by
 * then; from there on nothing is rotated or revoked until its time, while proof, restoring tags and alerts go on.
 */
export async function hold(request: Request<HoldRequest>, deps: Deps): Promise<RequestAnswer> {
  const { asked } = request;
  const wanted: RequestWishes = {
    override: [],
    revoke: 'after-grace',
    hold: asked.until,
    ...notesOf(asked),
  };
  return await accepted('hold', request, wanted, deps, () => checkUntil(asked, deps.clock.now()));
}

export const holdSecret = asking({
  name: 'hold',
  summary: 'Postpones rotation and revocation, or lifts what postponed them',
  roles: ['Keyturn.Rotate'],
  byVault: 'operators',
  body: { name: 'HoldRequest', schema: HoldRequest },
  judge: hold,
});
