import { describe, expect, it } from '@jest/globals';
import { newPassword } from '../../src/rotators/kit/password.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~';
const GOOD = /^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(?=.*[-_.~])[A-Za-z0-9_.~][-A-Za-z0-9_.~]{39}$/;

describe('passwords', () => {
  it('SQL-02: 100,000 of them fulfil every rule, and no two are alike', () => {
    const logins = ['abc', 'App_User-01', 'dbo.x'];
    const pieces = logins.flatMap((login) =>
      Array.from(login, (_, at) => login.slice(at, at + 3).toLowerCase()),
    );
    const whole = pieces.filter(({ length }) => length === 3);
    const seen = new Set<string>();
    for (let turn = 0; turn < 100_000; turn += 1) {
      const text = newPassword(logins).reveal();
      const lower = text.toLowerCase();
      if (!GOOD.test(text) || whole.some((piece) => lower.includes(piece)))
        throw new Error('a password breaks a rule');
      seen.add(text);
    }
    expect(seen.size).toBe(100_000);
  });

  it('SQL-02: one that holds a piece of the login, in whatever capitals, is drawn again', () => {
    const first = indexesOf('xxABCxx0-'.padEnd(40, 'q'));
    const second = indexesOf('yyAyCyy0-'.padEnd(40, 'q'));
    const picks = [...first, ...second];
    expect(newPassword(['abc'], () => picks.shift() ?? 0).reveal()).toBe(
      'yyAyCyy0-'.padEnd(40, 'q'),
    );
    expect(picks).toEqual([]);
  });

  it.each([
    ['no capital', 'aa0-'],
    ['no digit', 'aA-'],
    ['no mark', 'aA0'],
    ['no small letter', 'AA0-'],
    ['a hyphen at the front', '-aA0'],
  ])('SQL-02: one with %s is drawn again', (_, text) => {
    const filler = /[a-z]/.test(text) ? 'q' : 'Q';
    const picks = [...indexesOf(text.padEnd(40, filler)), ...indexesOf('zZ9~'.padEnd(40, 'q'))];
    expect(newPassword([], () => picks.shift() ?? 0).reveal()).toBe('zZ9~'.padEnd(40, 'q'));
  });

  it('SQL-02: all characters are equally likely in a place where each may stand', () => {
    const counts = new Map<string, number>();
    const turns = 33_000;
    for (let turn = 0; turn < turns; turn += 1) {
      const [, , character = ''] = newPassword([]).reveal();
      counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    // 500 of each: a tenth more of a rare class, since what lacks one is drawn again, and five standard deviations.
    for (const character of ALPHABET)
      expect(Math.abs((counts.get(character) ?? 0) / (turns / 66) - 1)).toBeLessThan(0.3);
  });

  it('is given up where the random source is broken', () => {
    expect(() => newPassword([], () => 0)).toThrow('broken');
  });
});

const indexesOf = (text: string): number[] =>
  [...text].map((character) => ALPHABET.indexOf(character));
