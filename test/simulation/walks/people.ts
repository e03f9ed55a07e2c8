/** What people and their tools do, right before any call: to any secret, under any configuration, beside any pass. */
import { type ConfigurationName, configurations } from '../configurations.ts';
import { everyKind, type KindName } from '../everyKind.ts';
import { pathOf } from '../path.ts';
import { people as everyone } from '../people.ts';
import type { ScenarioName } from '../scenarios.ts';
import { fitting, ofEachKind, PASSES, range, type Walk } from './walk.ts';

const persons = Object.keys(everyone);
/** Their secret in turn, so that each person acts on each of them. */
const whose = (at: number, secrets: number) =>
  at % secrets === 0 ? {} : { secret: 1 + (at % secrets) };

interface Where {
  readonly scenario: ScenarioName;
  readonly secrets: number;
  /** Before every so many calls. */
  readonly step: number;
  readonly title: string;
}

const before = (kind: KindName, { scenario, secrets, step, title }: Where): readonly Walk[] =>
  persons.map((person, index) => ({
    kind,
    title: `${person}, ${title}`,
    how: step === 1 ? 'complete' : 'seeded',
    *paths(thin) {
      const path = pathOf({ kind, scenario, days: 6 });
      const { lastCall } = yield path;
      const calls = range(1 + (index % step), lastCall, step);
      for (const call of thin(calls, kind === 'storage' && scenario === 'one' ? 3 : 1))
        yield { ...path, acts: [{ person, call, ...whose(call + index, secrets) }] };
    },
  }));

const inPasses = (kind: KindName): Walk => ({
  kind,
  title: 'each person before a call of the first pass, every twenty-fourth, in every pass',
  how: 'pairwise',
  *paths(thin) {
    for (const scenario of fitting(kind, PASSES).filter((each) => each !== 'one'))
      for (const [at, person] of thin([...persons.entries()], 1))
        for (const call of thin(range(1 + ((at * 5) % 24), 60, 24), 1))
          yield pathOf({ kind, scenario, acts: [{ person, call }], days: 6 });
  },
});

const underConfigurations = (kind: KindName): Walk => ({
  kind,
  title: 'each person under each configuration that heals, before a call of theirs',
  how: 'pairwise',
  *paths(thin) {
    const names = Object.keys(configurations) as ConfigurationName[];
    const all = names.filter((name) => {
      const { heals = true, fits } = configurations[name];
      return heals && (fits?.(everyKind[kind]) ?? true);
    });
    for (const [at, configuration] of all.entries())
      for (const [index, person] of thin([...persons.entries()], 1))
        for (const call of thin(
          [1 + ((index * 7 + at * 13) % 110), 110 + ((index * 11 + at * 5) % 110)],
          1,
        ))
          yield pathOf({ kind, configuration, acts: [{ person, call }], days: 6 });
  },
});

const one = (step: number): Where => ({
  ...{ scenario: 'one', secrets: 1, step },
  title: `before ${step === 1 ? 'any call' : `one call in ${step}`}`,
});
const shared = (step: number): Where => ({
  ...{ scenario: 'two', secrets: 2, step },
  title: `before one call in ${step}, with either of two secrets on one target`,
});

export const people: readonly Walk[] = [
  ...before('storage', one(1)),
  ...before('storage', shared(6)),
  ...(['two-key', 'app', 'logins', 'one-password', 'admin-password'] as const).flatMap((kind) =>
    before(kind, one(6)),
  ),
  ...before('two-key', shared(16)),
  ...before('app', shared(16)),
  ...ofEachKind(inPasses),
  ...ofEachKind(underConfigurations),
];
