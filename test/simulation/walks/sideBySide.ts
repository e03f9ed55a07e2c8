/** Two and three passes at once, switched at every call or by dice, their clocks apart; and workers that stand still. */

import { random } from '../director.ts';
import { everyKind, type KindName } from '../everyKind.ts';
import { type Clocks, pathOf } from '../path.ts';
import { type ScenarioName, scenarios } from '../scenarios.ts';
import { fitting, ofEachKind, PASSES, range, type Walk } from './walk.ts';

/** Beside a pass that rotates; what a second one leaves where many fit goes with the next rotation. */
const days = (kind: KindName): number => (kind === 'app' ? 64 : 3);
const THREE = ['agree', 'ahead', 'behind'] as const satisfies Clocks[];

const switched: Walk = {
  kind: 'storage',
  title:
    'two passes over one secret, switched at every pair of calls, clocks agreeing and five minutes apart both ways',
  how: 'complete',
  *paths(thin) {
    for (const clocks of THREE)
      for (const first of thin(range(0, 59), 5))
        for (const second of thin(range(0, 11), 3))
          yield pathOf({ kind: 'storage', clocks, passes: 2, order: { first, second } });
  },
};

/** The clocks take turns, so that each of them meets each place of the first switch and of the second. */
const switchedElsewhere = (kind: KindName): Walk => ({
  kind,
  title:
    'two passes over one secret, switched at every pair of calls, each place with each setting of the clocks',
  how: 'pairwise',
  *paths(thin) {
    for (const first of thin(range(0, 59), 3))
      for (const second of thin(range(0, 11), 2)) {
        const clocks = THREE[(first + second) % 3] as Clocks;
        yield pathOf({ kind, clocks, passes: 2, order: { first, second }, days: days(kind) });
      }
  },
});

const inPasses = (kind: KindName): Walk => ({
  kind,
  title:
    'two passes switched at every call of the first, and three in the order of dice, in every pass',
  how: 'pairwise',
  *paths(thin) {
    for (const scenario of fitting(kind, PASSES).filter((each) => each !== 'one')) {
      for (const first of thin(range(0, 59), 1)) {
        const clocks = THREE[first % 3] as Clocks;
        const order = { first, second: [3, 12, 30, 60][first % 4] as number };
        yield pathOf({ kind, scenario, clocks, passes: 2, order, days: days(kind) });
      }
      for (const seed of thin(range(1, 12), 1))
        yield pathOf({
          kind,
          scenario,
          clocks: 'apart',
          passes: 3,
          order: 'dice',
          seed,
          days: days(kind),
        });
    }
  },
});

const onOneTarget = (kind: KindName, scenario: ScenarioName, seeds: number): Walk => ({
  kind,
  title: `two and three passes over ${scenario === 'two' ? 'two secrets on one target' : scenarios[scenario].title}, in the order of dice`,
  how: 'seeded',
  *paths(thin) {
    for (const seed of thin(range(1, seeds), 6)) {
      const passes = random(seed)() < 0.5 ? 3 : 2;
      yield pathOf({
        kind,
        scenario,
        seed,
        passes,
        order: 'dice',
        clocks: 'apart',
        days: days(kind),
      });
    }
  },
});

const frozen = (kind: KindName): Walk => ({
  kind,
  title:
    'a pass that stands still for 2, 12 or 40 minutes while another goes on: before any call of a rotation, before every second of the other passes (of an app registration every sixth)',
  how: 'complete',
  *paths(thin) {
    for (const scenario of fitting(kind, PASSES)) {
      const calls = scenario === 'one' ? range(1, 60) : range(1, 45, kind === 'app' ? 6 : 2);
      for (const call of thin(calls, scenario === 'one' ? 4 : 1))
        for (const minutes of thin([2, 12, 40], 1))
          yield pathOf({
            ...{ kind, scenario, passes: 2, freeze: { call, minutes } },
            days: everyKind[kind].overlap === 'many' ? 68 : 4,
          });
    }
  },
});

/** Each path has messages at other times, and another worker looks at each. */
const doubles = (kind: KindName): Walk => ({
  kind,
  title: 'twenty doubled and stale messages, at times and in an order of their own for each seed',
  how: 'seeded',
  *paths(thin) {
    for (const seed of thin(range(1, 50), 3)) {
      const passes = ([0, 2, 3] as const)[seed % 3] as 0 | 2 | 3;
      yield pathOf({
        kind,
        seed,
        doubles: 20,
        passes,
        ...(passes > 0 ? { order: 'dice' } : {}),
        days: days(kind),
      });
    }
  },
});

export const sideBySide: readonly Walk[] = [
  switched,
  ...ofEachKind(switchedElsewhere, ['two-key', 'app', 'logins', 'one-password', 'admin-password']),
  ...ofEachKind(inPasses),
  onOneTarget('storage', 'two', 400),
  onOneTarget('storage', 'many', 200),
  onOneTarget('two-key', 'two', 100),
  onOneTarget('app', 'two', 100),
  onOneTarget('logins', 'many', 100),
  ...ofEachKind(frozen),
  ...ofEachKind(doubles),
];
