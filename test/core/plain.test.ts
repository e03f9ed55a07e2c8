import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PLAIN, plain } from '../../src/core/plain.ts';

describe('OPS-07: texts of people', () => {
  it.each([
    'team-orders',
    'Größe & Söhne',
    '日本 チーム',
    'a "quoted" <b>',
    "o'neil; x=1",
    '👍 ok',
  ])('comes back: %s', (text) => {
    expect(plain(text)).toBe(text);
  });

  it.each([
    ['a\r\nb', 'a b'],
    ['a\u001b[31mb', 'a [31mb'],
    ['\u202eevil', 'evil'],
    ['a\u0000b', 'a b'],
    ['a\u2028b\u200bc', 'a b c'],
    ['a\ud800b', 'a b'],
    [' padded ', 'padded'],
  ])('loses what does not print: %j', (text, shown) => {
    expect(plain(text)).toBe(shown);
  });

  it('is cut where it is too long, never inside of a character', () => {
    expect(plain('word '.repeat(60))).toBe(`${'word '.repeat(51)}…`);
    expect(plain('a few x 👍👍', 10)).toBe('a few x …');
  });

  it('is always fit to be read again, and the same when it is made plain twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const once = plain(text);
        expect(once).toMatch(PLAIN);
        expect(once.length).toBeLessThanOrEqual(256);
        expect(plain(once)).toBe(once);
      }),
    );
  });
});
