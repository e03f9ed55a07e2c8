/** The list of rules is read from their source, and a whole walk that leaves one out says which. */
import { expect, it } from '@jest/globals';
import { allRules, missingRules, rulesOf } from './rules.ts';

it('every rule of the source is on the list', () => {
  const all = allRules();
  for (const rule of [
    'restore state-wiped',
    'rotate value-refused',
    'revoke grace-over',
    'refuse unknown-value',
    'wait too-many',
  ])
    expect(all).toContain(rule);
  expect(all.length).toBeGreaterThan(35);
  expect(rulesOf("wait(owed ? 'drift' : 'nothing-owed', on); rotate('due', seen)")).toEqual([
    ...['rotate due', 'wait drift', 'wait nothing-owed'],
  ]);
});

it('one that no path took is named', () => {
  const taken = Object.fromEntries(allRules().map((rule) => [rule, 1]));
  expect(missingRules(taken)).toEqual([]);
  expect(missingRules({ ...taken, 'wait brake': 0 })).toEqual([
    'No path took the rule "wait brake".',
  ]);
});
