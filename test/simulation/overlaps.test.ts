/** What the other test files show for two slots that can be read, shown for every other overlap with its real rotator. */
import { describe, expect, it } from '@jest/globals';
import { at, type Fate, nothingWrong } from './director.ts';
import { lastCall, meddle } from './meddle.ts';
import { app, FIRST, onePassword, others } from './otherKinds.ts';
import { people } from './people.ts';
import { report, tally, walk } from './report.ts';
import { oneSecret, rotated, rotateOnce } from './scenarios.ts';
import type { Kind } from './sim.ts';
import { soup } from './soup.ts';
import { DAY, MINUTE, START } from './world.ts';

const crashes = ['crash-before', 'crash-after'] as const satisfies Fate[];
const lost = ['drop', 'drop-late', 'drop-never', 'unavailable'] as const satisfies Fate[];

it('what a killed pass issued goes with the next rotation, though a person has stored another version since', async () => {
  let killed = false;
  const director = {
    fate: (op: { name: string }) => {
      if (killed || op.name !== 'target.addPassword') return 'ok' as const;
      killed = true;
      return 'crash-after' as const;
    },
  };
  const sim = oneSecret(director, { kind: app });
  await sim.settle(START + 5 * MINUTE);
  expect([killed, sim.world.made.size]).toEqual([true, 1]);
  people['the current version is copied']?.(sim);
  for (let day = 1; day <= 64; day++) {
    sim.skipTo(START + day * DAY);
    await sim.settle(START + day * DAY + 50 * MINUTE);
  }
  sim.invariants.atRest(sim.own, { settled: true });
  expect(Object.keys(sim.world.accounts.get('acct1') ?? {})).toHaveLength(2);
});

it('a copy of a client secret in another vault keeps what it holds from being revoked', async () => {
  const sim = oneSecret(nothingWrong, { kind: app });
  await rotateOnce(sim);
  const made = sim.world.current('kv1', 'st-a')?.value as string;
  sim.secret('kv2', 'copy', 'acct1', FIRST, { ageDays: 1, value: made });
  for (let day = 5; day <= 75; day++) {
    sim.skipTo(START + day * DAY);
    await sim.settle(START + day * DAY + 50 * MINUTE);
  }
  // The original has moved on; the copy is due by its own age, sixty days after it was made.
  expect(sim.world.current('kv1', 'st-a')?.value).not.toBe(made);
  sim.invariants.atRest(sim.own, { settled: true });
});

it('one password that two secrets hold is not changed under one of them: both say who holds it', async () => {
  const sim = oneSecret(nothingWrong, { kind: onePassword });
  sim.secret('kv2', 'copy', 'acct1', 'app');
  await rotateOnce(sim);
  expect(sim.world.azureWrites).toBe(0);
  // And once more when it has been due for days.
  expect(sim.invariants.alerts.map(({ secret, reason }) => `${secret} ${reason}`).sort()).toEqual([
    'kv1/st-a overdue',
    'kv1/st-a slots-held',
    'kv2/copy overdue',
    'kv2/copy slots-held',
  ]);
});

describe.each(others)('$type', (kind: Kind) => {
  // What a killed pass left where many fit goes with the next rotation, sixty days later.
  const again = kind.overlap === 'many' ? { kind, extraDays: 63, newVersions: 2 } : { kind, extraDays: 2 };
  const walkAll = async (
    title: string,
    each: (add: (name: string, story: () => Promise<unknown>) => Promise<void>) => Promise<void>,
  ) => {
    const all = tally();
    await each((name, story) => walk(all, `${kind.type}: ${name}`, story));
    report(`${kind.type}: ${title}`, all);
    expect(all.failures.slice(0, 5)).toEqual([]);
    expect(all.paths).toBeGreaterThan(20);
  };

  it('rotates once, is proved, and what it replaced goes after its grace', async () => {
    const sim = await rotated(nothingWrong, { kind, extraDays: 2 });
    expect(sim.world.versions('kv1', 'st-a')).toHaveLength(2);
    expect(sim.invariants.alerts).toEqual([]);
  });

  it('loses nothing when killed once or twice', async () => {
    const { writes } = (await rotated(nothingWrong, { kind })).world;
    await walkAll('one crash, and two', async (add) => {
      for (let first = 1; first <= writes; first++)
        for (const fate of crashes) {
          const story = (...more: [number, Fate][]) =>
            rotated(at(new Map<number, Fate>([[first, fate], ...more])), again);
          await add(`${fate}@${first}`, () => story());
          for (let second = first + 1; second <= first + 3; second++)
            await add(`${fate}@${first} crash-after@${second}`, () => story([second, 'crash-after']));
        }
    });
  });

  it('loses nothing when any answer is lost or any call refused', async () => {
    const sim = await rotated(nothingWrong, { kind });
    await walkAll('answers lost, calls refused', async (add) => {
      for (let write = 1; write <= sim.world.writes; write++)
        for (const fate of lost) await add(`${fate}@${write}`, () => rotated(at(new Map([[write, fate]])), again));
      for (let call = 1; call <= sim.world.calls; call++)
        await add(`refuse at call ${call}`, async () => {
          const director = { fate: (op: { at: number }) => (op.at === call ? ('refuse' as const) : ('ok' as const)) };
          await rotateOnce(oneSecret(director, { kind }), { extraDays: 3 });
        });
    });
  });

  it('stands what people do, before any call', async () => {
    const last = await lastCall((director) => oneSecret(director, { kind }));
    await walkAll('people', async (add) => {
      for (const [name, person] of Object.entries(people))
        for (let call = 1 + (name.length % 6); call <= last; call += 6)
          await add(`${name} before call ${call}`, () => meddle(person, call, { kind }));
    });
  });

  it('stands everything at once', async () => {
    await walkAll('soup of seeds', async (add) => {
      for (let seed = 1; seed <= 60; seed++) await add(`seed ${seed}`, () => soup(seed, {}, kind));
    });
  });
});
