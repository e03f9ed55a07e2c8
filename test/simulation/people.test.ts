import { describe, expect, it } from '@jest/globals';
import { lastCall, meddle } from './meddle.ts';
import { people } from './people.ts';
import { report, tally, walk } from './report.ts';
import { oneSecret, twoSecrets } from './scenarios.ts';

describe.each([
  ['one secret', oneSecret, 1],
  // Each person before every fourth call, not the same ones: the single secret has them all.
  ['two secrets on one target', twoSecrets, 4],
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
