import { describe, expect, it } from '@jest/globals';
import type { Director } from './director.ts';
import { type Person, people } from './people.ts';
import { report, tally, walk } from './report.ts';
import { oneSecret, rotateOnce, twoSecrets } from './scenarios.ts';
import type { Sim, Wrap } from './sim.ts';
import { HOUR, START } from './world.ts';

/** A person acts right before the given call; then everything comes to rest. */
export async function meddle(
  person: Person,
  call: number,
  options: { make?: typeof oneSecret; wrap?: Wrap } = {},
): Promise<Sim> {
  let sim: Sim | undefined;
  const director: Director = {
    fate: () => 'ok',
    person: (op) => {
      if (op.at !== call || !sim) return;
      sim.world.personActedAt = op.at;
      person(sim);
    },
  };
  sim = (options.make ?? oneSecret)(director, options.wrap ? { wrap: options.wrap } : {});
  await rotateOnce(sim, { extraDays: 6 });
  sim.invariants.atRest(sim.own, { settled: true });
  return sim;
}

/** The last call after which there is time enough for another rotation, its grace and its revocation. */
async function lastCall(make: typeof oneSecret): Promise<number> {
  let last = 0;
  const sim: Sim = make({
    fate: () => 'ok',
    person: (op) => {
      if (sim.world.now < START + 98 * HOUR) last = op.at;
    },
  });
  await rotateOnce(sim, { extraDays: 6 });
  return last;
}

describe.each([
  ['one secret', oneSecret, 1],
  // Each person before every fourth call, not the same ones: the single secret has them all.
  ['two secrets on one target', twoSecrets, 4],
])('people who act before any call of a pass, %s', (what, make, step) => {
  it.each(Object.entries(people))('%s', async (title, person) => {
    const last = await lastCall(make);
    const all = tally();
    for (let call = 1 + (title.length % step); call <= last; call += step)
      await walk(all, `before call ${call}`, () => meddle(person, call, { make }));
    report(`${title}, ${what}`, all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });
});
