/** Paths to rules that are rarely taken: what several requests in a row come to. */
import { at, pathOf } from '../path.ts';
import { ofEachKind, range, type Walk } from './walk.ts';

const AGAIN = 'a rotation is requested again, revoke now';
const PLAINLY = 'a rotation is requested, and nothing is set aside';

export const rare: readonly Walk[] = ofEachKind((kind) => ({
  kind,
  title: 'requests in a row, and looks right after a rotation that failed',
  how: 'seeded',
  *paths(thin) {
    for (const step of thin([40, 60, 80], 1)) {
      const calls = range(step, 5 * step, step);
      yield pathOf({
        kind,
        acts: calls.map((call) => ({ person: AGAIN, call })),
        hourly: true,
        days: 9,
      });
    }
    for (const call of thin(range(100, 160, 20), 2))
      yield pathOf({ kind, scenario: 'new', acts: [{ person: PLAINLY, call }], days: 6 });
    const path = pathOf({ kind, days: kind === 'app' ? 64 : 3 });
    const { azure } = yield path;
    for (const write of thin(azure.slice(0, 4), 4))
      yield { ...path, faults: [at('unavailable', write)], doubles: 20 };
  },
}));
