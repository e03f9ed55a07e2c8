/** Whatever worker dies when, and whatever the queue of notices does: all that was done is told, under one id each, and nothing else suffers. */
import { expect, it } from '@jest/globals';
import { at, type Director, type Fate, nothingWrong } from './director.ts';
import { replay, report, tally, walk } from './report.ts';
import { rotated } from './scenarios.ts';
import type { Sim } from './sim.ts';

const notices = true as const;

/** What nobody was told of, and what was told of more than once as if it were several. */
function gaps(sim: Sim): string[] {
  return ['rotated', 'proved', 'revoked'].flatMap((type) => {
    const ids = new Set(
      sim.own.notices.filter((notice) => notice.type === type).map(({ id }) => id),
    );
    return ids.size === 1 ? [] : [`${type}: ${ids.size} ids`];
  });
}

it('tells each step once where nothing goes wrong', async () => {
  const sim = await rotated(nothingWrong, { notices });
  expect(sim.own.notices.map(({ type }) => type)).toEqual(['rotated', 'proved', 'revoked']);
});

it.each(['crash-before', 'crash-after'] as const satisfies Fate[])(
  'misses nothing after a %s at any write',
  async (fate) => {
    const { writes } = (await rotated(nothingWrong, { notices })).world;
    const all = tally();
    for (let write = 1; write <= writes; write++) {
      await walk(all, replay([[write, fate]]), async () => {
        const sim = await rotated(at(new Map([[write, fate]])), { extraDays: 2, notices });
        const missing = gaps(sim);
        if (missing.length > 0) throw new Error(missing.join('; '));
        return sim;
      });
    }
    report(`notices, ${fate}`, all);
    expect(all.failures).toEqual([]);
  },
);

it.each(['unavailable', 'drop', 'drop-never', 'refuse'] as const satisfies Fate[])(
  'a queue that is always %s keeps nothing from its end',
  async (fate) => {
    const director: Director = { fate: ({ name }) => (name === 'notices.send' ? fate : 'ok') };
    const sim = await rotated(director, { extraDays: 2, notices });
    expect(sim.own.secrets.size).toBe(1);
  },
);
