import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyturnError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { sqlAdminPassword } from '../../src/rotators/sqlAdminPassword.ts';
import { sqlLogin } from '../../src/rotators/sqlLogin.ts';
import { sqlSingleLogin } from '../../src/rotators/sqlSingleLogin.ts';
import type { SqlServersApi } from '../../src/targets/sqlServers.ts';
import { alterPassword, couldBe, enableLogin, parseLoginName } from '../../src/targets/sqlText.ts';
import type { TdsApi } from '../../src/targets/tds.ts';
import { walk } from '../jest/form.ts';

/** What SQL Server makes of a statement: name and password, or undefined where it is no such statement to its very end. */
function readBack(statement: string): { name: string; password: string } | undefined {
  const [, name, password] =
    /^ALTER (?:LOGIN|USER) \[((?:[^\]]|\]\])*)\] WITH PASSWORD = N'((?:[^']|'')*)'$/.exec(
      statement,
    ) ?? [];
  if (name === undefined || password === undefined) return undefined;
  return { name: name.replaceAll(']]', ']'), password: password.replaceAll("''", "'") };
}

const nasty = fc.constantFrom(
  ']',
  "'",
  '"',
  '\\',
  ';',
  ' ',
  '-',
  '[',
  '/',
  '*',
  'N',
  'x',
  'ü',
  '漢',
  "']",
  ']]',
  '--',
);
const name = fc.oneof(
  fc.array(nasty, { minLength: 1, maxLength: 40 }).map((parts) => parts.join('')),
  fc.string({ minLength: 1, maxLength: 130, unit: 'grapheme' }),
  fc.string({ minLength: 1, maxLength: 130, unit: 'binary' }),
);

describe('T-SQL of the SQL kinds', () => {
  it('SQL-01: any login name is quoted right, or refused clearly', () => {
    fc.assert(
      fc.property(
        name,
        fc.string({ minLength: 8, maxLength: 60 }),
        fc.constantFrom('LOGIN', 'USER'),
        (login, password, kind) => {
          const parsed = parsedOrRefused(login);
          fc.pre(parsed !== undefined);
          const statement = alterPassword(kind, parsed ?? '', new Secret(password)).reveal();
          expect(readBack(statement)).toEqual({ name: login, password });
          expect(statement.toUpperCase()).not.toMatch(/^(EXEC|SP_)/);
        },
      ),
      { numRuns: walk({ whole: 5_000, short: 1_000 }) },
    );
  });

  it('SQL-01: 128 characters fit, 129 do not, and neither do none', () => {
    expect(parsedOrRefused(']'.repeat(128))).toHaveLength(128);
    expect(parsedOrRefused(']'.repeat(129))).toBeUndefined();
    expect(parsedOrRefused('')).toBeUndefined();
  });

  it.each([
    'a\nb',
    'a\u0000b',
    'a\u202eb',
    'a\u200bb',
    ' app',
    'app ',
    'a\u00a0b',
    'a,b',
    'a(b)',
    'DOM\\svc',
    'app😀',
    '\ud800',
  ])('SQL-01: refuses %j', (text) => expect(parsedOrRefused(text)).toBeUndefined());

  it.each(['sa', 'SA', 'ｓａ', 'dbo', '##MS_PolicyEventProcessingLogin##', 'guest'])(
    'SEC-03: refuses %j, the server’s own',
    (text) => expect(parsedOrRefused(text)).toBeUndefined(),
  );

  it.each([
    ['PADM', true],
    ['ｐａｄｍ', true],
    ['padm漢', true],
    ['padm2', false],
    ['app_a', false],
    ['漢字', false],
  ])('SEC-03: %j could be the administrator padm: %s', (text, could) => {
    expect(couldBe(text, 'padm')).toBe(could);
  });

  it('switches a login on by its quoted name', () => {
    expect(enableLogin('x]y').reveal()).toBe('ALTER LOGIN [x]]y] ENABLE');
  });

  it('a statement cannot print', () => {
    const statement = alterPassword('LOGIN', 'app', new Secret('Aa0-not-to-be-seen'));
    expect(`${statement} ${JSON.stringify({ statement })}`).not.toContain('not-to-be-seen');
  });
});

describe('hostile option values', () => {
  const called: string[] = [];
  /** Kinds of which at least one set of options was good, or the test proves nothing. */
  const boundOnes = new Set<string>();
  const never = (what: string) => async () => {
    called.push(what);
    throw new Error(what);
  };
  const servers: SqlServersApi = {
    server: never('server'),
    failoverGroups: never('failoverGroups'),
    setAdminPassword: never('setAdminPassword'),
  };
  const tds: TdsApi = { login: never('login'), run: never('run'), ask: never('ask') };
  const deps = { servers, tds, clock: { now: () => new Date(0), sleep: async () => undefined } };
  const rotators = [sqlLogin(deps), sqlSingleLogin(deps), sqlAdminPassword(deps)];
  const target =
    '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Sql/servers/sql1';
  const hostile = fc.oneof(
    name,
    fc.tuple(name, name).map((pair) => pair.join(',')),
    fc.constantFrom(
      ...[
        'evil.example',
        'https://evil.example',
        '//evil.example/rg/sql1',
        '../sql1',
        'S/rg1/..',
        'sql1@evil.example',
      ],
      ...["x'; DROP LOGIN [y]--", 'x] ENABLE; DROP LOGIN [y', 'true', 'app_a,app_b'],
    ),
  );
  const key = fc.constantFrom(
    'logins',
    'login',
    'users',
    'user',
    'database',
    'servers',
    'arm-only',
    'host',
    '__proto__',
  );

  it('SQL-01, SEC-02: make an id of the target and statements that read back, or are refused; binding sends nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, hostile), { maxLength: 4 }),
        fc.option(hostile),
        (entries, other) => {
          for (const rotator of rotators) {
            const options = Object.fromEntries(entries);
            const bound = tried(() =>
              rotator.bind({
                target: other ?? target,
                options,
                secret: { vault: 'kv1', name: 'x' },
              }),
            );
            if (bound === undefined) continue;
            boundOnes.add(rotator.type);
            expect(bound.id).toMatch(
              /^\/subscriptions\/[0-9a-f-]{36}\/resourcegroups\/rg1\/providers\/microsoft\.sql\/servers\/sql1(\/databases\/[^/]+)?(\/logins\/[^/]+)?$/,
            );
            for (const owner of bound.owners)
              expect(owner).toMatch(
                /^\/subscriptions\/[0-9a-f-]{36}\/resourcegroups\/[\w().-]+\/providers\/microsoft\.sql\/servers\/[a-z0-9-]+$/,
              );
            for (const login of bound.logins ?? [])
              expect(
                readBack(alterPassword('LOGIN', login, new Secret('Aa0-12345678')).reveal())?.name,
              ).toBe(login);
          }
        },
      ),
      // The examples are good for one kind each: dice alone hit all three in most runs, not in all.
      {
        numRuns: walk({ whole: 5_000, short: 1_000 }),
        examples: [
          [[['logins', 'app_a,app_b']], null],
          [[['login', 'app_a']], null],
          [[], null],
        ],
      },
    );
    expect(called).toEqual([]);
    expect(boundOnes.size).toBe(rotators.length);
  });
});

function tried<T>(bind: () => T): T | undefined {
  try {
    return bind();
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.reason !== 'bad-tags') throw error;
    expect(error.detail).toMatch(/^The (tag|option) /);
    expect(error.detail).toMatch(/^[\x20-\x7e]*$/);
    return undefined;
  }
}

const parsedOrRefused = (text: string): string | undefined =>
  tried(() => parseLoginName(text, 'The tag rotator-options'));
