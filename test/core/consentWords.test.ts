/** What the owner of a secret reads where a consent names it and does not give what its tags ask for. */
import { describe, expect, it } from '@jest/globals';
import {
  consentLine,
  type Grant,
  missOf,
  type Part,
  parseGrants,
  tornBy,
  type Wanted,
} from '../../src/core/grants.ts';

const wanted = (part?: Part, kind = 'sql-login'): Wanted => ({
  secret: { vault: 'kv1', name: 'a' },
  kind,
  part,
});
const LOGINS: Part = { names: ['app_a', 'app_b'], always: true };
const ROOT: Part = { names: [], whole: true };
const miss = (text: string, part?: Part, wide = false) => {
  const grants = parseGrants(text).map((grant): Grant => (wide ? { ...grant, wide: true } : grant));
  return missOf(grants, wanted(part));
};

describe('what is wrong with a consent', () => {
  it.each<[string, string, Part | undefined, boolean, string | undefined]>([
    ['nobody is named: nothing is said', 'keyturn sql-login: kv1/b', LOGINS, false, undefined],
    ['no text at all', '', LOGINS, false, undefined],
    [
      'other logins',
      'keyturn sql-login: kv1/a(app_a)',
      LOGINS,
      false,
      'exactly what the tags ask for. Write `keyturn sql-login: kv1/a(app_a,app_b)`.',
    ],
    [
      'no logins',
      'keyturn sql-login: kv1/a',
      LOGINS,
      false,
      'has to name in parentheses the part that it gives. Write `keyturn sql-login: kv1/a(app_a,app_b)`.',
    ],
    [
      'a part where all is asked for',
      'keyturn sql-login: kv1/a(readonly)',
      { names: [], always: true },
      false,
      'The consent gives kv1/a what it names in parentheses alone, and the tags ask for more. Write `keyturn sql-login: kv1/a`.',
    ],
    [
      'the name goes before the star',
      'keyturn sql-login: kv1/*, kv1/a(app_a)',
      LOGINS,
      false,
      'exactly what the tags ask for',
    ],
    [
      'of a star alone what it says',
      'keyturn sql-login: kv1/*(app_a)',
      LOGINS,
      false,
      'exactly what the tags ask for',
    ],
    ['the old form', 'keyturn: kv1/a', LOGINS, false, 'The consent is of the old form'],
    [
      'another kind',
      'keyturn storage-account-key: kv1/a',
      LOGINS,
      false,
      'The consent is for the kind "storage-account-key" alone, and the tag rotator names sql-login. Write',
    ],
    [
      'the own kind goes before another one',
      'keyturn storage-account-key: kv1/a; keyturn sql-login: kv1/a',
      LOGINS,
      false,
      'the part that it gives',
    ],
    [
      'the old form goes before another kind',
      'keyturn storage-account-key: kv1/a; keyturn: kv1/a',
      LOGINS,
      false,
      'of the old form',
    ],
    [
      'from above',
      'keyturn sql-login: kv1/a',
      ROOT,
      true,
      'at the resource group, or above the target, does not count for it. Write `keyturn sql-login: kv1/a` at the target itself',
    ],
    [
      'by a star',
      'keyturn sql-login: kv1/*',
      ROOT,
      false,
      'A consent to `kv1/*` does not count for it: the secret has to be named. Write `keyturn sql-login: kv1/a` at the target itself',
    ],
  ])('%s', (_, text, part, wide, words) => {
    const said = miss(text, part, wide);
    if (words === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(words);
    if (words !== undefined && part !== ROOT) expect(said).not.toContain('at the target itself');
  });

  it('a secret of the own kind alone is not told of a stranger to it', () => {
    expect(miss('keyturn sql-login: kv1/a', undefined, true)).toContain('the part that it gives');
  });
});

describe('the line that gives it', () => {
  it('names kind, secret and parts, and nothing in parentheses where it is all', () => {
    expect(consentLine(wanted())).toBe('keyturn sql-login: kv1/a');
    expect(consentLine(wanted(LOGINS))).toBe('keyturn sql-login: kv1/a(app_a,app_b)');
    expect(consentLine(wanted({ names: ['a"b'] }))).toBe('keyturn sql-login: kv1/a("a\\"b")');
  });
});

describe('two secrets on one login', () => {
  const torn = (text: string, part: Part | undefined = LOGINS) =>
    tornBy(parseGrants(text), wanted(part))?.name;
  it('are told by the one that has another beside it, in whatever order and capitals', () => {
    expect(torn('keyturn sql-login: kv1/a(app_a,app_b), kv1/b(APP_B,app_c)')).toBe('b');
    expect(torn('keyturn sql-login: kv1/a(app_a,app_b), kv1/b(APP_B,APP_A)')).toBeUndefined();
    expect(torn('keyturn sql-login: kv1/b(app_c,app_d)')).toBeUndefined();
    expect(torn('keyturn sql-single-login: kv1/b(app_a)')).toBeUndefined();
    expect(
      torn('keyturn sql-single-login: kv1/b(app_a)', {
        ...LOGINS,
        kin: ['sql-login', 'sql-single-login'],
      }),
    ).toBe('b');
    // Names that only come together where they are not parted.
    expect(
      torn('keyturn sql-login: kv1/b(app_a,ab,c)', { names: ['app_a', 'a', 'bc'], always: true }),
    ).toBe('b');
    expect(tornBy(parseGrants('keyturn sql-login: kv1/b(app_a)'), wanted())).toBeUndefined();
  });
});

describe('an entry', () => {
  it.each([
    ['keyturn sql-login: kv1', 0],
    ['keyturn sql-login: /a', 0],
    ['keyturn sql-login: kv1/a(', 0],
    ['keyturn sql-login: kv1/a(x', 0],
    ['keyturn sql-login: kv1/a()', 0],
    ['keyturn sql-login: kv1/a((x))', 0],
    ['keyturn kv1/a(b:c)', 1],
    ['keyturn kv1/a:b', 0],
    ['keyturn sql-login: kv1/a, kv2/b', 2],
  ])('%j names %i', (text, count) => {
    expect(parseGrants(text)).toHaveLength(count);
  });
});
