import { describe, expect, it } from '@jest/globals';
import { at, type Fate, nothingWrong } from './director.ts';
import { storage } from './kinds.ts';
import { naive } from './naive.ts';
import { others } from './otherKinds.ts';
import { report, tally, walk } from './report.ts';
import { rotated } from './scenarios.ts';

describe('the naive protocol: create, store, revoke at once', () => {
  it.each([storage, ...others])(
    'breaks in this world without any fault, and at every crash: the world is strict enough to tell ($type)',
    async (kind) => {
      const all = tally();
      await walk(all, 'nothing goes wrong', () => rotated(nothingWrong, { run: naive, kind }));
      for (let write = 1; write <= 12; write++) {
        for (const fate of ['crash-before', 'crash-after', 'drop'] satisfies Fate[]) {
          await walk(all, `${fate} of write ${write}`, () =>
            rotated(at(new Map([[write, fate]])), { run: naive, kind }),
          );
        }
      }
      report(`the naive protocol beside ${kind.type}`, all);
      // The old credential goes too soon; or, where a new secret takes a while to be known, nobody waited for it.
      expect(all.failures[0]).toMatch(
        kind.overlap === 'two-slots' ? /Invariant 2/ : /Invariant [16]/,
      );
      expect(all.failures).toHaveLength(all.paths);
    },
  );
});
