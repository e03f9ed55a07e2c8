import { describe, expect, it } from '@jest/globals';
import { report, tally, walk } from './report.ts';
import { soup } from './soup.ts';

const SEEDS = 250;

describe('everything at once', () => {
  it('ends well for every seed', async () => {
    const all = tally();
    for (let seed = 1; seed <= SEEDS; seed++) await walk(all, `npm run simulate -- ${seed}`, () => soup(seed));
    report('soup of seeds', all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });
});
