import { describe, expect, it } from '@jest/globals';
import { at, type Director, type Fate, nothingWrong } from './director.ts';
import { replay, report, tally, walk } from './report.ts';
import { rotated, twoSecrets } from './scenarios.ts';

describe('answers that are lost, late or refusals', () => {
  it.each<Fate>(['drop', 'drop-late', 'drop-never', 'unavailable'])(
    'converges when any one write meets: %s',
    async (fate) => {
      const { writes } = (await rotated(nothingWrong)).world;
      const all = tally();
      for (let write = 1; write <= writes; write++) {
        await walk(all, replay([[write, fate]]), () => rotated(at(new Map([[write, fate]])), { extraDays: 3 }));
      }
      report(`one write: ${fate}`, all);
      expect(all.failures.slice(0, 5)).toEqual([]);
    },
  );

  it('converges when any two writes to vault and target are dropped, late or refused', async () => {
    const all = tally();
    const fates: Fate[] = ['drop', 'drop-late', 'unavailable'];
    const writes = await azureWrites({ fate: () => 'ok' });
    for (const first of writes) {
      for (const one of fates) {
        const later = (await azureWrites(at(new Map([[first, one]])))).filter((write) => write > first);
        for (const second of later) {
          for (const two of fates) {
            const plan = at(
              new Map([
                [first, one],
                [second, two],
              ]),
            );
            await walk(
              all,
              replay([
                [first, one],
                [second, two],
              ]),
              () => rotated(plan, { extraDays: 3 }),
            );
          }
        }
      }
    }
    report('two writes: dropped, late, refused', all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });

  it.each<[Fate, string]>([
    ['refuse', 'refused'],
    ['unavailable', 'answered busy'],
  ])('converges when any one call is %s (%s)', async (fate) => {
    const { calls } = (await rotated(nothingWrong)).world;
    const all = tally();
    for (let call = 1; call <= calls; call++) {
      const director: Director = { fate: (op) => (op.at === call ? fate : 'ok') };
      await walk(all, `${fate} of call ${call}`, () => rotated(director, { extraDays: 4 }));
    }
    report(`any call: ${fate}`, all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });

  it('converges when a write is lost while two secrets share a target', async () => {
    const all = tally();
    const { writes } = (await rotated(nothingWrong, { make: twoSecrets, extraDays: 4 })).world;
    for (let write = 1; write <= writes; write++) {
      for (const fate of ['drop', 'drop-late', 'unavailable'] as const) {
        await walk(all, replay([[write, fate]], true), () =>
          rotated(at(new Map([[write, fate]])), { make: twoSecrets, extraDays: 6 }),
        );
      }
    }
    report('lost answers, two secrets on one target', all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });
});

/** The numbers of the writes to vault and target on the path of a director. */
async function azureWrites(director: Director): Promise<number[]> {
  const found: number[] = [];
  await rotated(
    { ...director, person: (op) => void (op.write > 0 && op.place === 'azure' && found.push(op.write)) },
    { extraDays: 3 },
  );
  return found;
}
