/** What the checker lets pass is bounded: an excuse ends, holds for what it names alone, and is no rule. */
import { describe, expect, it } from '@jest/globals';
import { bugs, type Planted } from './bugs.ts';
import { Excuses, SHARE_MAX, tooWide } from './excuses.ts';
import { at, type Path, pathOf } from './path.ts';
import { type Tally, tally, walk, widths } from './report.ts';
import { type WalkOptions, walkPath } from './walk.ts';
import { HOUR, START } from './world.ts';

describe('an excuse', () => {
  const id = 'a late write';
  const secret = 'kv1/st-a';

  it('holds for its invariant, its secret and its value until its end, and is touched only then', () => {
    let now = START;
    const excuses = new Excuses(() => now);
    excuses.grant({ id, invariant: 2, secret, value: 'one', until: START + HOUR });
    expect([
      excuses.holdsOff(1, secret, 'one'),
      excuses.holdsOff(2, 'kv1/st-b', 'one'),
      excuses.holdsOff(2, secret, 'two'),
    ]).toEqual([false, false, false]);
    expect([...excuses.touched]).toEqual([]);
    now = START + HOUR;
    expect(excuses.holdsOff(2, secret, 'one')).toBe(true);
    expect([...excuses.touched]).toEqual([id]);
    now = START + HOUR + 1;
    expect(excuses.holdsOff(2, secret, 'one')).toBe(false);
  });

  it('has an end', () => {
    const excuses = new Excuses(() => START);
    const endless = { id, invariant: 1, secret, until: Number.POSITIVE_INFINITY } as const;
    expect(() => excuses.grant(endless)).toThrow(RangeError);
  });
});

describe('excuses of a run', () => {
  /** Paths whose worker stands still before a write, and what is let pass in them. */
  const walked = async (paths: readonly Path[], options: WalkOptions = {}): Promise<Tally> => {
    const all = tally();
    for (const path of paths)
      await walk(all, path.kind, async () => {
        const { sim, violation } = await walkPath(path, options);
        if (violation !== undefined) throw new Error(violation);
        return sim;
      });
    return all;
  };

  it('are counted by the paths in which they held off a violation', async () => {
    const frozen = [30, 33, 40, 60].map((call) =>
      pathOf({ passes: 2, freeze: { call, minutes: 40 }, days: 6 }),
    );
    const plain = Array.from({ length: 3 }, () => pathOf({}));
    const all = await walked([...frozen, ...plain]);
    expect(all.failures).toEqual([]);
    expect(all.paths).toBe(7);
    expect(
      [...all.excused.values()].flatMap(({ by }) => [...by.values()]).every((count) => count < 4),
    ).toBe(true);
  });

  it('turn the run red where one is used on more than its share of the paths of a kind', async () => {
    // Too wide: the end of a grace, for a year, whoever cut it; it would hide a planted bug.
    const all = await walked(
      [12, 14, 16, 18].map((write) => pathOf({ faults: [at('crash-after', write)] })),
      {
        wrap: (bugs['cuts the grace short'] as Planted).wrap,
        listen: ({ invariants, world }) =>
          invariants.excuses.grant({
            ...{ id: 'too wide', invariant: 2, secret: 'kv1/st-a' },
            until: world.now + 365 * 24 * HOUR,
          }),
      },
    );
    expect(all.failures).toEqual([]);
    expect(widths(all)).toEqual([
      'storage-account-key: the excuse "too wide" is used on 4 of 4 paths',
    ]);
  });

  it('may be used on one path in twenty', () => {
    const by = new Map([['rare', 5]]);
    expect([
      SHARE_MAX,
      tooWide('storage', { paths: 100, by }),
      tooWide('storage', { paths: 99, by }),
    ]).toEqual([0.05, [], ['storage: the excuse "rare" is used on 5 of 99 paths']]);
  });
});
