/** Answers that are lost, late, busy or refusals, at any write and any call, and what follows to its rest. */
import type { KindName } from '../everyKind.ts';
import { at, atCall, type Fault } from '../path.ts';
import { fitting, ofEachKind, PASSES, quiet, range, type Walk } from './walk.ts';

const LOST = ['drop', 'drop-late', 'drop-never', 'unavailable'] as const satisfies Fault['fate'][];
const TWICE = ['drop', 'drop-late', 'unavailable'] as const satisfies Fault['fate'][];
const NO = ['refuse', 'unavailable'] as const satisfies Fault['fate'][];

const days = (kind: KindName): number => (kind === 'app' ? 64 : 4);

const lost = (kind: KindName): Walk => ({
  kind,
  title: 'the answer to any one write is lost, late or busy',
  how: 'complete',
  *paths(thin) {
    const path = quiet(kind, 'one', days(kind));
    const { writes } = yield path;
    const all = range(1, writes).flatMap((write) => LOST.map((fate) => at(fate, write)));
    for (const fault of thin(all, 6)) yield { ...path, faults: [fault] };
  },
});

const lostInPasses = (kind: KindName): Walk => ({
  kind,
  title:
    'the answer to any one write to vault or target is lost, late, busy or a refusal, in every pass',
  how: 'complete',
  *paths(thin) {
    for (const scenario of fitting(kind, PASSES)) {
      const path = quiet(kind, scenario, days(kind));
      const { azure } = yield path;
      const all = azure.flatMap((write) =>
        [...LOST, 'refuse' as const].map((fate) => at(fate, write)),
      );
      for (const fault of thin(all, 1)) yield { ...path, faults: [fault] };
    }
  },
});

const lostOnTwo = (kind: KindName): Walk => ({
  kind,
  title: 'the answer to any one write is lost, late or busy, two secrets on one target',
  how: 'complete',
  *paths(thin) {
    const path = quiet(kind, 'two', kind === 'app' ? 64 : 6);
    const { writes } = yield path;
    const all = range(1, writes).flatMap((write) => TWICE.map((fate) => at(fate, write)));
    for (const fault of thin(all, 5)) yield { ...path, faults: [fault] };
  },
});

const lostTwice = (kind: KindName): Walk => ({
  kind,
  title: 'the answers to any two writes to vault and target are lost, late or busy',
  how: 'complete',
  *paths(thin) {
    const path = quiet(kind, 'one', kind === 'app' ? 64 : 3);
    const { azure } = yield path;
    for (const first of thin(
      azure.flatMap((write) => TWICE.map((fate) => at(fate, write))),
      2,
    )) {
      const { azure: later } = yield { ...path, faults: [first] };
      const seconds = later.filter((write) => write > first.number);
      for (const second of thin(
        seconds.flatMap((write) => TWICE.map((fate) => at(fate, write))),
        2,
      ))
        yield { ...path, faults: [first, second] };
    }
  },
});

const refused = (kind: KindName): Walk => ({
  kind,
  title: 'any one call is refused or answered busy',
  how: 'complete',
  *paths(thin) {
    const path = quiet(kind, 'one', days(kind));
    const { calls } = yield path;
    const all = range(1, Math.min(calls, 400)).flatMap((call) =>
      NO.map((fate) => atCall(fate, call)),
    );
    for (const fault of thin(all, 6)) yield { ...path, faults: [fault] };
  },
});

/** A pass makes some sixty calls. */
const refusedInPasses = (kind: KindName): Walk => ({
  kind,
  title: 'every second one of the first sixty calls is refused, in every pass',
  how: 'complete',
  *paths(thin) {
    for (const scenario of fitting(kind, PASSES).filter((each) => each !== 'one')) {
      const path = quiet(kind, scenario, days(kind));
      yield path;
      for (const call of thin(range(1, 60, 2), 1))
        yield { ...path, faults: [atCall('refuse', call)] };
    }
  },
});

export const answers: readonly Walk[] = [
  ...ofEachKind(lost),
  ...ofEachKind(lostInPasses),
  ...ofEachKind(lostOnTwo, ['storage', 'two-key']),
  ...ofEachKind(lostTwice),
  ...ofEachKind(refused),
  ...ofEachKind(refusedInPasses),
];
