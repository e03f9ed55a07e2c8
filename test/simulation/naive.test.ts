import { describe, expect, it } from '@jest/globals';
import { at, type Fate, nothingWrong } from './director.ts';
import { naive } from './naive.ts';
import { report, tally, walk } from './report.ts';
import { rotated } from './scenarios.ts';

describe('the naive protocol: create, store, revoke at once', () => {
  it('breaks in this world without any fault, and at every crash: the world is strict enough to tell', async () => {
    const all = tally();
    await walk(all, 'nothing goes wrong', () => rotated(nothingWrong, { run: naive }));
    for (let write = 1; write <= 12; write++) {
      for (const fate of ['crash-before', 'crash-after', 'drop'] satisfies Fate[]) {
        await walk(all, `${fate} of write ${write}`, () => rotated(at(new Map([[write, fate]])), { run: naive }));
      }
    }
    report('the naive protocol beside it', all);
    expect(all.failures[0]).toContain('Invariant 2');
    expect(all.failures).toHaveLength(all.paths);
  });
});
