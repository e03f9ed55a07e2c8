/** One act of a person, right before one call of a path. */
import type { Director } from './director.ts';
import type { Person } from './people.ts';
import { oneSecret, rotateOnce } from './scenarios.ts';
import type { Kind, Sim, Wrap } from './sim.ts';
import { HOUR, START } from './world.ts';

/** A person acts right before the given call; then everything comes to rest. */
export async function meddle(
  person: Person,
  call: number,
  options: { make?: typeof oneSecret; wrap?: Wrap; kind?: Kind } = {},
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
  sim = (options.make ?? oneSecret)(director, options);
  await rotateOnce(sim, { extraDays: 6 });
  sim.invariants.atRest(sim.own, { settled: true });
  return sim;
}

/** The last call after which there is time enough for another rotation, its grace and its revocation. */
export async function lastCall(make: typeof oneSecret): Promise<number> {
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
