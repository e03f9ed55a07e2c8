import { describe, expect, it } from '@jest/globals';
import {
  consentLine,
  type Grant,
  grantFor,
  isSharer,
  missOf,
  type Part,
  parseGrants,
  sharedBy,
  tornBy,
  type Wanted,
} from '../../src/core/grants.ts';
import { tooSteep } from '../fuzz/linear.ts';

const KIND = 'sql-login';
const GOOD: Grant = { kind: KIND, vault: 'kv2', name: 'st-b', parts: [] };

describe('a list of consents', () => {
  it('names the kind, then secrets with their parts in parentheses', () => {
    expect(parseGrants('keyturn sql-login: kv1/db-pw(app_a, app_b), kv2/st-b,kv3/*')).toEqual([
      { kind: KIND, vault: 'kv1', name: 'db-pw', parts: ['app_a', 'app_b'] },
      GOOD,
      { kind: KIND, vault: 'kv3', name: '*', parts: [] },
    ]);
  });

  it('may be several, separated by semicolons, each for its own kind; those inside of parentheses separate nothing', () => {
    const text =
      'keyturn sql-login: kv2/st-b, kv1/x(a;b,c:d/e) ;\n Keyturn  SQL-single-login : KV1/One(svc); redis-key: kv1/r';
    expect(parseGrants(text)).toEqual([
      GOOD,
      { kind: KIND, vault: 'kv1', name: 'x', parts: ['a;b', 'c:d/e'] },
      { kind: 'sql-single-login', vault: 'kv1', name: 'one', parts: ['svc'] },
      { kind: 'redis-key', vault: 'kv1', name: 'r', parts: [] },
    ]);
  });

  it.each([
    'keyturn: kv2/st-b',
    'keyturn kv2/st-b',
    'keyturn sql-login: kv1/a; kv2/st-b',
    'KEYTURN : kv2/st-b',
  ])('ATK-03: a list without a kind gives nothing, whatever stands beside it: %j', (text) => {
    const grants = parseGrants(text);
    expect(grants).toContainEqual({ vault: 'kv2', name: 'st-b', parts: [] });
    for (const kind of [KIND, '', 'undefined'])
      expect(grantFor(grants, { secret: { vault: 'kv2', name: 'st-b' }, kind })).toBeUndefined();
  });

  it.each([
    '',
    'for the payroll app',
    'keyturn',
    'keyturns sql-login: kv2/st-b',
    'x keyturn sql-login: kv2/st-b',
  ])('SEC-09: a text that is none gives nothing: %j', (text) =>
    expect(parseGrants(text)).toEqual([]),
  );

  it.each([
    'kv1/db(app_a,app_b',
    'kv1/db(app_a,app_b, kv1/x(y)',
    'kv1/db(app_a;app_b',
    'kv1/db(',
    'kv1/db()',
    'kv1/db( , )',
    'kv1/db((app_a,app_b))',
    'kv1/db(app_a)(app_b)',
    'kv1/db(app_a),app_b)',
    'kv1/db (app_a,app_b',
  ])(
    'SEC-03: an entry that is written wrong gives nothing, not more than was meant, and spoils no other: %j',
    (entry) => {
      const grants = parseGrants(`keyturn sql-login: kv2/st-b, ${entry}`);
      expect(grants).toContainEqual(GOOD);
      expect(grants.filter(({ name, parts }) => name === 'db' && parts.length === 0)).toEqual([]);
      expect(
        parseGrants(`keyturn redis-key: ${entry}; sql-login: kv2/st-b`).filter(
          ({ kind }) => kind === KIND,
        ),
      ).toEqual(entry.includes('(') && !entry.includes(')') ? expect.arrayContaining([]) : [GOOD]);
    },
  );

  it('the word may be left out in the setting, and a text without a kind is of the old form there, too', () => {
    expect(parseGrants('sql-login: kv2/st-b', { bare: true })).toEqual([GOOD]);
    expect(parseGrants('keyturn sql-login: kv2/st-b', { bare: true })).toEqual([GOOD]);
    expect(parseGrants('kv2/st-b', { bare: true })).toEqual([
      { vault: 'kv2', name: 'st-b', parts: [] },
    ]);
    expect(parseGrants('sql-login: kv2/st-b')).toEqual([]);
  });

  it('SEC-06: is read in time that grows as its length does, whatever it holds, and a text without end not at all', () => {
    const read = (text: string, start: string) => (length: number) =>
      parseGrants((start + text.repeat(length)).slice(0, Math.min(length, 16_000)), {
        bare: start === '',
      });
    for (const text of [
      '(',
      '()',
      '(a',
      ',(',
      'a(b)(',
      ' ',
      ';',
      ':',
      'keyturn ',
      ' \n',
      'a/b(',
      '),;',
    ])
      for (const start of ['keyturn sql-login: ', 'keyturn', ''])
        expect([text, start, tooSteep(read(text, start), (length) => length)]).toEqual([
          text,
          start,
          undefined,
        ]);
    expect(parseGrants(`keyturn sql-login: ${'kv1/a, '.repeat(10_000)}`)).toEqual([]);
  });
});

const secret = { vault: 'kv1', name: 'a' };
const rule: Part = { names: ['orders/send'] };
const root: Part = { names: ['RootManageSharedAccessKey'], whole: true };
const readonly: Part = { names: ['readonly'], always: true };
const whole: Part = { names: [], whole: true };
const logins: Part = { names: ['app_a', 'app_b'], always: true };

describe('what a consent gives', () => {
  /** Whether the entry gives it, at the target and from above it. */
  const given = (entry: string, part?: Part): [boolean, boolean] => {
    const wanted: Wanted = { secret, kind: KIND, part };
    const grants = parseGrants(`keyturn sql-login: ${entry}`);
    const wide = grants.map((grant): Grant => ({ ...grant, wide: true }));
    return [grantFor(grants, wanted) !== undefined, grantFor(wide, wanted) !== undefined];
  };

  it.each<[string, string, Part | undefined, boolean, boolean]>([
    ['a whole resource', 'kv1/a', undefined, true, true],
    ['a whole resource', 'kv1/*', undefined, true, true],
    ['a whole resource', 'kv1/a(readonly)', undefined, false, false],
    ['a whole resource', 'kv1/b', undefined, false, false],
    ['a whole resource', 'kv2/*', undefined, false, false],
    ['a rule', 'kv1/a', rule, true, false],
    ['a rule', 'kv1/*', rule, true, false],
    ['a rule', 'kv1/a(orders/send)', rule, true, true],
    ['a rule', 'kv1/a(ORDERS/Send)', rule, true, true],
    ['a rule', 'kv1/a(orders/listen)', rule, false, false],
    ['a rule', 'kv1/a(send)', rule, false, false],
    ['a rule', 'kv1/a(orders/send,orders/listen)', rule, false, false],
    ['the root rule', 'kv1/a', root, true, false],
    ['the root rule', 'kv1/*', root, false, false],
    ['the root rule', 'kv1/a(RootManageSharedAccessKey)', root, true, false],
    ['the root rule', 'kv1/a(orders/send)', root, false, false],
    ['the read-only pair', 'kv1/a(readonly)', readonly, true, true],
    ['the read-only pair', 'kv1/a', readonly, false, false],
    ['the pair that may write', 'kv1/a', whole, true, false],
    ['the pair that may write', 'kv1/*', whole, false, false],
    ['the pair that may write', 'kv1/a(readonly)', whole, false, false],
    ['two logins', 'kv1/a(app_b,app_a)', logins, true, true],
    ['two logins', 'kv1/a', logins, false, false],
    ['two logins', 'kv1/a(app_a)', logins, false, false],
    ['two logins', 'kv1/a(app_a,app_b,app_c)', logins, false, false],
  ])('ATK-02: %s by `%s`: at the target %s, from above %s', (_, entry, part, at, above) => {
    expect(given(entry, part)).toEqual([at, above]);
  });

  it('an entry that names the secret counts for it, `*` then does not; of several that name it any may give', () => {
    expect(given('kv1/*, kv1/a(readonly)')).toEqual([false, false]);
    expect(given('kv1/a(readonly), kv1/a')).toEqual([true, true]);
    expect(given('kv1/a(orders/listen), kv1/a(orders/send)', rule)).toEqual([true, true]);
  });

  it('ATK-03: a consent for one kind says nothing of another, and `*` less', () => {
    for (const entry of ['kv1/a', 'kv1/*']) {
      const grants = parseGrants(`keyturn storage-account-key: ${entry}`);
      expect(grantFor(grants, { secret, kind: 'cosmos-db-key' })).toBeUndefined();
      expect(grantFor(grants, { secret, kind: 'storage-account-key' })).toBeDefined();
    }
  });

  it('a login beside others refuses both, over the kinds that change logins of one server and no further', () => {
    const torn = (text: string, kin?: readonly string[]) =>
      tornBy(parseGrants(text), {
        secret,
        kind: KIND,
        part: { ...logins, ...(kin ? { kin } : {}) },
      })?.name;
    const text =
      'keyturn sql-login: kv1/a(app_a,app_b); sql-single-login: kv1/b(app_a); mysql-login: kv1/c(app_b,x)';
    expect(torn(text)).toBeUndefined();
    expect(torn(text, [KIND, 'sql-single-login'])).toBe('b');
    expect(torn('keyturn sql-login: kv1/a(app_a,app_b), kv1/d(app_a,app_c)')).toBe('d');
  });

  it('who got a credential under a text of the old form counts as holding it, and nobody else does', () => {
    const grants = sharedBy(
      parseGrants('keyturn: kv1/old; sql-login: kv1/new; redis-key: kv1/other'),
      {
        secret,
        kind: KIND,
      },
    );
    const shares = (name: string, known: boolean) =>
      isSharer(grants, { vault: 'kv1', name }, known);
    expect([shares('old', true), shares('new', true), shares('new', false)]).toEqual([
      true,
      true,
      true,
    ]);
    expect([shares('old', false), shares('other', true), shares('stranger', true)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe('what is said of a consent that does not give it', () => {
  const said = (text: string, part?: Part, wide = false) =>
    missOf(
      parseGrants(text).map((grant): Grant => (wide ? { ...grant, wide } : grant)),
      { secret, kind: KIND, part },
    );

  it.each<[string, string, Part | undefined, boolean, RegExp]>([
    [
      'the old form',
      'keyturn: kv1/a',
      undefined,
      false,
      /names no kind.*`keyturn sql-login: kv1\/a`/,
    ],
    [
      'the old form',
      'keyturn: kv1/*',
      rule,
      false,
      /names no kind.*`keyturn sql-login: kv1\/a\(orders\/send\)`/,
    ],
    [
      'a typo in the kind',
      'keyturn sql-logins: kv1/a',
      logins,
      false,
      /"sql-logins".*`keyturn sql-login: kv1\/a\(app_a,app_b\)`/,
    ],
    [
      'another kind',
      'keyturn redis-key: kv1/*',
      undefined,
      true,
      /"redis-key".*`keyturn sql-login: kv1\/a`/,
    ],
    [
      'a part that is missing',
      'keyturn sql-login: kv1/a',
      rule,
      true,
      /name in parentheses.*`keyturn sql-login: kv1\/a\(orders\/send\)`/,
    ],
    [
      'another part',
      'keyturn sql-login: kv1/a(app_a)',
      logins,
      false,
      /exactly.*`keyturn sql-login: kv1\/a\(app_a,app_b\)`/,
    ],
    [
      'a part alone',
      'keyturn sql-login: kv1/a(readonly)',
      whole,
      false,
      /alone.*`keyturn sql-login: kv1\/a` at the target/,
    ],
    [
      'the group for an administrator',
      'keyturn sql-login: kv1/a',
      whole,
      true,
      /resource group.*`keyturn sql-login: kv1\/a` at the target/,
    ],
    [
      'every secret for an administrator',
      'keyturn sql-login: kv1/*',
      whole,
      false,
      /`kv1\/\*` does not count.*`keyturn sql-login: kv1\/a`/,
    ],
  ])('%s: %j', (_, text, part, wide, expected) => {
    expect(said(text, part, wide)).toMatch(expected);
    // The line that it says is the one that helps.
    const [line = ''] = /keyturn sql-login: [^`]+/.exec(said(text, part, wide) ?? '') ?? [];
    expect(grantFor(parseGrants(line), { secret, kind: KIND, part })).toBeDefined();
  });

  it('SEC-09: nothing where no text names the secret, though it names others or another vault', () => {
    for (const text of [
      'keyturn: kv1/b',
      'keyturn sql-login: kv2/a',
      'keyturn sql-login: kv2/*',
      'kv1/a',
      'keyturn x: kv1/a(',
    ])
      expect(said(text, logins)).toBeUndefined();
  });

  it('names that do not print are quoted', () => {
    expect(consentLine({ secret, kind: KIND, part: { names: ['a\u0000b', "o'neil"] } })).toBe(
      'keyturn sql-login: kv1/a("a\\u0000b",o\'neil)',
    );
  });
});
