/** The promises of both kinds, kept against real servers. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { KeyturnError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Rotator } from '../../src/ports/rotator.ts';
import { rotatorContract, SECRET } from '../contract/rotator.contract.ts';
import { mariaPeer, type Peer, postgresPeer } from './subjects.ts';

const clock = { now: () => new Date(), sleep: async () => undefined };
const stay = async () => true;
/** How a login that looks harmless gets at everything. */
const BY_ROLE = {
  postgresql: (login: string) => ['CREATE ROLE boss CREATEROLE', `GRANT boss TO "${login}"`],
  mysql: (login: string) => [
    'CREATE ROLE boss',
    'GRANT UPDATE ON mysql.* TO boss',
    `GRANT boss TO \`${login}\`@'%'`,
  ],
};
const BY_ROLE_ON_SERVER = {
  postgresql: (login: string) => ['CREATE ROLE chief REPLICATION', `GRANT chief TO "${login}"`],
  mysql: (login: string) => [
    'CREATE ROLE chief',
    'GRANT CREATE USER ON *.* TO chief',
    `GRANT chief TO \`${login}\`@'%'`,
  ],
};
let made = 0;

describe.each([
  ['postgresql-login', postgresPeer],
  ['mysql-login', mariaPeer],
])('%s', (type, start) => {
  let peer: Peer;
  let rotator: Rotator;
  beforeAll(async () => {
    peer = await start();
    rotator = peer.rotator(clock);
  });
  afterAll(() => peer.stop());

  /** Two logins that nobody has used, the first with a password of a person. */
  const fresh = async (passwords: readonly [string, string] = ['first of a', 'first of b']) => {
    const logins = [`app_${made}_a`, `app_${made}_b`] as const;
    made += 1;
    for (const [at, login] of logins.entries()) await peer.createLogin(login, passwords[at] ?? '');
    return logins;
  };
  const bind = (logins: string, more: Record<string, string> = {}) =>
    rotator.bind({ target: peer.target, options: { logins, ...more }, secret: SECRET });
  const obstacleOf = async (logins: string): Promise<string> => {
    const { obstacles } = await bind(logins).inspect();
    return obstacles.map(({ detail }) => detail).join(' ');
  };

  rotatorContract(type, async () => {
    const logins = await fresh();
    const before = peer.changes();
    return {
      rotator,
      bind: () => bind(logins.join(',')),
      first: { value: new Secret('first of a'), login: logins[0] },
      accepts: async ({ value, login = '' }) => (await peer.query(login, value.reveal())) === 'ok',
      changes: () => peer.changes() - before,
      stay,
      stranger: { value: new Secret('no password of anybody'), login: logins[0] },
    };
  });

  it('SEC-03: refuses administrators, whatever makes them so, before a password is changed', async () => {
    const [weak] = await fresh();
    await peer.createLogin('padm', 'x');
    const before = peer.changes();
    expect(await obstacleOf(`${weak},padm`)).toContain('administrator');
    expect(await obstacleOf(`${weak},keyturn`)).toContain('administrator');
    expect(peer.changes()).toBe(before);
  });

  it('SEC-03: refuses who may become an administrator by a role, or hands rights on', async () => {
    const [one, two] = await fresh();
    await peer.run(...(type === 'postgresql-login' ? BY_ROLE.postgresql : BY_ROLE.mysql)(one));
    expect(await obstacleOf(`${one},${two}`)).toContain('may become one');
    expect(await obstacleOf(`${two},app_absent`)).not.toContain('may become one');
  });

  it('SEC-03: refuses who has a right on the whole server by a role', async () => {
    const [one, two] = await fresh();
    await peer.run(
      ...(type === 'postgresql-login' ? BY_ROLE_ON_SERVER.postgresql : BY_ROLE_ON_SERVER.mysql)(
        one,
      ),
    );
    expect(await obstacleOf(`${one},${two}`)).toContain('may become one');
  });

  it('SEC-03: refuses who may write to the one table of users', async () => {
    if (type === 'postgresql-login') return; // its catalogues are nobody's to write to
    const [one, two] = await fresh();
    await peer.run(`GRANT SELECT, UPDATE ON mysql.global_priv TO \`${one}\`@'%'`);
    expect(await obstacleOf(`${one},${two}`)).toContain('may become one');
  });

  it('SEC-03: refuses a user who is there for other hosts, too, each with a password of its own', async () => {
    if (type === 'postgresql-login') return; // its roles know no hosts
    const [one, two] = await fresh();
    await peer.run(`CREATE USER \`${two}\`@'10.9.9.%' IDENTIFIED BY 'of another team'`);
    expect(await obstacleOf(`${one},${two}`)).toContain('other hosts');
    expect((await bind(`${one},${two}`, { host: '10.9.9.%' }).inspect()).obstacles).not.toEqual([]);
  });

  it('names a login that is not there', async () => {
    const [weak] = await fresh();
    expect(await obstacleOf(`${weak},app_absent`)).toContain('"app_absent"');
  });

  it('SEC-03: refuses a login whose twin in other capitals the consent could mean', async () => {
    const [one, two] = await fresh();
    await peer.createLogin(one.toUpperCase(), 'x');
    expect(await obstacleOf(`${one},${two}`)).toContain('twin');
  });

  it.each([
    "o'neil",
    'a"b',
    'a`b',
    'a]b',
    'a\\b',
    'a b',
    'x; DROP ROLE keyturn; --',
    'größe',
    "a' OR '1'='1",
    'a%40b$1',
  ])('turns the login %s, quoted right', async (name) => {
    const other = `${name}2`;
    for (const login of [name, other]) await peer.createLogin(login, 'first');
    const target = bind(`${name},${other}`);
    expect((await target.inspect()).obstacles).toEqual([]);
    const held = await target.adopt(new Secret('first'), name);
    if (held === undefined) throw new Error('The server does not know the login.');
    const { login = '', value } = await target.issue('0123456789abcdef', [held], new Date(), stay);
    expect(login).toBe(other);
    expect(await peer.query(other, value.reveal())).toBe('ok');
    expect(await peer.query(name, 'first')).toBe('ok');
    expect(peer.server.logs()).not.toContain(value.reveal());
  });

  it.each([
    ['app_a', 'two different logins'],
    ['app_a,app_b,app_c', 'two different logins'],
    ['app_a,APP_A', 'two different logins'],
    ['app_a,x\n', 'two different logins'],
    ['app_a,x\u0007y', 'do not print'],
    ['app_a,a(b', 'parentheses'],
    [`app_a,${'x'.repeat(128)}`, 'at most'],
  ])('refuses the logins %j clearly', (logins, words) => {
    const thrown = (): KeyturnError | undefined => {
      try {
        bind(logins.replace('x\n', 'app_a\n'));
        return undefined;
      } catch (error) {
        return error as KeyturnError;
      }
    };
    expect(thrown()?.reason).toBe('bad-tags');
    expect(thrown()?.detail).toContain(words);
  });

  it('says that a server is out of reach, and calls no password bad for it', async () => {
    const [one, two] = await fresh();
    const target = bind(`${one},${two}`);
    await target.inspect();
    const away = await start();
    const gone = away
      .rotator(clock)
      .bind({ target: away.target, options: { logins: `${one},${two}` }, secret: SECRET });
    await away.stop();
    expect(await gone.check(new Secret('x'), one)).toBe('unknown');
    await expect(gone.adopt(new Secret('x'), one)).rejects.toMatchObject({ reason: 'target-busy' });
    await expect(gone.issue('0123456789abcdef', ['a'], new Date(), stay)).rejects.toMatchObject({
      reason: 'target-busy',
    });
  });
});
