import { describe, expect, it } from '@jest/globals';
import { lastCall, meddle } from './meddle.ts';
import { people } from './people.ts';
import { report, tally, walk } from './report.ts';
import { oneSecret, twoSecrets } from './scenarios.ts';

describe.each([
  // Each person before every second call, and before every sixth, not the same ones for all.
  ['one secret', oneSecret, 2],
  ['two secrets on one target', twoSecrets, 6],
])('people who act before any call of a pass, %s', (what, make, step) => {
  it.each(Object.entries(people))('%s', async (title, person) => {
    const last = await lastCall(make);
    const all = tally();
    for (let call = 1 + (title.length % step); call <= last; call += step)
      await walk(all, `before call ${call}`, () => meddle(person, call, { make }));
    report(`${title}, ${what}`, all);
    expect(all.failures.slice(0, 5)).toEqual([]);
  });
});
