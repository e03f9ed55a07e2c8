/** A walk: a list of paths with a title, in a whole form that CI walks and a short one for every run of the tests. */
import { everyKind, type KindName, kindNames } from '../everyKind.ts';
import { type Path, pathOf } from '../path.ts';
import { type ScenarioName, scenarios } from '../scenarios.ts';
import type { Walked } from '../walk.ts';

/** 'complete': all that the title says. 'pairwise': each two values of what varies meet in some path. 'seeded': by dice, from seed 1 on. */
export type How = 'complete' | 'pairwise' | 'seeded';

/** All of a list in the whole form; in the short one `most` of them, evenly spread and not the same ones in every walk. */
export type Thin = <T>(list: readonly T[], most: number) => readonly T[];

/** Paths one after the other; what came of each is handed back, since it tells where the next ones lie. */
export type Paths = Generator<Path, void, Walked>;

export interface Walk {
  readonly kind: KindName | 'every kind';
  readonly title: string;
  readonly how: How;
  paths(thin: Thin): Paths;
  /** What must hold beside the invariants: what does not, in words. */
  check?(walked: Walked): string | undefined;
}

/** From the first to the last, in steps. */
export const range = (first: number, last: number, step = 1): readonly number[] =>
  Array.from(
    { length: Math.max(0, Math.floor((last - first) / step) + 1) },
    (_, at) => first + at * step,
  );

/** Where a pass is under test, by the word for its scenario. Each begins with that pass. */
export const PASSES = [
  ...([
    'one',
    'new',
    'join',
    'heal',
    'prove',
    'restore',
    'hold',
    'move',
    'burnt',
    'revoke',
    'leaving',
  ] as const),
] satisfies readonly ScenarioName[];

/** Scenarios that the kind can be in. */
export const fitting = <S extends ScenarioName>(
  kind: KindName,
  names: readonly S[],
): readonly S[] => names.filter((name) => scenarios[name].fits?.(everyKind[kind]) ?? true);

/** A walk for each kind. */
export const ofEachKind = (
  walk: (kind: KindName) => Walk,
  kinds: readonly KindName[] = kindNames,
): readonly Walk[] => kinds.map(walk);

/** Days after which what a killed pass left behind is gone: where many fit, with the next rotation, sixty days later. */
export const restDays = (kind: KindName, scenario: ScenarioName = 'one'): number => {
  const more =
    scenario === 'one' || scenario === 'new' || scenario === 'join' || scenario === 'burnt' ? 0 : 1;
  return everyKind[kind].overlap === 'many' ? 64 : 2 + more;
};

/** The path in which nothing goes wrong. */
export const quiet = (
  kind: KindName,
  scenario: ScenarioName,
  days = restDays(kind, scenario),
): Path => pathOf({ kind, scenario, days });
