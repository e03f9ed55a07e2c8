/** A value prints nothing, throws nothing and leaves little behind, whatever it is (findings ATK-05, ATK-07). */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { remember, scrub, spellings } from '../../src/core/scrub.ts';
import { Secret } from '../../src/core/secret.ts';

/** Any UTF-16: lone surrogates and NUL among it, and what is as long as a vault takes. */
const ANY = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 })
    .map((codes) => String.fromCharCode(...codes)),
  fc
    .array(fc.constantFrom('\ud800', '\udfff', '\0', 'a', '"', '%', '\\'), { maxLength: 80 })
    .map((all) => all.join('')),
);
const EDGES = [
  '',
  '\0',
  '\ud800',
  '\udfff\ud800',
  '{"password":"\ud800abc"}',
  'p%ss\ud800word',
  '\0'.repeat(25_000),
];
const LONG = [
  '\ud800'.repeat(25_000),
  'x'.repeat(25_000),
  `${'ab'.repeat(31)}a\ud83d\udd11 and so on`.repeat(300),
];

describe('ATK-05: Secret', () => {
  it('ATK-05: takes any string: nothing throws, nothing of it is printed, and it comes out as it was', () => {
    const holds = (value: string) => {
      const secret = new Secret(value);
      expect(secret.reveal()).toBe(value);
      expect(Secret.unopened(value).open()).toBe(value);
      expect([`${secret}`, JSON.stringify(secret), inspect(secret)]).toEqual([
        '[secret]',
        '"[secret]"',
        '[secret]',
      ]);
      expect(secret.equals(new Secret(value))).toBe(true);
      expect(secret.equals(new Secret(`${value}x`))).toBe(false);
      expect(secret.digest()).toMatch(/^[0-9a-f]{64}$/);
      expect(secret.bytes).toBe(Buffer.byteLength(value));
      expect(spellings(value)).toContain(value);
      expect(() => scrub(value)).not.toThrow();
    };
    for (const value of [...EDGES, ...LONG]) holds(value);
    fc.assert(fc.property(ANY, holds), { numRuns: 1000 });
  });

  it('ATK-05: tells values apart that differ in a lone surrogate alone, which UTF-8 writes in one way', () => {
    expect(new Secret('p\ud800w').equals(new Secret('p\ud801w'))).toBe(false);
    expect(new Secret('p\ud800w').equals(new Secret('p\ufffdw'))).toBe(false);
    expect(new Secret('p\ud83d\udd11w').equals(new Secret('p\ud83d\udd11w'))).toBe(true);
  });
});

describe('what services say is scrubbed', () => {
  it('of every value that was opened, in every spelling and however long it is', () => {
    const value = () => ANY.filter((text) => text.length >= 8 && text !== 'keyturn:new');
    fc.assert(
      fc.property(value(), fc.constantFrom('', 'said: ', '\ud83d'), (text, before) => {
        new Secret(text);
        const heads = text.length > 64 ? [] : spellings(text);
        for (const form of [text, ...heads].filter(({ length }) => length >= 8))
          expect(scrub(`${before}${form}.`)).toMatch(/\[secret\]/);
      }),
      { numRuns: 500 },
    );
    for (const text of [...LONG, randomBytes(18_000).toString('base64')]) {
      new Secret(text);
      for (const form of spellings(text))
        expect(scrub(`no: ${form}, said the server`)).toBe('no: [secret]');
    }
  });

  it('ATK-07: never of a value that was read and not opened', () => {
    const value = `unopened-${randomBytes(9).toString('hex')}`;
    const secret = Secret.unopened(value);
    expect(scrub(value)).toBe(value);
    secret.open();
    expect(scrub(value)).toBe('[secret]');
  });

  it('ATK-07: of the last ones only: what is remembered has a bound, whatever it is', () => {
    const first = 'first-of-all-values';
    new Secret(first);
    for (let number = 0; number < 600; number += 1)
      new Secret(`value-${number}-${'\0\ud800'.repeat(12_000)}`);
    expect(scrub(first)).toBe(first);
    expect(scrub('value-599-\0\ud800\0\ud800\0\ud800'.padEnd(99, '\0\ud800'))).toBe('[secret]');
  });

  it('a value that is seen again stays remembered', () => {
    const kept = 'seen-again-and-again';
    for (let number = 0; number < 2_000; number += 1) {
      remember(kept);
      remember(`value-number-${number}`);
    }
    expect(scrub(`no ${kept}`)).toBe('no [secret]');
    expect(scrub('value-number-1')).toBe('value-number-1');
  });

  it('ATK-07: at a cost that the number of values does not change', () => {
    const text = 'value-valu-value-'.repeat(400);
    const milliseconds = () => {
      const rounds = Array.from({ length: 7 }, () => {
        const from = process.cpuUsage().user;
        scrub(text);
        return process.cpuUsage().user - from;
      });
      return Math.min(...rounds) / 1000;
    };
    for (let number = 0; number < 10; number += 1) remember(`value-${number}-of-ten`);
    const few = milliseconds();
    for (let number = 0; number < 2_000; number += 1)
      remember(`value-${number}-of-many-${'x'.repeat(25_000)}`);
    expect(milliseconds()).toBeLessThan(8 * Math.max(few, 5));
  });
});
