import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BusyError, UnknownOutcomeError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Target } from '../../src/ports/rotator.ts';
import { allRotators, registry } from '../../src/rotators/registry.ts';
import { ROTATION, rotatorContract, SECRET, UNTIL } from './rotator.contract.ts';
import { PASSWORDS, type SqlTenant, startSqlTenant, thrown, USERS } from './sql.fixtures.ts';

let tenant: SqlTenant;
beforeAll(async () => {
  tenant = await startSqlTenant();
});
afterAll(() => tenant.azure.stop());
beforeEach(() => tenant.clear());
afterEach(() => {
  expect(tenant.azure.unusedFaults()).toEqual({});
  expect(tenant.azure.problems).toEqual([]);
});

const LOGINS = { logins: 'app_a,app_b' };
const bind = (options: Record<string, string> = LOGINS): Target =>
  tenant.rotator('sql-login').bind({ target: tenant.server.id, options, secret: SECRET });
const partners = () => ({ ...LOGINS, servers: tenant.partner.id });
const first = new Secret(PASSWORDS.app_a);
const issue = (target = bind(), keep: readonly string[] = ['a']) =>
  target.issue(ROTATION, keep, UNTIL, tenant.stay);
const statements = () =>
  tenant.server.statements.map(({ text }) => text.replace(/N'[^']*'/, "N'…'"));

rotatorContract('sql-login', async () => ({
  rotator: tenant.rotator('sql-login'),
  bind: () => bind(),
  first: { value: new Secret(PASSWORDS.app_a), login: 'app_a' },
  stranger: { value: new Secret('Aa0-nobody-knows-it'), login: 'app_a' },
  stay: tenant.stay,
  changes: () => tenant.azure.changes().length,
  accepts: async ({ value, login = '' }) => tenant.server.accepts(login, value.reveal()),
}));

describe('contained users', () => {
  rotatorContract('sql-login', async () => ({
    rotator: tenant.rotator('sql-login'),
    bind: () => bind({ users: 'user_a,user_b', database: 'shop' }),
    first: { value: new Secret(USERS.user_a), login: 'user_a' },
    stranger: { value: new Secret('Aa0-nobody-knows-it'), login: 'user_b' },
    stay: tenant.stay,
    changes: () => tenant.azure.changes().length,
    accepts: async ({ value, login = '' }) => tenant.server.accepts(login, value.reveal(), 'shop'),
  }));

  it('have an id of their own, below the database', () => {
    expect(bind({ users: 'User_B,user_a', database: 'Shop' }).id).toBe(
      `${tenant.server.id.toLowerCase()}/databases/shop/logins/user_a,user_b`,
    );
  });
});

describe('two logins', () => {
  it('SQL-01: are changed by one plain batch with a literal, in no other way', async () => {
    const { value, login } = await issue();
    expect(statements()).toEqual(["ALTER LOGIN [app_b] WITH PASSWORD = N'…'"]);
    expect(tenant.server.statements).toMatchObject([
      { kind: 'batch', database: 'master', by: 'id-keyturn' },
    ]);
    expect(tenant.server.statements[0]?.text).toContain(`N'${value.reveal()}'`);
    expect(login).toBe('app_b');
  });

  it('are two, both named by the tag, in whatever order', () => {
    expect(bind({ logins: 'app_b,app_a' }).id).toBe(bind().id);
    // The server takes no notice of capitals: two spellings that sort in another way would be two targets.
    expect(bind({ logins: 'App_B,app_a' }).id).toBe(bind().id);
    expect(bind().logins).toEqual(['app_a', 'app_b']);
  });

  it('that are switched off are switched on with their new password', async () => {
    const login = tenant.server.login('app_b');
    if (login) login.enabled = false;
    const { value } = await issue();
    expect(statements()).toEqual([
      "ALTER LOGIN [app_b] WITH PASSWORD = N'…'",
      'ALTER LOGIN [app_b] ENABLE',
    ]);
    expect(tenant.server.accepts('app_b', value.reveal())).toBe(true);
  });

  it('SQL-10: checks with a connection of its own each time, and leaves none open', async () => {
    const target = bind();
    const before = tenant.server.opened;
    await target.check(first, 'app_a');
    await target.check(first, 'app_a');
    expect(tenant.server.opened - before).toBe(2);
    expect(await tenant.openIs(0)).toBe(true);
  });

  it('SQL-10: what was open when the password changed stays open', async () => {
    const { Connection } = await import('tedious');
    const connection = new Connection({
      server: 'sql1.database.keyturn.localhost',
      authentication: {
        type: 'default',
        options: { userName: 'app_b', password: PASSWORDS.app_b },
      },
      options: { port: tenant.azure.world.tdsPort, encrypt: true, database: 'master' },
    });
    connection.on('error', () => undefined);
    await new Promise<void>((resolve, reject) =>
      connection.connect((error) => (error ? reject(error) : resolve())),
    );
    await issue();
    expect(await tenant.openIs(1)).toBe(true);
    const ended = new Promise((resolve) => connection.once('end', resolve));
    connection.close();
    await ended;
  });

  it('speak TDS 8.0, where the cloud says so', async () => {
    const strict = { ...tenant, cloud: { ...tenant.cloud, sqlStrict: true } };
    const rotator = registry(allRotators(strict)).get('sql-login');
    const target = rotator?.bind({ target: tenant.server.id, options: LOGINS, secret: SECRET });
    if (!target) throw new Error('not registered');
    const { value } = await issue(target);
    expect(await target.check(value, 'app_b')).toBe('accepted');
    expect(await target.check(first, 'app_b')).toBe('refused');
  });

  it('SQL-09: get one password on every server before it is given back', async () => {
    const { value } = await issue(bind(partners()));
    expect(tenant.server.accepts('app_b', value.reveal())).toBe(true);
    expect(tenant.partner.accepts('app_b', value.reveal())).toBe(true);
  });

  it('SQL-09: are not known where one server refuses the value', async () => {
    tenant.partner.createLogin('app_a', 'Aa0-another-here-99');
    expect(await bind(partners()).adopt(first, 'app_a')).toBeUndefined();
    expect(await bind(partners()).check(first, 'app_a')).toBe('refused');
  });

  it('SQL-09: a partner that is not there is refused before anything changes', async () => {
    const options = { ...LOGINS, servers: tenant.partner.id.replace('sql2', 'sql9') };
    expect((await thrown(bind(options).inspect())).reason).toMatch(/no-consent|target-forbidden/);
    expect(tenant.azure.writes()).toEqual([]);
  });

  it('SQL-09: a failover partner that the tag does not list is pointed out, with its id', async () => {
    tenant.server.failoverGroups.push({ name: 'fog1', partner: tenant.partner });
    const { obstacles, hosts } = await bind().inspect();
    expect(obstacles).toMatchObject([{ reason: 'bad-tags' }]);
    expect(obstacles[0]?.detail).toContain(tenant.partner.id.toLowerCase());
    expect((await bind(partners()).inspect()).obstacles).toEqual([]);
    const port = tenant.azure.world.tdsPort;
    expect(hosts).toEqual([
      `sql1.database.keyturn.localhost:${port}`,
      `fog1.database.keyturn.localhost:${port}`,
      `fog1.secondary.database.keyturn.localhost:${port}`,
    ]);
  });

  it('SQL-05: an Entra-only server is an obstacle', async () => {
    tenant.server.entraOnly = true;
    expect((await bind().inspect()).obstacles).toMatchObject([{ reason: 'entra-only' }]);
    expect((await thrown(issue())).reason).toBe('entra-only');
    expect(tenant.server.statements).toEqual([]);
  });

  it.each(['padm', 'PADM', 'dba-group', 'ｐadm'])(
    'SEC-03: an administrator, as in %j, is never altered',
    async (name) => {
      const target = bind({ logins: `app_a,${name}` });
      expect((await target.inspect()).obstacles).toMatchObject([{ reason: 'bad-tags' }]);
      expect((await thrown(issue(target, []))).reason).toBe('bad-tags');
      expect(tenant.server.statements).toEqual([]);
    },
  );

  it('the login of the value has to be one of the two', async () => {
    expect((await thrown(bind().adopt(first, 'svc'))).reason).toBe('bad-value');
    expect(tenant.azure.calls.filter(({ route }) => route.startsWith('tds.'))).toEqual([]);
  });

  it('SDK-01: a change whose answer was lost is found by logging in', async () => {
    tenant.azure.fault('tds.batch', [{ commit: true, drop: true }]);
    const { value } = await issue();
    expect(tenant.server.accepts('app_b', value.reveal())).toBe(true);
    expect(tenant.server.statements).toHaveLength(1);
  });

  it('SDK-01: one that was lost itself has an unknown outcome, and nothing is sent again', async () => {
    tenant.azure.fault('tds.batch', [{ drop: true }]);
    expect(await thrown(issue())).toBeInstanceOf(UnknownOutcomeError);
    expect(tenant.server.statements).toHaveLength(1);
    expect(tenant.server.accepts('app_a', PASSWORDS.app_a)).toBe(true);
  });

  it.each([
    ['40501', BusyError, 'target-busy'],
    ['40197', UnknownOutcomeError, 'target-busy'],
  ])('error %s of a statement', async (code, kind, reason) => {
    tenant.azure.fault('tds.batch', [{ code }]);
    const error = await thrown(issue());
    expect(error).toBeInstanceOf(kind);
    expect(error.reason).toBe(reason);
  });

  it.each([
    ['15118', 'not-accepted'],
    ['15116', 'not-accepted'],
    ['15151', 'target-forbidden'],
    ['102', 'failed'],
  ])(
    'error %s of a statement is %s, with its number and nothing that the server wrote',
    async (code, reason) => {
      tenant.azure.fault('tds.batch', [{ code, message: 'Aa0-echo-of-a-secret' }]);
      const error = await thrown(issue());
      expect([error.reason, error.facts.code]).toEqual([reason, code]);
      expect(JSON.stringify([error.detail, error.message])).not.toContain('echo');
    },
  );

  it('without a login of its own Keyturn is refused, and says so', async () => {
    tenant.server.entraLogins.clear();
    const error = await thrown(issue());
    tenant.server.entraLogins.set(
      tenant.azure.world.identity.oid,
      new Set(['ALTER ANY LOGIN', 'ALTER ANY USER']),
    );
    expect(error.reason).toBe('target-forbidden');
    expect(tenant.server.statements).toEqual([]);
  });

  it.each([40615, 40914, 47073, 42101, 'socket'] as const)(
    'SQL-11: %s says nothing of a password: unknown, never refused',
    async (closed) => {
      tenant.server.closed = closed;
      expect(await bind().check(first, 'app_a')).toBe('unknown');
      const error = await thrown(bind().adopt(first, 'app_a'));
      expect(error.reason).toBe('no-path');
      expect(error.detail).toContain('sql1.database.keyturn.localhost');
      expect((await thrown(issue())).reason).toBe('no-path');
      expect(tenant.server.statements).toEqual([]);
    },
  );

  it.each(['40532', '47072', '18452', '33299'])(
    'SRV-11: error %s, which says nothing of a password, is told with its number and no "failed"',
    async (code) => {
      tenant.azure.outage('tds.login', { code });
      const target = bind();
      expect(await target.check(first, 'app_a')).toBe('unknown');
      expect(await target.adopt(first, 'app_a')).toBeUndefined();
      expect(target.said?.()).toMatchObject({
        doubt: code === '47072' ? 'untrusted-server' : 'cannot-tell',
        detail: expect.stringContaining(`sql1 answered ${code}`),
      });
      const own = await thrown(issue());
      tenant.azure.heal();
      expect([own.reason, own.facts.code]).toEqual([
        code === '47072' ? 'untrusted-server' : 'target-forbidden',
        code,
      ]);
    },
  );

  it.each(['18487', '18488'])(
    'SRV-05: error %s: the password is right, and has run out',
    async (code) => {
      tenant.azure.fault('tds.login', [{ code }]);
      const target = bind();
      expect(await target.adopt(first, 'app_a')).toBe('a');
      expect(target.said?.()?.expired).toBe(true);
      tenant.azure.fault('tds.login', [{ code }]);
      expect(await target.check(first, 'app_a')).toBe('refused');
    },
  );

  it('a login that the server cannot try now is asked again', async () => {
    tenant.azure.fault('tds.login', [{ code: '40613' }, { code: '40501' }]);
    expect(await bind().check(first, 'app_a')).toBe('accepted');
    tenant.azure.fault('tds.login', [{ code: '40613' }, { code: '40613' }, { code: '40613' }]);
    expect(await thrown(bind().adopt(first, 'app_a'))).toBeInstanceOf(BusyError);
  });

  it('a new password may be refused for two minutes, to the pass that issued it', async () => {
    const target = bind();
    const { value } = await issue(target);
    tenant.azure.outage('tds.login', { code: '18456' });
    expect(await target.check(value, 'app_b')).toBe('not-yet');
    await tenant.stay(121);
    expect(await target.check(value, 'app_b')).toBe('refused');
    expect(await bind().check(value, 'app_b')).toBe('refused');
  });

  it('revokes by a password that nobody keeps, on every server', async () => {
    const target = bind(partners());
    const { value, handle } = await issue(target);
    await target.revoke('a', first, tenant.stay);
    for (const server of [tenant.server, tenant.partner]) {
      expect(server.accepts('app_a', PASSWORDS.app_a)).toBe(false);
      expect(server.accepts('app_b', value.reveal())).toBe(true);
    }
    expect(handle).toBe('b');
  });

  it('revokes one that a person switched off, whose old password would work again later, and leaves it off', async () => {
    const login = tenant.server.login('app_a');
    if (!login) throw new Error('app_a is not there');
    login.enabled = false;
    await bind().revoke('a', first, tenant.stay);
    expect(login.enabled).toBe(false);
    login.enabled = true;
    expect(tenant.server.accepts('app_a', PASSWORDS.app_a)).toBe(false);
  });

  it('SEC-02: a host that Azure names outside of the suffix is never dialled', async () => {
    const body = {
      name: 'sql1',
      properties: {
        administratorLogin: 'padm',
        fullyQualifiedDomainName: 'sql1.database.keyturn.localhost.evil.example',
      },
    };
    tenant.azure.fault('arm.sqlServer', [{ status: 200, body }]);
    expect((await thrown(bind().check(first, 'app_a'))).reason).toBe('failed');
    expect(tenant.azure.calls.filter(({ route }) => route.startsWith('tds.'))).toEqual([]);
  });

  it.each([
    [{}, '`logins`'],
    [{ logins: 'app_a' }, '"app_a"'],
    [{ logins: 'app_a,APP_A' }, 'two different'],
    [{ logins: 'app_a,app_b,svc' }, 'two different'],
    [{ logins: 'app_a,sa' }, 'never rotated'],
    [{ logins: 'app_a,##MS_x##' }, 'never rotated'],
    [{ logins: 'app_a,DOM\\svc' }, 'Windows login'],
    [{ users: 'user_a,user_b' }, '`database`'],
    [{ logins: 'app_a,app_b', database: 'shop' }, '`database`'],
    [{ logins: 'app_a,app_b', users: 'user_a,user_b', database: 'shop' }, '`logins`'],
    [{ users: 'user_a,user_b', database: 'master' }, '"master"'],
    [{ logins: 'app_a,app_b', servers: 'evil.example' }, '"evil.example"'],
    [{ logins: 'app_a,app_b', login: 'app_a' }, '"login"'],
  ])(
    'SQL-01: refuses the options %j, naming the tag',
    async (options: Record<string, string>, named) => {
      const error = await thrown((async () => bind(options))());
      expect(error.reason).toBe('bad-tags');
      expect(error.detail).toContain('rotator-options');
      expect(error.detail).toContain(named);
      expect(tenant.azure.calls).toEqual([]);
    },
  );
});
