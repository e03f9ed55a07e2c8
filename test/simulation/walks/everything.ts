/** Everything at once, by the dice of seeds: whatever fits together. */
import { everyKind, type KindName, kindNames } from '../everyKind.ts';
import { pathOf } from '../path.ts';
import { randomPath } from '../random.ts';
import { kindOfSeed } from '../teams.ts';
import { ofEachKind, range, type Walk } from './walk.ts';

/** Seeds from here on are walked by nobody else: `--seeds` and `--hours` begin beyond them. */
export const COMMITTED_SEEDS = 100_000;

const ofKind = (kind: KindName): Walk => ({
  kind,
  title:
    'everything at once: any scenario and configuration, faults, people, clocks, orders, frozen workers and doubled messages',
  how: 'seeded',
  *paths(thin) {
    for (const seed of thin(
      range(1, kind === 'storage' ? 300 : 100),
      kind === 'storage' ? 20 : 5,
    )) {
      const path = randomPath(seed, { kind });
      if (path.scenario !== 'teams') yield path;
    }
  },
});

/** As the seed says, and of each kind. */
const teams = (kind: KindName): Walk => ({
  kind,
  title: 'ATK-04, ATK-05, ATK-09: two teams, one of them hostile',
  how: 'seeded',
  *paths(thin) {
    const own = range(1, 40).filter((seed) => kindOfSeed(seed) === everyKind[kind]);
    for (const seed of thin([...own, ...range(41, 44)], kind === 'storage' ? 2 : 1))
      yield pathOf({ kind, scenario: 'teams', seed });
  },
});

/** New seeds over all kinds, configurations and scenarios. */
export const newSeeds = (from: number, count: number): readonly Walk[] =>
  range(0, Math.ceil(count / 250) - 1).map((chunk) => ({
    kind: 'every kind',
    title: `new seeds ${from + chunk * 250} to ${Math.min(from + count, from + (chunk + 1) * 250) - 1}`,
    how: 'seeded',
    *paths() {
      for (
        let seed = from + chunk * 250;
        seed < Math.min(from + count, from + (chunk + 1) * 250);
        seed += 1
      )
        yield randomPath(seed);
    },
  }));

export const everything: readonly Walk[] = [...ofEachKind(ofKind), ...ofEachKind(teams, kindNames)];
