/** `GET /api/holds`: the holds by scope that stand, and the freezes of the settings. */
import { addDays } from '../../core/clock.ts';
import { guarded } from '../call.ts';
import { answer } from '../problem.ts';
import { holdsOf, ScopeHoldsBody, scopeHoldBody } from '../scopeHolds.ts';

/** A freeze is shown so long before it begins. */
const AHEAD_DAYS = 400;

export const listHolds = guarded({
  name: 'holds',
  method: 'GET',
  path: 'holds',
  summary: 'What is put off for many secrets at once',
  roles: ['Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke'],
  answers: {
    200: { description: 'Found.', body: { name: 'ScopeHoldsBody', schema: ScopeHoldsBody } },
  },
  run: async (deps) => {
    const now = deps.clock.now();
    const { holds } = await holdsOf(deps).read();
    const standing = holds
      .filter(({ until }) => until > now)
      .sort((one, other) => +one.until - +other.until);
    const freeze = (deps.config.freeze ?? []).filter(
      ({ from, until }) => until > now && from < addDays(now, AHEAD_DAYS),
    );
    return answer(200, { holds: standing.map(scopeHoldBody), freeze });
  },
});
