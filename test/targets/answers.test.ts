/**
 * What a number says of a login, by servers that are scripted. MySQL's own numbers (1862, 3118, 3955, 3159) are known by its manual
 * alone: no package of Debian has that server. Those of MariaDB and PostgreSQL are measured in `test/databases`, too.
 */
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Certificates, certificates } from '../../local/azure/authority.ts';
import { mapLocalhost } from '../../local/names.ts';
import { Secret } from '../../src/core/secret.ts';
import { type ServerAnswer, tlsFault, wordsOf } from '../../src/core/serverAnswer.ts';
import { loginAnswer } from '../../src/rotators/kit/storedLogin.ts';
import { mysql } from '../../src/targets/mysql.ts';
import { postgres } from '../../src/targets/postgres.ts';
import { mysqlServer, postgresServer, type Scripted } from './scripted.ts';

const HOST = 'db1.database.keyturn.localhost';
const VALUE = new Secret('Pp0-of-the-login-4711');
let certs: Certificates;
let server: Scripted | undefined;
beforeAll(async () => {
  mapLocalhost();
  certs = await certificates();
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

type Told = readonly [
  password: ServerAnswer['password'],
  refusedFor: ServerAnswer['refusedFor'],
  word: string,
];
const told = (answer: ServerAnswer): Told => [
  answer.password,
  answer.refusedFor,
  loginAnswer(answer),
];

async function askMysql(
  says: Parameters<typeof mysqlServer>[1],
  host = HOST,
  ca = certs.ca,
): Promise<ServerAnswer> {
  server = await mysqlServer(certs, says);
  return await mysql({ identity: undefined, ca }).tryLogin(
    { host, port: server.port },
    'app_a',
    VALUE,
  );
}
async function askPostgres(
  says: Parameters<typeof postgresServer>[1],
  host = HOST,
  ca = certs.ca,
): Promise<ServerAnswer> {
  server = await postgresServer(certs, says);
  return await postgres({ identity: undefined, ca }).tryLogin(
    { host, port: server.port },
    'app_a',
    VALUE,
  );
}

describe('MySQL and MariaDB', () => {
  it.each<readonly [number, ...Told]>([
    [1045, 'wrong', undefined, 'refused'],
    [1698, 'wrong', undefined, 'refused'],
    [1040, 'not asked', 'busy', 'busy'],
    [1129, 'not asked', 'address', 'unknown'],
    [1130, 'not asked', 'address', 'unknown'],
    [3159, 'not asked', 'no-tls', 'unknown'],
    [1203, 'right', 'limited', 'accepted'],
    [1226, 'right', 'limited', 'accepted'],
    [1044, 'right', 'database', 'accepted'],
    [1049, 'right', 'database', 'accepted'],
    [1862, 'right', 'expired', 'expired'],
    [3118, 'right', 'locked', 'disabled'],
    [4151, 'right', 'locked', 'disabled'],
    [3955, 'not asked', 'locked', 'unknown'],
    [4150, 'not asked', 'locked', 'unknown'],
    [4321, 'not asked', 'other', 'unknown'],
  ])('SRV-03: %i: the password is %s, refused for %s: %s', async (login, ...expected) => {
    const answer = await askMysql({ login });
    expect([answer.reached, answer.tls, answer.code, ...told(answer)]).toEqual([
      true,
      true,
      `${login}`,
      ...expected,
    ]);
    expect(wordsOf('db1', answer)).toContain(`db1 answered ${login}`);
    expect(JSON.stringify(answer)).not.toContain('script');
  });

  it.each<readonly [number, ...Told]>([
    [1820, 'right', 'expired', 'expired'],
    [1226, 'right', 'limited', 'accepted'],
    [1045, 'right', 'other', 'unknown'],
  ])('SRV-05: let in, and then %i', async (query, ...expected) => {
    expect(told(await askMysql({ query }))).toEqual(expected);
  });
});

describe('PostgreSQL', () => {
  it.each<readonly [string, ...Told]>([
    ['28000', 'not asked', 'address', 'unknown'],
    ['53300', 'not asked', 'busy', 'busy'],
    ['57P03', 'not asked', 'busy', 'busy'],
    ['3D000', 'not asked', 'other', 'unknown'],
    ['42501', 'not asked', 'other', 'unknown'],
    ['0A000', 'not asked', 'other', 'unknown'],
  ])(
    'SRV-03: %s before a password was asked for says nothing of it',
    async (before, ...expected) => {
      const answer = await askPostgres({ before });
      expect([answer.code, ...told(answer), server?.heard.length]).toEqual([
        before,
        ...expected,
        0,
      ]);
    },
  );

  it.each<readonly [string, ...Told]>([
    ['28000', 'right', 'off', 'disabled'],
    ['53300', 'right', 'limited', 'accepted'],
    ['42501', 'right', 'database', 'accepted'],
    ['3D000', 'right', 'database', 'accepted'],
    ['55000', 'right', 'database', 'accepted'],
    ['57P03', 'right', 'busy', 'busy'],
    ['P0001', 'right', 'other', 'unknown'],
  ])('SRV-03: %s behind AuthenticationOk comes of a right one', async (behind, ...expected) => {
    expect(told(await askPostgres({ behind }))).toEqual(expected);
  });

  it('28P01 is a wrong one', async () => {
    expect(told(await askPostgres({ wrong: '28P01' }))).toEqual(['wrong', undefined, 'refused']);
  });

  it.each<readonly [string, ...Told]>([
    ['password authentication failed', 'wrong', undefined, 'refused'],
    ['SASL authentication failed', 'wrong', undefined, 'refused'],
    ['no such user: app_a', 'not asked', 'other', 'unknown'],
    [
      'server login has been failing, try again later (server_login_retry)',
      'not asked',
      'busy',
      'busy',
    ],
    ['pgbouncer cannot connect to server', 'not asked', 'busy', 'busy'],
  ])('SRV-12: 08P01 of PgBouncer, "%s"', async (text, ...expected) => {
    expect(told(await askPostgres({ wrong: '08P01', text }))).toEqual(expected);
  });
});

describe('SRV-09: TLS', () => {
  const kinds = { mysql: askMysql, postgresql: askPostgres };
  const fault = (refusedFor: ServerAnswer['refusedFor']) => ({
    reached: true,
    tls: false,
    password: 'not asked',
    refusedFor,
  });

  it.each(['mysql', 'postgresql'] as const)(
    'SRV-09: %s: an authority that nobody trusts, another name, no TLS',
    async (kind) => {
      const ask = kinds[kind];
      // A certificate that is no authority's of this server.
      expect(await ask({}, HOST, certs.cert)).toMatchObject(fault('certificate'));
      await server?.stop();
      expect(await ask({}, 'two.labels.database.keyturn.localhost')).toMatchObject(fault('name'));
      await server?.stop();
      const answer = await ask({ tls: false });
      expect(answer).toMatchObject(fault('no-tls'));
      expect([loginAnswer(answer), server?.heard]).toEqual(['unknown', []]);
    },
  );

  it('SRV-09: silence, and a connection that breaks, are no fault of TLS', async () => {
    expect(
      tlsFault(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })),
    ).toBeUndefined();
    const gone = await postgresServer(certs, {});
    await gone.stop();
    const answer = await postgres({ identity: undefined, ca: certs.ca }).tryLogin(
      { host: HOST, port: gone.port },
      'a',
      VALUE,
    );
    expect([answer.reached, loginAnswer(answer)]).toEqual([false, 'busy']);
  });
});

describe("SRV-11: Keyturn's own login at MySQL", () => {
  const identity = { user: 'keyturn', password: async () => new Secret('of-Keyturn-itself') };
  const accounts = async (says: Parameters<typeof mysqlServer>[1]) => {
    server = await mysqlServer(certs, says);
    return await mysql({ identity, ca: certs.ca }).accounts({ host: HOST, port: server.port }, []);
  };

  it.each([
    [{ login: 1862 }, 'the password has run out: ALTER USER … PASSWORD EXPIRE NEVER'],
    [{ query: 1820 }, 'the password has run out: ALTER USER … PASSWORD EXPIRE NEVER'],
    [{ login: 4151 }, 'the login is locked: ALTER USER … ACCOUNT UNLOCK'],
    [{ login: 4150 }, 'FLUSH PRIVILEGES'],
    [{ login: 1130 }, 'let it in from where Keyturn runs'],
    [{ login: 1045 }, 'make its identity a user there'],
  ])('SRV-11: %j is told with what helps', async (says, words) => {
    await expect(accounts(says)).rejects.toMatchObject({
      reason: 'target-forbidden',
      detail: expect.stringContaining(words),
    });
  });

  it('SRV-11: an hour of too many connections passes by itself', async () => {
    await expect(accounts({ login: 1226 })).rejects.toMatchObject({ reason: 'target-busy' });
  });
});

describe('ATK-01: PostgreSQL', () => {
  it('ATK-01: is asked as Keyturn with a search path of its own, from the first message on', async () => {
    const greetings: string[] = [];
    const identity = { user: 'keyturn', password: async () => new Secret('of-Keyturn-itself') };
    server = await postgresServer(certs, { greeted: (message) => greetings.push(message) });
    const asked = postgres({ identity, ca: certs.ca }).roles({ host: HOST, port: server.port }, [
      'app_a',
    ]);
    await expect(asked).rejects.toBeDefined();
    expect(greetings.length).toBeGreaterThan(0);
    for (const greeting of greetings)
      expect(greeting).toContain('\0options\0-c search_path=pg_catalog\0');
  });
});
