/**
 * PRF-04: a rotation that had begun and came to nothing, and an apply that replaces all tags right after: the mark of what has
 * begun stands in the row, too. With one password the new one may be the only one that the server takes by then.
 */
import { describe, expect, it } from '@jest/globals';
import type { Director, Fate } from './director.ts';
import { storage } from './kinds.ts';
import { onePassword, others } from './otherKinds.ts';
import { people } from './people.ts';
import { report, tally, walk } from './report.ts';
import { oneSecret, rotateOnce } from './scenarios.ts';
import type { Kind, Sim } from './sim.ts';
import { walkPath } from './walk.ts';
import { parsePath } from './words.ts';
import { MINUTE } from './world.ts';

const wipe = (sim: Sim): void => people['an apply replaces all tags']?.(sim);
/** Value and tags as infrastructure code has them: a version that knows of no rotation. */
const writeAgain = (sim: Sim): void => {
  const { now } = sim.world;
  const versions = sim.world.versions('kv1', 'st-a');
  const { 'rotator-state': _, ...tags } = versions.at(-1)?.tags ?? {};
  const value = versions[0]?.value ?? '';
  const on = { createdOn: now, updatedOn: now };
  versions.push({
    ...{ id: sim.world.versionId(), value, tags, contentType: 'text/plain' },
    ...rest,
    ...on,
  });
};
const rest = { enabled: true, expiresOn: undefined, by: 'person' } as const;

type Faults = ReadonlyMap<string, readonly [nth: number, fate: Fate]>;

/** The nth call of a name meets its fate; once all have, an apply replaces every tag before the next call. */
async function applied(kind: Kind, faults: Faults, act: (sim: Sim) => void = wipe): Promise<Sim> {
  const calls = new Map<string, number>();
  let met = 0;
  let sim: Sim | undefined;
  const director: Director = {
    fate: ({ name }) => {
      const fault = faults.get(name);
      if (!fault) return 'ok';
      const nth = (calls.get(name) ?? 0) + 1;
      calls.set(name, nth);
      if (nth !== fault[0]) return 'ok';
      met += 1;
      return fault[1];
    },
    person: (op) => {
      if (!sim || met !== faults.size) return;
      met += 1;
      sim.world.personActedAt = op.at;
      act(sim);
    },
  };
  sim = oneSecret(director, { kind });
  await rotateOnce(sim, { extraDays: kind.overlap === 'many' ? 66 : 6 });
  return sim;
}

const writes: Readonly<Record<string, string>> = {
  'storage-account-key': 'target.regenerate',
  'app-registration': 'target.addPassword',
};

describe.each([storage, ...others])('PRF-04: $type', (kind: Kind) => {
  it('goes on with what it had begun, whatever ended it and though the mark is wiped', async () => {
    const issue = writes[kind.type] ?? 'target.alter';
    const fates = [
      'crash-after',
      'refuse',
      'unavailable',
      'drop',
      'drop-never',
      'crash-before',
    ] as const;
    const all = tally();
    for (const store of fates)
      for (const second of [undefined, 'crash-before', 'refuse', 'unavailable'] as const) {
        const faults: [string, [number, Fate]][] = [['vault.store', [1, store]]];
        if (second) faults.push([issue, [2, second]]);
        await walk(all, `store ${store}, then ${second ?? 'nothing'}`, async () => {
          const sim = await applied(kind, new Map(faults));
          sim.invariants.atRest(sim.own, { settled: true });
          expect(sim.invariants.alerts.filter(({ reason }) => reason === 'unknown-value')).toEqual(
            [],
          );
        });
      }
    for (const fate of fates)
      await walk(all, `issue ${fate}`, async () => {
        const sim = await applied(kind, new Map([[issue, [1, fate]]]));
        sim.invariants.atRest(sim.own, { settled: true });
        expect(sim.invariants.alerts.filter(({ reason }) => reason === 'unknown-value')).toEqual(
          [],
        );
      });
    report(`${kind.type}: begun, and wiped by an apply`, all);
    expect(all.failures).toEqual([]);
  });
});

it.each<[string, (sim: Sim) => void]>([
  ['an apply replaces all tags', wipe],
  ['an apply writes the value again, without the mark', writeAgain],
  [
    'the table is lost, a look, and an apply',
    (sim) => {
      sim.loseTable();
      const on = sim.world.now + 70 * MINUTE;
      sim.world.late.push({ on, apply: () => wipe(sim) });
    },
  ],
])(
  'PRF-04: one password, %s: what the server alone takes is replaced, and nobody is asked to act',
  async (_, act) => {
    const faults = new Map([
      ['vault.store', [1, 'refuse'] as const],
      ['target.alter', [2, 'refuse'] as const],
    ]);
    const sim = await applied(onePassword, faults, act);
    const current = sim.world.current('kv1', 'st-a');
    expect([current?.by, sim.world.accepts('acct1', current?.value ?? '')]).toEqual([
      'keyturn',
      true,
    ]);
    expect(sim.invariants.alerts.filter(({ reason }) => reason === 'unknown-value')).toEqual([]);
  },
);

it('counts a rotation of the day whose state somebody took away: no fourth value before the day is over', async () => {
  const words =
    'admin-password heal run a-rotation-is-requested@337 key1-is-regenerated-by-hand@423 all-tags-of-keyturn-are-removed-for-good@478 hourly days:3';
  const { violation, sim } = await walkPath(parsePath(words.split(' ')));
  expect(violation).toBeUndefined();
  const made = sim.world.versions('kv1', 'st-a').filter(({ by }) => by === 'keyturn');
  const first = made[0]?.createdOn ?? 0;
  expect(made.filter(({ createdOn }) => createdOn < first + 24 * 60 * MINUTE)).toHaveLength(3);
  // Then it is healed.
  expect(sim.world.accepts('acct1', sim.world.current('kv1', 'st-a')?.value ?? '')).toBe(true);
});
