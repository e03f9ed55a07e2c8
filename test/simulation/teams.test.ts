import { describe, expect, it } from '@jest/globals';
import { noBug, teamBugs } from './bugs.ts';
import { tally, walk } from './report.ts';
import { teams } from './teams.ts';

/** `npm run simulate -- teams 1 2000` walks as many as one likes; `walks/everything.ts` has those that are walked always. */
const SEEDS = 40;
/** Within so many seeds a planted bug has to be found. */
const BUG_SEEDS = 120;

describe('two teams, one of them hostile', () => {
  it('finds nothing where ports are wrapped and nothing is planted', async () => {
    const all = tally();
    for (let seed = 1; seed <= SEEDS / 4; seed++)
      await walk(all, `seed ${seed}`, () => teams(seed, {}, { wrap: noBug }));
    expect(all.failures).toEqual([]);
  });

  it.each(Object.entries(teamBugs))('planted, %s: is found', async (title, wrap) => {
    const all = tally();
    for (let seed = 1; seed <= BUG_SEEDS && all.failures.length === 0; seed++)
      await walk(all, `seed ${seed}`, () => teams(seed, {}, { wrap }));
    process.stdout.write(`simulation: planted bug, ${title}: ${all.failures[0] ?? 'not found'}\n`);
    expect(all.failures[0]).toMatch(/Invariant (7|9|10)|URI malformed/);
  });
});
