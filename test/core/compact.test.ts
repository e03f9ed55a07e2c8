/** What is undefined is left out; whatever else there is stays as it is. */
import { describe, expect, it } from '@jest/globals';
import { compact } from '../../src/core/compact.ts';

describe('compact', () => {
  it('leaves out what is undefined and nothing else, in the same order', () => {
    const full = compact({ a: 1, b: undefined, c: null, d: false, e: '', f: 0 });
    expect(Object.entries(full)).toEqual([
      ['a', 1],
      ['c', null],
      ['d', false],
      ['e', ''],
      ['f', 0],
    ]);
    expect('b' in full).toBe(false);
  });

  it('lets an undefined member behind a spread take the place of the one in it', () => {
    const before: { readonly until?: string } = { until: 'noon' };
    const until = undefined as string | undefined;
    expect(Object.keys(compact({ ...before, until }))).toEqual([]);
  });

  it('does not look inside of its members', () => {
    const inner = { x: undefined };
    expect(compact({ inner }).inner).toBe(inner);
  });
});
