/** `DELETE /api/holds/{id}`: lifts a hold by scope before its time. */
import { z } from 'zod';
import { KeyturnError } from '../../core/errors.ts';
import type { Deps } from '../../ports/deps.ts';
import type { ScopeHold } from '../../ports/holds.ts';
import type { Caller } from '../auth.ts';
import { guarded } from '../call.ts';
import { answer } from '../problem.ts';
import { holdsOf, recordHold, ScopeHoldBody, scopeHoldBody } from '../scopeHolds.ts';

/** The hold as it was. One that is over, or was lifted, is `not-found`. What was held is looked at with the next sweep. */
export async function lift(given: string, caller: Caller, deps: Deps): Promise<ScopeHold> {
  const id = z.uuid().safeParse(given.toLowerCase()).data;
  const now = deps.clock.now();
  const holds = holdsOf(deps);
  const found = (await holds.read()).holds.find((each) => each.id === id && each.until > now);
  if (!found) throw new KeyturnError('not-found');
  await recordHold(found, undefined, caller, deps);
  // It stays with its end for a week: what came due while it stood is late from now on, not from its own day.
  await holds.change((list) => ({
    ...list,
    holds: list.holds.map((each) =>
      each.id === id && each.until > now ? { ...each, until: now } : each,
    ),
  }));
  return { ...found, until: now };
}

export const liftHold = guarded({
  name: 'liftHold',
  method: 'DELETE',
  path: 'holds/{id}',
  summary: 'Lifts a hold of many secrets before its time',
  roles: ['Keyturn.Revoke'],
  parameters: { id: 'As it stood in the answer that set it.' },
  answers: {
    200: { description: 'It is over.', body: { name: 'ScopeHoldBody', schema: ScopeHoldBody } },
  },
  run: async (deps, caller, { path }) =>
    answer(200, scopeHoldBody(await lift(path.id ?? '', caller, deps))),
});
