/** DOC-12: what the doctor would have an administrator run inside a server, by what the server says of Keyturn's own grants. */
import { describe, expect, it } from '@jest/globals';
import { shellWord } from '../../src/core/commandLine.ts';
import { mysqlLogin } from '../../src/rotators/mysqlLogin.ts';
import { postgresqlLogin } from '../../src/rotators/postgresqlLogin.ts';
import type { MysqlApi } from '../../src/targets/mysql.ts';
import { granteeOf, mayChangeBy } from '../../src/targets/mysql.ts';
import { giveReach, type PostgresApi, type Unreachable } from '../../src/targets/postgres.ts';

const clock = { now: () => new Date(), sleep: async () => undefined };
const secret = { vault: 'kv1', name: 'db' };
const facts = async () => ({ host: 'server.database.example', port: 5432, passwords: true });
const never = async (): Promise<never> => {
  throw new Error('nothing is changed');
};
const idOf = (provider: string) =>
  `/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/${provider}/flexibleServers/server`;

const MISSING: Unreachable = {
  name: 'app_b',
  me: 'keyturn',
  makes: true,
  superuser: false,
  replicates: false,
  version: 160_004,
};
const HASH = '*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4';

describe('PostgreSQL', () => {
  it.each<[string, Partial<Unreachable>, string | undefined]>([
    [
      '16 without ADMIN OPTION',
      {},
      'GRANT "app_b" TO "keyturn" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
    ],
    [
      '16 without CREATEROLE either',
      { makes: false },
      'ALTER ROLE "keyturn" CREATEROLE; GRANT "app_b" TO "keyturn" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
    ],
    [
      '15 without CREATEROLE',
      { version: 150_004, makes: false },
      'ALTER ROLE "keyturn" CREATEROLE',
    ],
    [
      '15, of a role that replicates',
      { version: 150_004, replicates: true },
      'ALTER ROLE "app_b" NOREPLICATION',
    ],
    ['of a superuser, whom nobody gives away', { superuser: true }, undefined],
    [
      'with a quote in a name',
      { name: 'a"b' },
      'GRANT "a""b" TO "keyturn" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
    ],
  ])('DOC-12: %s', (_title, over, expected) => {
    expect(giveReach({ ...MISSING, ...over })).toBe(expected);
  });

  it('DOC-12: says it as a command, in quotes that a name cannot leave', async () => {
    const api: PostgresApi = {
      ...{ roles: async () => [], setPassword: never, tryLogin: never },
      outOfReach: async () => [{ ...MISSING, name: `a'; rm -rf /; '` }],
    };
    const target = postgresqlLogin({ servers: { facts }, postgres: api, clock }).bind({
      ...{ target: idOf('Microsoft.DBforPostgreSQL'), options: { logins: 'app_a,app_b' }, secret },
    });
    const [found] = (await target.rights?.()) ?? [];
    expect(found).toMatchObject({ state: 'problem', reason: 'target-forbidden' });
    // As a shell reads it: one word, and in it the statement as it is meant.
    const statement = `GRANT "a'; rm -rf /; '" TO "keyturn" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`;
    expect(found?.command).toBe(
      `psql 'host=server.database.example port=5432 dbname=postgres sslmode=verify-full' --command ${shellWord(statement)}`,
    );
    expect(shellWord(statement)).toBe(
      String.raw`'GRANT "a'\''; rm -rf /; '\''" TO "keyturn" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE'`,
    );
  });
});

describe('MySQL and MariaDB', () => {
  const LINES = [
    `GRANT USAGE ON *.* TO \`keyturn\`@\`%\` IDENTIFIED BY PASSWORD '${HASH}'`,
    'GRANT SELECT ON `mysql`.* TO `keyturn`@`%`',
  ];

  it('DOC-12: name of all that SHOW GRANTS prints the user and its host alone', () => {
    expect(granteeOf(LINES)).toBe("'keyturn'@'%'");
    expect(mayChangeBy(LINES)).toBe(false);
    expect(granteeOf(["GRANT USAGE ON *.* TO `a'; DROP`@`%`"])).toBeUndefined();
    expect(granteeOf([])).toBeUndefined();
  });

  it('DOC-12: without CREATE USER say what gives it', async () => {
    const api: MysqlApi = {
      ...{ accounts: async () => [], setPassword: never, tryLogin: never },
      mayChange: async () => ({ may: mayChangeBy(LINES), me: granteeOf(LINES) ?? '' }),
    };
    const target = mysqlLogin({ servers: { facts }, mysql: api, clock }).bind({
      ...{ target: idOf('Microsoft.DBforMySQL'), options: { logins: 'app_a,app_b' }, secret },
    });
    const [found] = (await target.rights?.()) ?? [];
    expect(found?.command).toBe(
      `mysql --host=server.database.example --port=5432 --ssl-mode=VERIFY_IDENTITY ${shellWord(
        "--execute=GRANT CREATE USER ON *.* TO 'keyturn'@'%'",
      )}`,
    );
    expect(JSON.stringify(found)).not.toContain(HASH.slice(0, 8));
  });
});

describe('words of a shell', () => {
  it.each([
    ['plain', 'kv1/db-pw', 'kv1/db-pw'],
    ['what a shell would run', '$(rm -rf /)', "'$(rm -rf /)'"],
    ['what would end a quote', "a'b", String.raw`'a'\''b'`],
    ['another line', 'a\nb', "'a b'"],
    ['nothing', '', "''"],
  ])('DOC-13: keep %s as one word', (_title, text, expected) => {
    expect(shellWord(text)).toBe(expected);
  });
});
