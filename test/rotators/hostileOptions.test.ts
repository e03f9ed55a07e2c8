/**
 * Issue 5: hostile option values never reach a statement or an address, for every kind that there is. What `sqlText.test.ts`
 * has for T-SQL stands here for PostgreSQL and MySQL; their real servers take the same names in `npm run test:databases`.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clouds } from '../../src/azure/cloud.ts';
import { KeyturnError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Rotator } from '../../src/ports/rotator.ts';
import { newPassword } from '../../src/rotators/kit/password.ts';
import { allRotators } from '../../src/rotators/registry.ts';
import { twoKeyTable } from '../../src/rotators/twoKeyTable.ts';
import { alterUser } from '../../src/targets/mysql.ts';
import { alterRole, scramVerifier } from '../../src/targets/postgres.ts';
import { walk } from '../jest/form.ts';

const asked: string[] = [];
const rotators = allRotators({
  cloud: clouds.AzureCloud,
  credential: {
    async getToken(scopes) {
      asked.push(String(scopes));
      throw new Error('Binding asks for no token.');
    },
  },
  clock: { now: () => new Date(0), sleep: async () => undefined },
  tenantId: '',
  databaseUser: 'keyturn',
});

const SUBSCRIPTION =
  '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/';
const TARGETS: Readonly<Record<string, string>> = {
  'app-registration': '77777777-8888-4999-8aaa-bbbbbbbbbbbb',
  'storage-account-key': `${SUBSCRIPTION}Microsoft.Storage/storageAccounts/acct1`,
  'postgresql-login': `${SUBSCRIPTION}Microsoft.DBforPostgreSQL/flexibleServers/db1`,
  'mysql-login': `${SUBSCRIPTION}Microsoft.DBforMySQL/flexibleServers/db1`,
};
/** Options without which nothing is bound. */
const NEEDED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'postgresql-login': { logins: 'app_a,app_b' },
  'mysql-login': { logins: 'app_a,app_b' },
  'sql-login': { logins: 'app_a,app_b' },
  'sql-single-login': { login: 'svc' },
};
/** A good target, so that the options alone decide. */
function targetOf({ type }: Rotator): string {
  const [, ...kinds] = twoKeyTable.find((row) => row.type === type)?.armTypes[0]?.split('/') ?? [];
  const provider = twoKeyTable.find((row) => row.type === type)?.armTypes[0]?.split('/')[0];
  if (provider !== undefined)
    return `${SUBSCRIPTION}${provider}/${kinds.map((kind) => `${kind}/res1`).join('/')}`;
  return TARGETS[type] ?? `${SUBSCRIPTION}Microsoft.Sql/servers/sql1`;
}

const nasty = fc.constantFrom(
  ...[
    ']',
    "'",
    '"',
    '\\',
    '`',
    ';',
    ' ',
    '-',
    '@',
    '%',
    '/',
    '*',
    '$',
    'N',
    'x',
    'ü',
    '漢',
    '🔑',
    "'@'",
    '--',
    '\u0000',
    '\n',
  ],
);
const word = fc.oneof(
  fc.array(nasty, { minLength: 1, maxLength: 40 }).map((parts) => parts.join('')),
  fc.string({ minLength: 1, maxLength: 130, unit: 'grapheme' }),
  fc.string({ minLength: 1, maxLength: 130, unit: 'binary' }),
);
const hostile = fc.oneof(
  word,
  fc.tuple(word, word).map((pair) => pair.join(',')),
  fc.constantFrom(
    'app_a,app_b',
    'readonly',
    'true',
    '45d',
    '%',
    'evil.example',
    '../x',
    '@evil.example/',
    '{}',
    '%2e%2e',
  ),
);
const KEYS = [
  'logins',
  'login',
  'users',
  'user',
  'host',
  'database',
  'servers',
  'keys',
  'revoke-adopted',
  'longest-sas',
];
const key = fc.oneof(
  fc.constantFrom(...KEYS),
  fc.constantFrom('__proto__', 'constructor', 'endpoint'),
  word,
);

const ID =
  /^\/subscriptions\/[0-9a-f-]{36}\/resourcegroups\/rg1\/providers\/[a-z.]+(\/[a-z]+\/[a-z0-9-]+)+$/;
const GUID = /^[0-9a-f-]{36}$/;
const bound = new Set<string>();

describe('hostile options', () => {
  it('SEC-01: leave the ids of the target what they are, or are refused by name; binding asks for nothing', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...rotators),
        fc.array(fc.tuple(key, hostile), { maxLength: 3 }),
        (rotator, entries) => {
          const target = boundOrRefused(rotator, targetOf(rotator), {
            ...NEEDED[rotator.type],
            ...Object.fromEntries(entries),
          });
          if (target === undefined) return;
          bound.add(rotator.type);
          for (const owner of target.owners)
            expect(owner).toMatch(rotator.type === 'app-registration' ? GUID : ID);
          const [main = ''] = target.owners;
          // What stands behind it (logins, a database, a pair of keys) names locks and rows, and is no address.
          expect(target.id.startsWith(main)).toBe(true);
        },
      ),
      { numRuns: walk({ whole: 20_000, short: 3_000 }) },
    );
    expect(asked).toEqual([]);
    // Otherwise the test proves nothing.
    expect([...bound].sort()).toEqual(rotators.map(({ type }) => type).sort());
  });

  it('SEC-01: as a target none becomes an id that leads elsewhere', () => {
    const strange = fc.oneof(
      hostile,
      fc
        .tuple(fc.constantFrom(...rotators), word)
        .map(([rotator, text]) => `${targetOf(rotator)}${text}`),
      fc
        .tuple(fc.constantFrom(...rotators), word)
        .map(([rotator, text]) => targetOf(rotator).replace('1', text)),
    );
    fc.assert(
      fc.property(fc.constantFrom(...rotators), strange, (rotator, text) => {
        const target =
          boundOrRefused(rotator, text, { logins: 'app_a,app_b' }) ??
          boundOrRefused(rotator, text, {});
        for (const owner of target?.owners ?? [])
          expect(owner).toMatch(
            rotator.type === 'app-registration'
              ? GUID
              : /^\/subscriptions\/[0-9a-f-]{36}\/resourcegroups\/[\p{L}\p{N}_().-]+\/providers\/[a-z.]+(\/[a-z]+\/[\w.()$-]+)+$/u,
          );
        for (const owner of target?.owners ?? [])
          expect(owner.split('/').filter((part) => /^\.+$/.test(part))).toEqual([]);
      }),
      { numRuns: walk({ whole: 20_000, short: 3_000 }) },
    );
    expect(asked).toEqual([]);
  });
});

describe('login names', () => {
  const pairs = fc.tuple(word, word).map((pair) => pair.join(','));
  const rotatorOf = (type: string) => rotators.find((each) => each.type === type) as Rotator;

  it('of PostgreSQL are quoted right, or refused clearly', () => {
    const verifier = scramVerifier(newPassword([]));
    let good = 0;
    fc.assert(
      fc.property(pairs, (logins) => {
        const rotator = rotatorOf('postgresql-login');
        for (const login of boundOrRefused(rotator, targetOf(rotator), { logins })?.logins ?? []) {
          // PostgreSQL manual 4.1.1: any character but NUL, a quote by writing two.
          const [, name] =
            /^ALTER ROLE "((?:[^"\0]|"")*)" PASSWORD '[\w$:+/=-]+'$/.exec(
              alterRole(login, verifier),
            ) ?? [];
          expect(name?.replaceAll('""', '"')).toBe(login);
          expect(Buffer.byteLength(login)).toBeLessThan(64);
          good += 1;
        }
      }),
      { numRuns: walk({ whole: 5_000, short: 1_000 }) },
    );
    expect(good).toBeGreaterThan(500);
  });

  it.each(['mariadb', 'mysql_native_password', 'caching_sha2_password'] as const)(
    'of MySQL are quoted right, or refused clearly (%s)',
    (plugin) => {
      const place = { host: 'db1.mysql.database.azure.com' };
      let good = 0;
      fc.assert(
        fc.property(pairs, fc.constantFrom('%', '10.0.0.%', '%.example'), (logins, host) => {
          const rotator = rotatorOf('mysql-login');
          for (const user of boundOrRefused(rotator, targetOf(rotator), { logins, host })?.logins ??
            []) {
            const text = alterUser({ user, host }, plugin, new Secret('Aa0-12345678'), place);
            // MySQL manual 9.2: a backtick by writing two; backslashes mean nothing between backticks.
            const [, name, from, rest = ''] =
              /^ALTER USER `((?:[^`\0]|``)*)`@`((?:[^`\0]|``)*)` IDENTIFIED (.*)$/.exec(text) ?? [];
            expect([name?.replaceAll('``', '`'), from]).toEqual([user, host]);
            expect(rest).toMatch(
              /^(BY PASSWORD '\*[0-9A-F]{40}'|WITH \w+ AS ('\*[0-9A-F]{40}'|0x[0-9a-f]+))$/,
            );
            good += 1;
          }
        }),
        { numRuns: plugin === 'caching_sha2_password' ? 300 : 3000 },
      );
      expect(good).toBeGreaterThan(20);
    },
  );

  it.each([
    ['postgresql-login', 63],
    ['mysql-login', 32],
  ])('of %s have at most %i characters: one more is refused, as 128 are', (type, most) => {
    const rotator = rotatorOf(type);
    const logins = (length: number) => ({ logins: `app_a,${'x'.repeat(length)}` });
    expect(boundOrRefused(rotator, targetOf(rotator), logins(most))?.logins).toHaveLength(2);
    for (const length of [most + 1, 128])
      expect(boundOrRefused(rotator, targetOf(rotator), logins(length))).toBeUndefined();
  });
});

function boundOrRefused(
  rotator: Rotator,
  target: string,
  options: Readonly<Record<string, string>>,
) {
  try {
    return rotator.bind({ target, options, secret: { vault: 'kv1', name: 'x' } });
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.reason !== 'bad-tags') throw error;
    expect(error.detail).toMatch(/^The (tag|option) /);
    expect(error.detail).toMatch(/^[\x20-\x7e]*$/);
    return undefined;
  }
}
