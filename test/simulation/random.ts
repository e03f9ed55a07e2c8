/** A path by the dice of a seed: any kind, scenario and configuration that fit, and whatever may go wrong or be done beside. */
import { configurations } from './configurations.ts';
import { type Fate, random } from './director.ts';
import { everyKind, kindNames } from './everyKind.ts';
import { type Act, CLOCKS, type Fault, type Path, pathOf } from './path.ts';
import { people } from './people.ts';
import { scenarios } from './scenarios.ts';

type Choose = <T>(from: readonly T[]) => T;

/** What a seed decides unless it is said. */
export type Said = Partial<Pick<Path, 'kind' | 'scenario' | 'configuration'>>;

const names = <T extends object>(table: T): readonly (keyof T)[] =>
  Object.keys(table) as (keyof T)[];

export const fits = ({
  kind,
  scenario,
  configuration,
}: Pick<Path, 'kind' | 'scenario' | 'configuration'>): boolean =>
  (scenarios[scenario].fits?.(everyKind[kind]) ?? true) &&
  (configurations[configuration].fits?.(everyKind[kind]) ?? true);

/** The same for the same seed and words, for ever: nothing but the seed decides. */
export function randomPath(seed: number, said: Said = {}): Path {
  const dice = random(seed);
  const pick: Choose = (from) => from[Math.floor(dice() * from.length)] as (typeof from)[number];
  for (;;) {
    const kind = said.kind ?? pick(kindNames);
    const scenario = said.scenario ?? pick(names(scenarios));
    // Half of the paths are of an instance as it is installed.
    const usual = dice() < 0.5 ? 'run' : pick(names(configurations));
    const configuration = said.configuration ?? usual;
    const chosen = { kind, scenario, configuration };
    if (scenario === 'teams') return pathOf({ kind, scenario, seed });
    if (fits(chosen)) return pathOf({ ...chosen, ...troubleOf(chosen, dice, pick), seed });
    if (said.kind && said.scenario && said.configuration)
      throw new Error('These do not go together.');
  }
}

/** Faults, acts, clocks and messages. Calls of a path are some hundreds; what lies behind its end does not happen. */
function troubleOf(
  { configuration, scenario }: Said,
  dice: () => number,
  pick: Choose,
): Partial<Path> {
  const hourly = dice() < 0.6;
  const calls = hourly ? 900 : 260;
  const call = () => 1 + Math.floor(dice() ** 1.5 * calls);
  const many = pick([0, 0, 1, 2, 3, 6, 12]);
  const faults = Array.from({ length: many }, () => faultOf(call(), pick, dice));
  // Nobody acts where what they break would not be healed.
  const meddles = configuration !== undefined && configurations[configuration].heals !== false;
  const acts = Array.from({ length: meddles ? pick([0, 0, 1, 1, 2, 3]) : 0 }, (): Act => {
    const secret = 1 + Math.floor(dice() * (scenario ? scenarios[scenario].secrets : 1));
    return { person: pick(Object.keys(people)), call: call(), ...(secret > 1 ? { secret } : {}) };
  });
  const passes = pick([0, 0, 0, 2, 3] as const);
  const freeze =
    dice() < 0.1 ? { freeze: { call: call(), minutes: pick([2, 5, 12, 40, 300]) } } : {};
  return {
    ...{ faults: unique(faults), acts, hourly, passes, days: hourly ? 9 : 6, clocks: pick(CLOCKS) },
    doubles: pick([0, 0, 3, 8, 20]),
    ...(passes > 0 && dice() < 0.7 ? { order: 'dice' as const } : {}),
    ...freeze,
  };
}

const FATES: readonly Exclude<Fate, 'ok'>[] = [
  ...([
    'crash-before',
    'crash-after',
    'crash-late',
    'drop',
    'drop-late',
    'drop-never',
    'unavailable',
    'refuse',
  ] as const),
];

function faultOf(number: number, pick: Choose, dice: () => number): Fault {
  const fate = pick(FATES);
  const late =
    fate.endsWith('-late') && dice() < 0.3 ? { minutes: pick([1, 5, 9, 12, 40, 600]) } : {};
  return { fate, on: 'call', number, ...late };
}

const unique = (faults: readonly Fault[]): readonly Fault[] =>
  faults.filter((fault, at) => faults.findIndex(({ number }) => number === fault.number) === at);
