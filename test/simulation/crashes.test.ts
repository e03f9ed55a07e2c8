import { describe, expect, it } from '@jest/globals';
import { at, type Fate, nothingWrong } from './director.ts';
import { replay, report, tally, walk } from './report.ts';
import { rotated, twoSecrets } from './scenarios.ts';

const crashes = ['crash-before', 'crash-after'] as const satisfies Fate[];
const plan = (...points: [number, Fate][]) => at(new Map(points));
const title = (...points: [number, Fate][]) => replay(points);

describe('a worker killed before or after any write', () => {
  it('loses nothing when killed once', async () => {
    const { writes } = (await rotated(nothingWrong)).world;
    const all = tally();
    for (let write = 1; write <= writes; write++) {
      for (const fate of crashes)
        await walk(all, title([write, fate]), () => rotated(plan([write, fate]), { extraDays: 2 }));
    }
    report('one crash', all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });

  it('loses nothing when killed once while two secrets share a target', async () => {
    const { writes } = (await rotated(nothingWrong, { make: twoSecrets, extraDays: 4 })).world;
    const all = tally();
    for (let write = 1; write <= writes; write++) {
      for (const fate of crashes)
        await walk(all, replay([[write, fate]], true), () =>
          rotated(plan([write, fate]), { make: twoSecrets, extraDays: 5, newVersions: 1 }),
        );
    }
    report('one crash, two secrets on one target', all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });

  it('loses nothing when killed twice', async () => {
    const { writes } = (await rotated(nothingWrong)).world;
    const all = tally();
    for (let first = 1; first <= writes; first++) {
      for (const fate of crashes) {
        const { writes: last } = (await rotated(plan([first, fate]), { extraDays: 2 })).world;
        // A crash before a write leaves the world as one after the write before it: the second needs one fate alone.
        for (let second = first + 1; second <= last; second++) {
          const points: [number, Fate][] = [
            [first, fate],
            [second, 'crash-after'],
          ];
          await walk(all, title(...points), () => rotated(plan(...points), { extraDays: 2 }));
        }
      }
    }
    report('two crashes', all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });

  it('loses nothing when killed three times around the writes to vault and target', async () => {
    const all = tally();
    await killThrice(all);
    report('three crashes at vault and target', all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });
});

/** Every third crash around writes of Azure, given two before it: each path tells where the next write lies. */
async function killThrice(all: ReturnType<typeof tally>): Promise<void> {
  const grow = async (points: [number, Fate][]): Promise<void> => {
    const azure: number[] = [];
    const director = {
      fate: plan(...points).fate,
      person: (op: { write: number; place: string }) =>
        void (op.write > 0 && op.place === 'azure' && azure.push(op.write)),
    };
    await walk(all, title(...points), () => rotated(director, { extraDays: 2 }));
    if (points.length === 3) return;
    const last = points.at(-1)?.[0] ?? 0;
    for (const write of azure.filter((each) => each > last))
      for (const fate of crashes) await grow([...points, [write, fate]]);
  };
  await grow([]);
}
