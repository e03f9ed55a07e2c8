/** The stories that every fault is let loose on, and what must be true at their end. */
import type { Director } from './director.ts';
import { storage } from './kinds.ts';
import { FIRST_SECRET, people, type Whose } from './people.ts';
import { type Kind, type Run, Sim, type Wrap } from './sim.ts';
import { HOUR, MINUTE, START } from './world.ts';

export interface Options {
  readonly kind?: Kind;
  readonly wrap?: Wrap;
  readonly run?: Run;
  /** Somebody is told. */
  readonly notices?: true;
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
  for (const hours of [
    25,
    49,
    ...Array.from({ length: options.extraDays ?? 1 }, (_, day) => 73 + 24 * day),
  ]) {
    sim.skipTo(START + hours * HOUR);
    await sim.settle(START + hours * HOUR + 50 * MINUTE);
  }
  await sim.settle(sim.world.now + 30 * MINUTE, { sweeps: false });
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
    newVersions: new Map(
      sim.invariants.watched.map(({ vault, name }) => [`${vault}/${name}`, expected]),
    ),
  });
  return sim;
}

const SECOND: Whose = { vault: 'kv2', name: 'st-b', account: 'acct1' };

/** Where a path begins: whose secrets there are, and what has happened before its first call. */
export interface Scenario {
  readonly title: string;
  /** How many secrets people can act on. */
  readonly secrets: 1 | 2 | 3;
  fits?(kind: Kind): boolean;
  /** In the order of their numbers. */
  make(sim: Sim): readonly Whose[];
  /** Until the pass that the scenario is about is the next one. */
  prepare?(sim: Sim): Promise<void>;
  /** Values that Keyturn makes for each secret, from the beginning on, where no person acts; undefined: that depends. */
  makes(kind: Kind): number | undefined;
  /** A person has acted in the preparation. */
  readonly meddled?: true;
  /** What the first secret holds opens nothing. */
  readonly broken?: true;
  /** The secret whose look comes first, where it is not the first one. */
  readonly looks?: 2;
}

const once = (): number => 1;
/** Whether two secrets on one target can both go on: one joins the other, or each has its own. */
const shares = ({ overlap, joins = overlap === 'two-slots' }: Kind): boolean =>
  overlap === 'many' || joins;

function due(sim: Sim, whose: Whose = FIRST_SECRET, ageDays = 61): Whose {
  sim.secret(whose.vault, whose.name, whose.account, sim.kind.slots[0] as string, { ageDays });
  return whose;
}

const one = (sim: Sim): readonly Whose[] => [due(sim)];

function two(sim: Sim): readonly Whose[] {
  sim.world.unfencedCalls = Math.max(sim.kind.unfenced ?? 1, 7);
  return [due(sim), due(sim, SECOND, 59.9)];
}

function many(sim: Sim): readonly Whose[] {
  sim.world.unfencedCalls = Math.max(sim.kind.unfenced ?? 1, 7);
  const third = { ...SECOND, account: shares(sim.kind) ? 'acct1' : 'acct3' };
  return [
    due(sim),
    due(sim, { vault: 'kv1', name: 'st-c', account: 'acct2' }),
    due(sim, third, 60.1),
  ];
}

/** Rotated by an event's look, without the proof. */
async function stored(sim: Sim): Promise<void> {
  await indexed(sim);
  sim.send(HINT);
  for (let turn = 0; turn < 20 && sim.world.versions('kv1', 'st-a').length < 2; turn += 1) {
    const message = sim.nextMessage();
    if (!message) return;
    sim.world.now = Math.max(sim.world.now, message.visibleOn);
    await sim.deliver(message);
  }
}

async function proved(sim: Sim): Promise<void> {
  sim.send(HINT, 30 * MINUTE);
  await sim.settle(START + 90 * MINUTE);
}

/** The next look finds the grace over. */
async function overdue(sim: Sim): Promise<void> {
  sim.skipTo(START + 49 * HOUR);
  await sim.settle(START + 49 * HOUR - 1);
  await indexed(sim);
}

/** A sweep has listed everything, and what it queued is done with. */
export async function indexed(sim: Sim): Promise<void> {
  await sim.sweepNow();
  sim.own.messages.length = 0;
}

const acts =
  (title: keyof typeof people & string, first: (sim: Sim) => Promise<void> = proved) =>
  async (sim: Sim): Promise<void> => {
    await first(sim);
    people[title]?.(sim);
    sim.invariants.afterCall();
  };

async function brokenByHand(sim: Sim): Promise<void> {
  await proved(sim);
  await indexed(sim);
  people[
    sim.kind.overlap === 'none' ? 'key1 is regenerated by hand' : 'key2 is regenerated by hand'
  ]?.(sim);
  sim.invariants.afterCall();
}

export const scenarios = {
  one: { title: 'one secret that is due', secrets: 1, make: one, makes: once },
  two: {
    title: 'two secrets on one target, with one value',
    secrets: 2,
    make: two,
    makes: (kind) => (shares(kind) ? 1 : kind.overlap === 'none' ? 0 : undefined),
  },
  many: {
    title: 'three secrets, of which two share a target where they can',
    secrets: 3,
    make: many,
    makes: once,
  },
  new: {
    title: 'a secret that holds the placeholder',
    secrets: 1,
    make(sim) {
      const { vault, name, account } = FIRST_SECRET;
      const slot = sim.kind.slots[0] as string;
      const value = sim.kind.stored(slot, 'keyturn:new');
      sim.secret(vault, name, account, slot, { value, ageDays: 0 });
      return [FIRST_SECRET];
    },
    makes: once,
  },
  join: {
    title: 'the second of two secrets is due, and the first has been rotated',
    secrets: 2,
    fits: shares,
    make: two,
    async prepare(sim) {
      await proved(sim);
      sim.skipTo(START + 3 * HOUR);
      await sim.settle(START + 3 * HOUR - 1);
      await indexed(sim);
    },
    makes: once,
    looks: 2,
  },
  prove: {
    title: 'the value is stored and not proved',
    secrets: 1,
    make: one,
    prepare: stored,
    makes: once,
  },
  revoke: {
    title: 'the grace of what is owed is over',
    secrets: 1,
    make: one,
    async prepare(sim) {
      await proved(sim);
      await overdue(sim);
    },
    makes: once,
  },
  heal: {
    title: 'somebody has broken the value by hand',
    secrets: 1,
    make: one,
    prepare: brokenByHand,
    makes: () => 2,
    meddled: true,
    broken: true,
  },
  restore: {
    title: 'an apply has replaced the tags',
    secrets: 1,
    make: one,
    prepare: acts('an apply replaces all tags'),
    makes: once,
    meddled: true,
  },
  hold: {
    title: 'a person puts a hold on the secret',
    secrets: 1,
    make: one,
    prepare: acts('a hold stands until it is over'),
    makes: once,
  },
  move: {
    title: 'a person moves the end of the grace',
    secrets: 1,
    make: one,
    prepare: acts('the grace is moved'),
    makes: once,
  },
  burnt: {
    title: 'a person asks for a rotation and for the end of the old value at once',
    secrets: 1,
    make: one,
    prepare: acts('a rotation is requested, revoke now', async () => {}),
    makes: once,
    meddled: true,
  },
  leaving: {
    title: 'the secret was opted out, and the grace of what it owes is over',
    secrets: 1,
    make: one,
    async prepare(sim) {
      await acts('the tag rotator says none')(sim);
      await overdue(sim);
    },
    makes: once,
    meddled: true,
  },
  teams: {
    title: 'two teams, one of them hostile',
    secrets: 1,
    make: () => [],
    makes: () => undefined,
  },
} as const satisfies Record<string, Scenario> as Readonly<Record<ScenarioName, Scenario>>;

export type ScenarioName =
  | 'one'
  | 'two'
  | 'many'
  | 'new'
  | 'join'
  | 'prove'
  | 'revoke'
  | 'heal'
  | 'restore'
  | 'hold'
  | 'move'
  | 'burnt'
  | 'leaving'
  | 'teams';
