import { bugs } from './bugs.ts';
import { at, type Director, type Fate, nothingWrong, type Op } from './director.ts';
import { people } from './people.ts';
import { broken, oneSecret, rotated, rotateOnce, twoSecrets } from './scenarios.ts';
import type { Sim, Wrap } from './sim.ts';

const base = await rotated(nothingWrong);
async function peopleRuns(wrap?: Wrap, verbose = true, make = oneSecret) {
  let total = 0;
  for (const [title, act] of Object.entries(people)) {
    const seen = new Map<string, number[]>();
    const t = Date.now();
    for (let call = 1; call <= base.world.calls; call++) {
      let sim: Sim | undefined;
      const director: Director = {
        fate: () => 'ok',
        person: (op: Op) => {
          if (op.at === call && sim) {
            sim.world.personActedAt = op.at;
            act(sim);
          }
        },
      };
      const words = await broken(async () => {
        sim = make(director, wrap ? { wrap } : {});
        await rotateOnce(sim, { extraDays: 6 });
        sim.invariants.atRest(sim.own, { settled: true });
      });
      if (words) {
        total++;
        const k = words.replace(/ at .*| \d+ minutes/g, '');
        seen.set(k, [...(seen.get(k) ?? []), call]);
      }
    }
    if (verbose)
      console.log(
        title,
        Date.now() - t,
        'ms',
        [...seen].map(([k, v]) => `${k}: ${v}`),
      );
  }
  return total;
}
if (process.argv[2] === 'people') await peopleRuns();
if (process.argv[2] === 'people2') await peopleRuns(undefined, true, twoSecrets);
if (process.argv[2] === 'bugs')
  for (const [title, wrap] of Object.entries(bugs)) {
    let bad = 0;
    let words: string | undefined;
    words = await broken(async () => {
      await rotated(nothingWrong, { wrap });
    });
    if (words) bad++;
    for (const fate of ['crash-before', 'crash-after'] as Fate[])
      for (let w = 1; w <= base.world.writes; w++) {
        const x = await broken(async () => {
          await rotated(at(new Map([[w, fate]])), { wrap, extraDays: 2 });
        });
        if (x) {
          bad++;
          words ??= x;
        }
      }
    const p = await peopleRuns(wrap, false);
    console.log(title, bad, p, words);
  }
if (process.argv[2] === 'pairs') {
  let n = 0,
    bad = 0;
  const t = Date.now();
  for (let i = 1; i <= base.world.writes; i++)
    for (const f of ['crash-before', 'crash-after'] as Fate[]) {
      const first = at(new Map([[i, f]]));
      const m = (await rotated(first, { extraDays: 2 })).world.writes;
      for (let j = i + 1; j <= m; j++)
        for (const g of ['crash-before', 'crash-after'] as Fate[]) {
          n++;
          const x = await broken(async () => {
            await rotated(
              at(
                new Map([
                  [i, f],
                  [j, g],
                ]),
              ),
              { extraDays: 2 },
            );
          });
          if (x) {
            bad++;
            if (bad < 10) console.log(i, f, j, g, x);
          }
        }
    }
  console.log('pairs', n, bad, Date.now() - t);
}
