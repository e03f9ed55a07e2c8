/** Evidence that fails, lies or never ends, at every call: nothing is revoked before its grace, nothing held beyond the limit, none lost. */
import { describe, expect, it } from '@jest/globals';
import type { UseVerdict } from '../../src/core/uses.ts';
import { at, type Path, pathOf } from './path.ts';
import type { Wrap } from './sim.ts';
import { walkPath } from './walk.ts';
import { HOUR } from './world.ts';

const USED = (on: Date): UseVerdict => ({ use: 'used', on, by: [{ who: 'batch-7' }] });

/** Evidence in the world, and the policy of the settings. */
const asking =
  (
    answer: (turn: number, now: Date) => UseVerdict,
    policy: string,
    asked: { count: number },
  ): Wrap =>
  (deps) => ({
    ...deps,
    evidence: {
      lastUse: async () => {
        asked.count += 1;
        return answer(asked.count, deps.clock.now());
      },
    },
    config: { ...deps.config, policy },
  });

const ANSWERS: Record<string, (turn: number, now: Date) => UseVerdict> = {
  'fails each time': () => {
    throw new Error('No evidence.');
  },
  'says used each time': (_, now) => USED(now),
  'says something else each time': (turn, now) => {
    if (turn % 4 === 0) return USED(now);
    if (turn % 4 === 1) throw new Error('No evidence.');
    return turn % 4 === 2
      ? { use: 'cannot tell', reason: 'No log.' }
      : { use: 'unused', since: now };
  },
};

function* paths(): Generator<Partial<Path>> {
  yield {};
  for (const scenario of ['revoke', 'heal', 'prove', 'restore', 'two'] as const) yield { scenario };
  for (const kind of ['logins', 'app'] as const) yield { kind };
  for (let write = 1; write <= 60; write += 4)
    for (const fate of ['crash-after', 'drop'] as const) yield { faults: [at(fate, write)] };
}

describe.each(Object.entries(ANSWERS))('evidence that %s', (_, answer) => {
  it.each(['', 'revoke=when-unused;unused-limit=6h'])(
    'breaks nothing under the policy %j',
    async (policy) => {
      const asked = { count: 0 };
      const broken: string[] = [];
      let revoked = 0;
      for (const changes of paths()) {
        const path = pathOf(changes);
        const { violation, sim } = await walkPath(path, {
          wrap: asking(answer, policy, asked),
          // For the checker.
          listen: (made) => void Object.assign(made.config, { policy }),
        });
        if (violation !== undefined) broken.push(`${JSON.stringify(changes)}: ${violation}`);
        revoked += sim.own.audit.filter(
          ({ step, outcome }) => step === 'revoke' && outcome === 'done',
        ).length;
      }
      expect(broken).toEqual([]);
      expect([asked.count > 20, revoked > 20]).toEqual([true, true]);
    },
  );
});

it('holds what is used to the limit, and not a look longer', async () => {
  const asked = { count: 0 };
  const wrap = asking((_, now) => USED(now), 'revoke=when-unused;unused-limit=12h', asked);
  const heldAt: string[] = [];
  const { violation, sim } = await walkPath(pathOf({ scenario: 'revoke' }), {
    wrap,
    listen: (made) => {
      Object.assign(made.config, { policy: 'revoke=when-unused;unused-limit=12h' });
      made.decided = (step, reason) => {
        if (reason === 'in-use') heldAt.push(`${step} ${Math.round(made.world.now / HOUR)}`);
      };
    },
  });
  expect(violation).toBeUndefined();
  expect(heldAt.length).toBeGreaterThan(0);
  expect(sim.own.audit.some(({ step, outcome }) => step === 'revoke' && outcome === 'done')).toBe(
    true,
  );
});
