/** Everything at once, by the dice of a seed: faults, clocks apart, people, a lost table, then time to come to rest. */
import { type Director, type Fate, type Op, random } from './director.ts';
import { people } from './people.ts';
import { HINT, oneSecret, twoSecrets } from './scenarios.ts';
import type { Kind, Sim } from './sim.ts';
import { HOUR, MINUTE, START } from './world.ts';

/** Trouble ends here; what follows is time enough for two rotations, their graces and their revocations. */
const CALM_ON = START + 60 * HOUR;
const REST_DAYS = 9;
const FATES: readonly Fate[] = [
  'crash-before',
  'crash-after',
  'drop',
  'drop-late',
  'drop-never',
  'unavailable',
  'refuse',
];

/** Walks the path of a seed; `told` gets the world, for a path that ends in a violation. */
export async function soup(seed: number, told: { sim?: Sim } = {}, kind?: Kind): Promise<Sim> {
  const dice = random(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(dice() * from.length)] as T;
  const trouble = pick([0.002, 0.01, 0.03]);
  const acts = Array.from({ length: Math.floor(dice() * 4) }, () => ({
    on: START + dice() * 56 * HOUR,
    title: pick(Object.keys(people)),
  }));
  const skew = pick([0, 2, 5]);
  let sim: Sim | undefined;
  const director: Director = {
    skewMinutes: (process) => ((process % 3) - 1) * skew,
    fate: (op) => (sim && sim.world.now < CALM_ON && dice() < trouble ? fateFor(op, pick) : 'ok'),
    person: (op) => {
      for (const act of acts.filter(({ on }) => sim && on <= sim.world.now)) {
        acts.splice(acts.indexOf(act), 1);
        if (!sim) return;
        sim.world.personActedAt = op.at;
        sim.world.trace.push(`${op.at} before ${op.name}: ${act.title}`);
        people[act.title]?.(sim);
      }
    },
  };
  const make = pick([oneSecret, twoSecrets]);
  // Whose values cannot be read again has one secret a target.
  sim = kind ? oneSecret(director, { kind }) : make(director);
  told.sim = sim;
  for (let hint = 0; hint < 3; hint++) sim.send(HINT, dice() * 50 * HOUR);
  await sim.settle(START + 60 * HOUR);
  for (let day = 1; day <= REST_DAYS; day++) {
    const on = CALM_ON + day * 24 * HOUR;
    sim.skipTo(on);
    await sim.settle(on + 90 * MINUTE);
  }
  await sim.settle(sim.world.now + 30 * MINUTE, { sweeps: false });
  sim.invariants.atRest(sim.own, { settled: true });
  return sim;
}

/** Reads are only refused or unanswered; a late or applied write needs a write. */
function fateFor(op: Op, pick: <T>(from: readonly T[]) => T): Fate {
  return op.write > 0 ? pick(FATES) : pick(['unavailable', 'refuse', 'crash-before'] as const);
}
