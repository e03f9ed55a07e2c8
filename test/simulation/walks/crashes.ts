/** Workers killed before, right after and under way of any write, once, twice and three times, in every pass of every kind. */
import type { KindName } from '../everyKind.ts';
import { at, type Fault, type Path } from '../path.ts';
import type { ScenarioName } from '../scenarios.ts';
import type { Walked } from '../walk.ts';
import {
  fitting,
  ofEachKind,
  PASSES,
  type Paths,
  quiet,
  range,
  type Thin,
  type Walk,
} from './walk.ts';

const FATES = ['crash-before', 'crash-after'] as const satisfies Fault['fate'][];

const once: Walk = {
  kind: 'storage',
  title: 'one crash before or after any write, in every pass',
  how: 'complete',
  *paths(thin) {
    for (const scenario of PASSES) yield* onceIn(quiet('storage', scenario), thin);
  },
};

/** A crash before a write leaves the world as one after the write before it: both where a write is to vault or target. */
const onceElsewhere = (kind: KindName): Walk => ({
  kind,
  title: 'one crash after any write, and before any to vault or target, in every pass',
  how: 'complete',
  *paths(thin) {
    for (const scenario of fitting(kind, PASSES)) {
      const path = quiet(kind, scenario);
      const { writes, azure } = yield path;
      // Sixty more days of an app registration at rest are walked for one of them in three.
      const all = range(1, writes).filter(
        (write) => kind !== 'app' || write < 90 || write % 3 === 0,
      );
      const points = [
        ...all.map((write) => at('crash-after', write)),
        ...azure.map((write) => at('crash-before', write)),
      ];
      for (const fault of thin(points, 2)) yield { ...path, faults: [fault] };
    }
  },
});

function* onceIn(path: Path, thin: Thin, most = 2): Paths {
  const { writes } = yield path;
  const all = range(1, writes).flatMap((write) => FATES.map((fate) => at(fate, write)));
  for (const fault of thin(all, most)) yield { ...path, faults: [fault] };
}

const onTwo = (kind: KindName, scenario: ScenarioName): Walk => ({
  kind,
  title: `one crash before or after any write, ${scenario === 'two' ? 'two secrets on one target' : 'three secrets'}`,
  how: 'complete',
  *paths(thin) {
    yield* onceIn({ ...quiet(kind, scenario), days: kind === 'app' ? 64 : 5 }, thin, 6);
  },
});

/** The message comes again, and others come, before what was sent lands; it lands within the ten minutes of the design. */
const underWay = (kind: KindName): Walk => ({
  kind,
  title:
    'one crash while a write is under way to vault or target, with messages before it lands, in every pass',
  how: 'complete',
  *paths(thin) {
    for (const scenario of fitting(kind, PASSES)) {
      const path = quiet(kind, scenario);
      const { azure } = yield path;
      const all = azure.flatMap((write) => [2, 9].map((minutes) => [write, minutes] as const));
      for (const [write, minutes] of thin(all, 1)) {
        yield { ...path, faults: [at('crash-late', write, minutes)], doubles: 8 };
        yield { ...path, faults: [at('crash-late', write, minutes)], doubles: 8, seed: write + 1 };
      }
    }
  },
});

/** A crash before a write leaves the world as one after the write before it: the second needs one fate alone. */
const twice: Walk = {
  kind: 'storage',
  title: 'two crashes at any two writes',
  how: 'complete',
  *paths(thin) {
    const path = quiet('storage', 'one');
    const { writes } = yield path;
    for (const first of thin(pairs(range(1, writes), FATES), 8)) {
      const { writes: last } = yield { ...path, faults: [at(...first)] };
      for (const second of thin(range(first[1] + 1, last), 3))
        yield { ...path, faults: [at(...first), at('crash-after', second)] };
    }
  },
};

const pairs = (
  writes: readonly number[],
  fates: typeof FATES,
): readonly (readonly [Fault['fate'], number])[] =>
  writes.flatMap((write) => fates.map((fate) => [fate, write] as const));

const twiceNear = (kind: KindName): Walk => ({
  kind,
  title: 'two crashes: at any write, and at one of the three after it',
  how: 'complete',
  *paths(thin) {
    const path = quiet(kind, 'one');
    const { writes } = yield path;
    for (const first of thin(pairs(range(1, writes), FATES), 2)) {
      yield { ...path, faults: [at(...first)] };
      for (const second of thin(range(first[1] + 1, first[1] + 3), 2))
        yield { ...path, faults: [at(...first), at('crash-after', second)] };
    }
  },
});

const thrice: Walk = {
  kind: 'storage',
  title: 'three crashes around the writes to vault and target',
  how: 'complete',
  *paths(thin) {
    yield* grow(quiet('storage', 'one'), thin);
  },
};

/** Each path tells where the next write lies. */
function* grow(path: Path, thin: Thin): Paths {
  const { azure }: Walked = yield path;
  if (path.faults.length === 3) return;
  const last = path.faults.at(-1)?.number ?? 0;
  const next = pairs(
    azure.filter((write) => write > last),
    FATES,
  );
  for (const fault of thin(next, 2))
    yield* grow({ ...path, faults: [...path.faults, at(...fault)] }, thin);
}

export const crashes: readonly Walk[] = [
  once,
  ...ofEachKind(onceElsewhere, ['two-key', 'app', 'logins', 'one-password', 'admin-password']),
  ...ofEachKind(underWay),
  onTwo('storage', 'two'),
  onTwo('two-key', 'two'),
  onTwo('storage', 'many'),
  onTwo('logins', 'many'),
  twice,
  ...ofEachKind(twiceNear, ['two-key', 'app', 'logins', 'one-password', 'admin-password']),
  thrice,
];
