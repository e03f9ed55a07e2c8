/** The stories that every fault is let loose on, and what must be true at their end. */
import type { Director } from './director.ts';
import { storage } from './kinds.ts';
import { type Kind, type Run, Sim, type Wrap } from './sim.ts';
import { HOUR, MINUTE, START } from './world.ts';

export interface Options {
  readonly kind?: Kind;
  readonly wrap?: Wrap;
  readonly run?: Run;
}

export const HINT = { vault: 'kv1', name: 'st-a', cause: 'event' } as const;

export function oneSecret(director: Director, options: Options = {}): Sim {
  const sim = new Sim(options.kind ?? storage, director, options);
  sim.secret('kv1', 'st-a', 'acct1', sim.kind.slots[0] as string);
  return sim;
}

/** Two secrets with one value, in two vaults: the second one joins. */
export function twoSecrets(director: Director, options: Options = {}): Sim {
  const sim = oneSecret(director, options);
  sim.world.unfencedCalls = 7;
  sim.secret('kv2', 'st-b', 'acct1', 'key1', { ageDays: 59.9 });
  return sim;
}

/** Due, rotated, proved, revoked: an event first, then the sweeps of the hours in which something is to happen. */
export async function rotateOnce(sim: Sim, options: { extraDays?: number } = {}): Promise<void> {
  sim.send(HINT, 30 * MINUTE);
  await sim.settle(START + 90 * MINUTE);
  for (const hours of [25, 49, ...Array.from({ length: options.extraDays ?? 1 }, (_, day) => 73 + 24 * day)]) {
    sim.skipTo(START + hours * HOUR);
    await sim.settle(START + hours * HOUR + 50 * MINUTE);
  }
  await sim.settle(sim.world.now + 30 * MINUTE, { sweeps: false });
}

/** Runs a story under a director and answers what broke, or undefined. */
export async function broken(story: () => Promise<void>): Promise<string | undefined> {
  try {
    await story();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export async function rotated(
  director: Director,
  options: Options & { make?: typeof oneSecret; newVersions?: number; extraDays?: number } = {},
): Promise<Sim> {
  const sim = (options.make ?? oneSecret)(director, options);
  await rotateOnce(sim, options);
  const expected = options.newVersions ?? 1;
  sim.invariants.atRest(sim.own, {
    settled: true,
    alone: true,
    newVersions: new Map(sim.invariants.watched.map(({ vault, name }) => [`${vault}/${name}`, expected])),
  });
  return sim;
}
