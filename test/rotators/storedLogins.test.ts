/** What stands in a secret beside its password, for PostgreSQL and MySQL over a server in memory: never said, and no reason to rotate. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { KeyturnError } from '../../src/core/errors.ts';
import { scrub } from '../../src/core/scrub.ts';
import { Secret } from '../../src/core/secret.ts';
import { ACCEPTED, type ServerAnswer, WRONG } from '../../src/core/serverAnswer.ts';
import { openForm } from '../../src/form/form.ts';
import type { Rotator } from '../../src/ports/rotator.ts';
import { mysqlLogin } from '../../src/rotators/mysqlLogin.ts';
import { postgresqlLogin } from '../../src/rotators/postgresqlLogin.ts';
import {
  type DatabaseServers,
  MYSQL_TYPE,
  POSTGRESQL_TYPE,
} from '../../src/targets/databaseServers.ts';
import type { MysqlApi } from '../../src/targets/mysql.ts';
import type { PostgresApi } from '../../src/targets/postgres.ts';

const HOST = 'db1.example.net';
const clock = { now: () => new Date('2026-01-01T00:00:00Z'), sleep: async () => undefined };
const servers: DatabaseServers = {
  facts: async () => ({ host: HOST, port: 1, administrator: 'chief', passwords: true }),
};
/** By login; and where the client is not at an address that the users may come from, nobody is let in. */
let passwords: Map<string, string>;
let isElsewhere: boolean;
let writes: number;
beforeEach(() => {
  passwords = new Map([
    ['app_a', 'Aa0-first-of-a-4711'],
    ['app_b', 'Bb0-first-of-b-4712'],
  ]);
  isElsewhere = false;
  writes = 0;
});
const api = {
  tryLogin: async (_: unknown, login: string, password: Secret): Promise<ServerAnswer> =>
    !isElsewhere && passwords.get(login) === password.reveal() ? ACCEPTED : WRONG,
  setPassword: async (_: unknown, login: string | { user: string }, password: Secret) => {
    writes += 1;
    passwords.set(typeof login === 'string' ? login : login.user, password.reveal());
  },
};
const postgres: PostgresApi = { ...api, roles: async () => [], outOfReach: async () => [] };
const mysql: MysqlApi = {
  ...api,
  accounts: async () => [],
  mayChange: async () => ({ may: true }),
};
const kinds: Readonly<Record<string, { rotator: Rotator; type: string }>> = {
  'postgresql-login': {
    rotator: postgresqlLogin({ servers, postgres, clock }),
    type: POSTGRESQL_TYPE,
  },
  'mysql-login': { rotator: mysqlLogin({ servers, mysql, clock }), type: MYSQL_TYPE },
};

function bind(kind: string, options: Record<string, string> = {}) {
  const { rotator, type } = kinds[kind] as { rotator: Rotator; type: string };
  const target = `/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/${type}/db1`;
  const bound = { logins: 'app_a,app_b', ...options };
  return {
    rotator,
    target: rotator.bind({ target, options: bound, secret: { vault: 'kv1', name: 'pw' } }),
  };
}

const thrown = async (promise: Promise<unknown>): Promise<KeyturnError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof KeyturnError) return error;
  throw new Error('It was not refused.');
};

describe.each(['postgresql-login', 'mysql-login'])(
  'SEC-04: %s: a login that is none of the two',
  (kind) => {
    const scheme = kind === 'mysql-login' ? 'mysql' : 'postgresql';
    it.each([
      [
        'options that are swapped',
        JSON.stringify({ username: 'app_a', password: 'Ii0-of-someone-4741' }),
        { field: 'username', loginField: 'password' },
      ],
      ['a URI', `${scheme}://Ii0-of-someone-4741:Aa0-first-of-a-4711@${HOST}:1/shop`, {}],
    ])(
      'FN-05: %s: refused, without its name, which the log would blank out',
      async (_, value, wanted) => {
        const { rotator, target } = bind(kind);
        const { bare, login } = openForm(new Secret(value), { spec: rotator.form, ...wanted }, [
          `${HOST}:1`,
        ]);
        expect(login).toBe('Ii0-of-someone-4741');
        for (const ask of ['adopt', 'check'] as const) {
          const error = await thrown(target[ask](bare, login));
          expect([error.reason, error.detail]).toEqual([
            'bad-value',
            expect.stringContaining('`login-field`'),
          ]);
          expect(JSON.stringify([error.detail, error.message, error.facts])).not.toContain(
            'someone',
          );
        }
        expect(scrub('said: Ii0-of-someone-4741')).toBe('said: [secret]');
        expect(writes).toBe(0);
      },
    );
  },
);

describe('mysql-login for certain hosts', () => {
  const wrong = new Secret('Xx0-of-nobody-4742');
  const first = new Secret('Aa0-first-of-a-4711');
  const named = () => bind('mysql-login', { host: '10.0.%' }).target;

  it('a refusal from an address that they may not come from says nothing of the password', async () => {
    isElsewhere = true;
    expect(await named().adopt(first, 'app_a')).toBeUndefined();
    expect(await named().check(first, 'app_a')).toBe('unknown');
    expect(await named().check(wrong, 'app_a')).toBe('unknown');
  });

  it('once one of the two was let in from here, one says that it is wrong: a revocation comes to its end', async () => {
    const target = named();
    expect(await target.check(first, 'app_a')).toBe('accepted');
    expect(await target.check(wrong, 'app_b')).toBe('refused');
    const stay = async () => true;
    await target.revoke('b', new Secret('Bb0-first-of-b-4712'), stay);
    await target.revoke('b', new Secret('Bb0-first-of-b-4712'), stay);
    expect(writes).toBe(1);
  });

  it('for all hosts a refusal is one', async () => {
    expect(await bind('mysql-login').target.check(wrong, 'app_a')).toBe('refused');
  });
});
