/** Cases section 5 and the SEC cases of SQL, end to end: the real entry, ARM and TDS as they answer. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SqlServer } from '../../local/azure/sqlServer.ts';
import { movingClock } from './clock.ts';
import { type Dialled, watchDialling } from './dialled.ts';
import type { Tenant } from './harness.ts';
import {
  ADMIN,
  accepts,
  dueSql,
  heldIn,
  look,
  PASSWORDS,
  rotatedSql,
  SEEDS,
  seedSql,
  startSqlTenant,
  USERS,
} from './sqlStories.ts';
import { callsTo } from './stories.ts';

let tenant: Tenant;
let sql1: SqlServer;
let sql2: SqlServer;
beforeAll(async () => {
  tenant = await startSqlTenant();
  [sql1, sql2] = [tenant.azure.sqlServer('sql1'), tenant.azure.sqlServer('sql2')];
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const patches = () => callsTo(tenant, 'arm.sqlServerUpdate');
const statements = (server = sql1) =>
  server.statements.map(({ text }) => text.replace(/N'.*'/, "N'…'"));
const PARTNER = () => `servers=${encodeURIComponent(sql2.id)}`;

describe('two logins in turn', () => {
  it('the login changes with the password, everything else stays, and the old one lives through its grace', async () => {
    const v1 = await dueSql(tenant, 'db-pw');
    await look(tenant, 'db-pw');
    const v2 = tenant.current('db-pw');
    expect(heldIn(v2)).toMatchObject({ username: 'app_b', host: 'sql1', note: 'kept as it is' });
    expect([tenant.stateOf(v2).cred, v2.contentType]).toEqual(['b', 'text/x-login']);
    await tenant.advance({ hours: 47 }, { sweepEvery: 12 });
    expect([accepts(sql1, v1), accepts(sql1, v2)]).toEqual([true, true]);
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect([accepts(sql1, v1), accepts(sql1, v2)]).toEqual([false, true]);
    expect(tenant.versions('db-pw').at(-2)?.enabled).toBe(false);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it('goes on by itself: three rotations, each login in its turn', async () => {
    const v1 = seedSql(tenant, 'db-pw');
    const used = [heldIn(v1).username];
    for (let turn = 0; turn < 3; turn += 1) {
      await tenant.goTo(tenant.dueOn('db-pw'));
      await look(tenant, 'db-pw');
      used.push(heldIn(tenant.current('db-pw')).username);
      expect(accepts(sql1, tenant.current('db-pw'))).toBe(true);
    }
    expect(used).toEqual(['app_a', 'app_b', 'app_a', 'app_b']);
    await tenant.check();
  });

  it('users of one database as well', async () => {
    const v2 = await rotatedSql(tenant, 'users');
    expect(heldIn(v2).username).toBe('user_b');
    expect(accepts(sql1, v2, 'shop')).toBe(true);
    expect(sql1.accepts('user_a', USERS.user_a, 'shop')).toBe(true);
    expect(statements()).toEqual(["ALTER USER [user_b] WITH PASSWORD = N'…'"]);
    await tenant.check();
  });

  it('in a connection string, of which login and password alone change', async () => {
    const host = `sql1.database.keyturn.localhost,${tenant.azure.world.tdsPort}`;
    const value = (login: string, password: string) =>
      `Server=tcp:${host};Database=shop;User ID=${login};Password=${password};Encrypt=True;`;
    const v2 = await rotatedSql(tenant, 'db-pw', {
      options: 'logins=app_a,app_b',
      value: value('app_a', PASSWORDS.app_a),
    });
    const [, password = ''] = /Password=([^;]*)/.exec(v2.value) ?? [];
    expect(v2.value).toBe(value('app_b', password));
    expect(sql1.accepts('app_b', password)).toBe(true);
    await tenant.check();
  });
});

describe('SQL-01: statements take no parameters', () => {
  it('SQL-01: names with a bracket or a quote are quoted right', async () => {
    const v2 = await rotatedSql(tenant, 'odd');
    expect(heldIn(v2).username).toBe("o'neil");
    expect(accepts(sql1, v2)).toBe(true);
    await tenant.goTo(tenant.dueOn('odd'));
    await look(tenant, 'odd');
    expect(heldIn(tenant.current('odd')).username).toBe('x]y');
    expect(accepts(sql1, tenant.current('odd'))).toBe(true);
    expect(statements()).toContain("ALTER LOGIN [x]]y] WITH PASSWORD = N'…'");
    await tenant.check();
  });

  it.each(["app] WITH PASSWORD='x'; DROP LOGIN [other", 'DOM\\svc', 'app\u0000', 'x'.repeat(129)])(
    'SQL-01: the login option %j is refused or not consented to, and nothing is sent',
    async (name) => {
      await dueSql(tenant, 'db-pw', {
        options: `logins=app_a,${encodeURIComponent(name)};field=password`,
      });
      await look(tenant, 'db-pw');
      const row = await tenant.row('db-pw');
      expect(row?.step).toBe('refuse');
      expect(row?.reason).toMatch(/bad-tags|no-consent/);
      expect(sql1.statements).toEqual([]);
      expect(callsTo(tenant, 'tds.login')).toEqual([]);
    },
  );

  it('SQL-01: a login that cannot be written into the connection string is found out before its password is changed', async () => {
    const host = `sql1.database.keyturn.localhost,${tenant.azure.world.tdsPort}`;
    sql1.createLogin('app_b@sql1', 'Aa0-first-of-strange-1');
    const consent = 'keyturn sql-login: kv1/db-pw(app_a,app_b@sql1)';
    tenant.azure.setDescription(
      { scope: sql1.id, principalId: tenant.azure.world.identity.oid },
      consent,
    );
    await dueSql(tenant, 'db-pw', {
      options: 'logins=app_a,app_b@sql1',
      value: `Server=tcp:${host};User ID=app_a;Password=${PASSWORDS.app_a};`,
    });
    await look(tenant, 'db-pw');
    expect(await tenant.row('db-pw')).toMatchObject({ step: 'refuse', reason: 'bad-value' });
    expect(sql1.statements).toEqual([]);
  });

  it('SQL-01: a bare password under sql-login is refused, naming the forms that carry a login', async () => {
    await dueSql(tenant, 'db-pw', { options: 'logins=app_a,app_b', value: PASSWORDS.app_a });
    await look(tenant, 'db-pw');
    expect(await tenant.row('db-pw')).toMatchObject({
      step: 'refuse',
      reason: 'bad-value',
      detail: expect.stringMatching(/connection string or JSON/),
    });
    expect(sql1.statements).toEqual([]);
  });
});

describe('SQL-03: accepted is not done', () => {
  it('SQL-03: a failure in the poll: the target rejected the password, the old one is current and still logs in', async () => {
    await dueSql(tenant, 'adm');
    const location = `${tenant.azure.url('management')}/subscriptions/${tenant.azure.world.subscriptionId}/providers/Microsoft.Sql/locations/westeurope/serverAzureAsyncOperation/op?api-version=2022-08-01-preview`;
    tenant.azure.fault('arm.sqlServerUpdate', [
      { status: 202, headers: { 'azure-asyncoperation': location }, body: {} },
    ]);
    const error = { code: 'PasswordNotComplex', message: 'Password validation failed.' };
    tenant.azure.fault('arm.sqlOperation', [
      { status: 200, body: { name: 'op', status: 'Failed', error } },
    ]);
    await look(tenant, 'adm');
    expect(tenant.versions('adm')).toHaveLength(1);
    expect(sql1.accepts('padm', ADMIN)).toBe(true);
    expect(tenant.alerts('adm')).toMatchObject([
      {
        reason: 'not-accepted',
        detail: expect.stringContaining('The target rejected the password'),
      },
    ]);
    await tenant.check();
  });
});

describe('an answer to a login that nobody knows', () => {
  it('after the one password was set keeps nobody from storing it: the server has no other any more', async () => {
    await dueSql(tenant, 'one');
    const clock = movingClock();
    const strange = () => {
      if (sql1.statements.length > 0) tenant.azure.outage('tds.login', { code: '40532' });
    };
    const now = () => {
      strange();
      return clock.now();
    };
    tenant.configure({}, { now, sleep: clock.sleep });
    await look(tenant, 'one');
    tenant.azure.heal();
    tenant.configure();
    expect(tenant.versions('one')).toHaveLength(2);
    expect(sql1.accepts('svc', tenant.current('one').value)).toBe(true);
  });
});

describe('SQL-05: Entra-only servers', () => {
  it.each(['adm', 'db-pw', 'one'])(
    'SQL-05: %s is refused with the advice, and nothing is sent',
    async (name) => {
      await dueSql(tenant, name);
      sql1.entraOnly = true;
      tenant.azure.calls.length = 0;
      await look(tenant, name);
      expect(await tenant.row(name)).toMatchObject({
        step: 'refuse',
        reason: 'entra-only',
        detail: expect.stringContaining('drop the secret'),
      });
      expect(tenant.azure.writes()).toEqual([]);
      expect(callsTo(tenant, 'tds.login')).toEqual([]);
      expect(tenant.alerts(name)).toHaveLength(1);
    },
  );
});

describe('ATK-01: a server whose Entra administrator is Keyturn', () => {
  const own = (name: string) => tenant.azure.env()[name]?.toUpperCase(); // ids are compared whatever their capitals

  it.each([
    ['db-pw', 'KEYTURN_IDENTITY_PRINCIPAL_ID'],
    ['users', 'KEYTURN_IDENTITY_PRINCIPAL_ID'],
    ['one', 'KEYTURN_IDENTITY_CLIENT_ID'],
  ])(
    'ATK-01: %s sends no statement where a trigger would act as the administrator (%s)',
    async (name, id) => {
      await dueSql(tenant, name);
      sql1.entraAdministratorId = own(id);
      await look(tenant, name);
      expect(await tenant.row(name)).toMatchObject({ step: 'refuse', reason: 'own-administrator' });
      expect(statements()).toEqual([]);
      expect(tenant.azure.writes()).toEqual([]);
      expect(tenant.alerts(name)).toHaveLength(1);
    },
  );

  it('ATK-01: a partner counts, too; a password set through Resource Manager runs nothing there', async () => {
    await dueSql(tenant, 'db-pw', { options: `${SEEDS['db-pw']?.options};${PARTNER()}` });
    sql2.entraAdministratorId = own('KEYTURN_IDENTITY_PRINCIPAL_ID');
    await look(tenant, 'db-pw');
    expect(await tenant.row('db-pw')).toMatchObject({
      step: 'refuse',
      reason: 'own-administrator',
    });
    sql1.entraAdministratorId = own('KEYTURN_IDENTITY_PRINCIPAL_ID');
    await dueSql(tenant, 'adm');
    await look(tenant, 'adm');
    expect(tenant.versions('adm')).toHaveLength(2);
    expect(statements()).toEqual([]);
  });
});

describe('SQL-06: an update that does too much, or nothing', () => {
  it('SQL-06: the PATCH holds the password and nothing else, and nothing is PUT', async () => {
    const v2 = await rotatedSql(tenant, 'adm');
    expect(sql1.patches).toEqual([['properties.administratorLoginPassword']]);
    expect(
      tenant.azure.calls.filter(
        ({ method, route }) => method === 'PUT' && route.startsWith('arm.'),
      ),
    ).toEqual([]);
    expect(sql1.accepts('padm', v2.value)).toBe(true);
    await tenant.check();
  });

  it('SQL-06: a PATCH answered 200 that changes nothing: the login fails, and nothing is stored', async () => {
    await dueSql(tenant, 'adm');
    tenant.azure.fault('arm.sqlServerUpdate', [
      { status: 200, body: { name: 'sql1', properties: {} } },
    ]);
    await look(tenant, 'adm');
    expect(tenant.versions('adm')).toHaveLength(1);
    expect(sql1.accepts('padm', ADMIN)).toBe(true);
    expect(tenant.alerts('adm').map(({ reason }) => reason)).toEqual(['not-accepted']);
    await tenant.check();
  });
});

describe('SQL-09: failover partners hold copies of their own', () => {
  const options = () => `logins=app_a,app_b;field=password;login-field=username;${PARTNER()}`;

  it('SQL-09: every server takes the value before it is stored', async () => {
    const v2 = await rotatedSql(tenant, 'db-pw', { options: options() });
    expect([accepts(sql1, v2), accepts(sql2, v2)]).toEqual([true, true]);
    await tenant.check();
  });

  it('SQL-09: a partner that answers 404 is refused like a target that is not there, with 0 writes', async () => {
    await dueSql(tenant, 'adm', { options: PARTNER() });
    tenant.azure.outage('arm.sqlServer', { status: 404, host: 'management' });
    tenant.azure.calls.length = 0;
    await look(tenant, 'adm');
    expect(await tenant.row('adm')).toMatchObject({ step: 'refuse', reason: 'no-consent' });
    expect(tenant.azure.writes()).toEqual([]);
  });

  it('SQL-09: a partner without consent of its own is refused', async () => {
    tenant.azure.setDescription({ scope: sql2.id }, 'keyturn sql-login: kv1/other');
    await dueSql(tenant, 'adm', { options: PARTNER() });
    tenant.azure.calls.length = 0;
    await look(tenant, 'adm');
    expect(await tenant.row('adm')).toMatchObject({ step: 'refuse', reason: 'no-consent' });
    expect(tenant.azure.writes()).toEqual([]);
  });

  it('SQL-09: a partner that does not take it: nothing stored, one alert names both, the next pass ends with one value', async () => {
    await dueSql(tenant, 'adm', { options: PARTNER() });
    tenant.azure.fault('arm.sqlServerUpdate', [
      {},
      { status: 500 },
      { status: 500 },
      { status: 500 },
    ]);
    await look(tenant, 'adm');
    expect(tenant.versions('adm')).toHaveLength(1);
    expect(tenant.alerts('adm')).toMatchObject([
      { reason: 'not-accepted', detail: expect.stringMatching(/sql1.*sql2/) },
    ]);
    // What the vault names works on both again.
    expect([sql1.accepts('padm', ADMIN), sql2.accepts('padm', ADMIN)]).toEqual([true, true]);
    await tenant.advance({ hours: 2 }, { sweepEvery: 0.5 });
    const { value } = tenant.current('adm');
    expect(tenant.versions('adm')).toHaveLength(2);
    expect([sql1.accepts('padm', value), sql2.accepts('padm', value)]).toEqual([true, true]);
    await tenant.check();
  });

  it('SQL-09, SDK-01: a password that arrives at the partner after it was given up locks nobody out for longer than minutes', async () => {
    await dueSql(tenant, 'adm', { options: PARTNER() });
    tenant.azure.fault('arm.sqlServerUpdate', [
      {},
      { status: 500 },
      { status: 500 },
      { status: 500 },
    ]);
    await look(tenant, 'adm');
    sql2.setPassword(sql2.administrator, 'Late0-twin-of-the-new-one');
    await tenant.settle(11 * 60); // no sweep, no event: what the pass itself put on the queue
    const { value } = tenant.current('adm');
    expect([sql1.accepts('padm', value), sql2.accepts('padm', value)]).toEqual([true, true]);
    expect(tenant.alerts('adm').map(({ reason }) => reason)).toEqual(['not-accepted']);
    await tenant.check();
  });

  it('SQL-09: two secrets that name the servers the other way round are one pair all the same: neither takes the login of the other', async () => {
    const consent = 'keyturn sql-login: kv1/db-pw(app_a,app_b), kv1/other(app_a,app_b)';
    for (const { id } of [sql1, sql2])
      tenant.azure.setDescription(
        { scope: id, principalId: tenant.azure.world.identity.oid },
        consent,
      );
    const tags = { rotator: 'sql-login', 'rotator-target': sql2.id };
    const options = `logins=app_a,app_b;field=password;login-field=username;servers=${encodeURIComponent(sql1.id)}`;
    const other = JSON.stringify({ username: 'app_b', password: PASSWORDS.app_b });
    const theirs = tenant.seed('other', {
      value: other,
      tags: { ...tags, 'rotator-options': options },
    });
    await dueSql(tenant, 'db-pw', {
      options: `logins=app_a,app_b;field=password;login-field=username;${PARTNER()}`,
    });
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    await look(tenant, 'db-pw');
    expect(tenant.versions('db-pw')).toHaveLength(1);
    expect([accepts(sql1, theirs), accepts(sql2, theirs)]).toEqual([true, true]);
    expect(await tenant.row('db-pw')).toMatchObject({
      reason: expect.stringMatching(/^slots?-held$/),
    });
  });

  it('SQL-09: a partner that the tags do not list is pointed out', async () => {
    sql1.failoverGroups.push({ name: 'fog1', partner: sql2 });
    await dueSql(tenant, 'adm');
    tenant.azure.calls.length = 0;
    await look(tenant, 'adm');
    expect(await tenant.row('adm')).toMatchObject({
      step: 'refuse',
      reason: 'bad-tags',
      detail: expect.stringContaining('`servers`'),
    });
    expect(tenant.azure.writes()).toEqual([]);
  });
});

describe('SQL-10: open connections outlive the password', () => {
  it('SQL-10: each check is a new connection that is closed again; after the revocation the old password is rejected', async () => {
    const v1 = await dueSql(tenant, 'db-pw');
    const before = sql1.opened;
    await look(tenant, 'db-pw');
    expect(sql1.opened - before).toBeGreaterThan(2);
    await tenant.until('closed connections', () => sql1.open === 0);
    await tenant.advance({ hours: 50 }, { sweepEvery: 10 });
    expect(accepts(sql1, v1)).toBe(false);
    await tenant.check();
  });
});

describe('SQL-11: no network path to the server', () => {
  it.each(['adm', 'db-pw', 'one'])(
    'SQL-11: %s: closed from the start is refused with 0 writes',
    async (name) => {
      await dueSql(tenant, name);
      sql1.closed = 40615;
      tenant.azure.calls.length = 0;
      await look(tenant, name);
      expect(await tenant.row(name)).toMatchObject({
        step: 'refuse',
        reason: 'no-path',
        detail: expect.stringContaining('sql1.database.keyturn.localhost'),
      });
      expect(tenant.azure.writes()).toEqual([]);
      expect(tenant.alerts(name)).toHaveLength(1);
      sql1.closed = undefined;
      await tenant.advance({ hours: 26 }, { sweepEvery: 2 });
      expect(tenant.versions(name)).toHaveLength(2);
      await tenant.check();
    },
  );

  it('SQL-11: closed after the PATCH: stored, unproved, changed no more, one alert about the path', async () => {
    await dueSql(tenant, 'adm');
    const setPassword = sql1.setPassword.bind(sql1);
    sql1.setPassword = (login, password) => {
      setPassword(login, password);
      sql1.closed = 'socket';
    };
    await look(tenant, 'adm');
    sql1.setPassword = setPassword;
    await tenant.advance({ hours: 30 }, { sweepEvery: 3 });
    const current = tenant.current('adm');
    expect(tenant.versions('adm')).toHaveLength(2);
    expect(patches()).toHaveLength(1);
    expect(sql1.accepts('padm', current.value)).toBe(true);
    expect(tenant.stateOf(current).proved).toBeUndefined();
    expect(tenant.alerts('adm').map(({ reason }) => reason)).toEqual(['no-path']);
    sql1.closed = undefined;
    await tenant.advance({ hours: 30 }, { sweepEvery: 3 });
    expect(tenant.stateOf(current).proved).toBe(current.id.slice(0, 8));
    await tenant.check();
  });

  it('SQL-11: `arm-only` goes by the word of Azure where no path is', async () => {
    sql1.closed = 'socket';
    await rotatedSql(tenant, 'adm', { options: 'arm-only=true' });
    expect(patches()).toHaveLength(1);
    await tenant.check();
  });
});

describe('IAC-04: a secret that starts as a placeholder', () => {
  const JSON_FORM = 'field=password;login-field=username';
  it.each([
    [
      'db-pw',
      JSON.stringify({ username: 'app_a', password: 'keyturn:new' }),
      `logins=app_a,app_b;${JSON_FORM}`,
    ],
    ['one', 'keyturn:new', 'login=svc'],
    ['adm', 'keyturn:new', ''],
  ])(
    'IAC-04: %s gets its first credential at once, with nothing owed',
    async (name, value, options) => {
      seedSql(tenant, name, { value, options });
      await tenant.sweepAndSettle();
      await tenant.sweepAndSettle();
      const current = tenant.current(name);
      expect(tenant.versions(name)).toHaveLength(2);
      expect(tenant.stateOf(current).after).toBeUndefined();
      expect(tenant.stateOf(current).proved).toBe(current.id.slice(0, 8));
      await tenant.check();
    },
  );

  it('SQL-11: without a path the placeholder stays, and nothing is changed', async () => {
    sql1.closed = 42101;
    seedSql(tenant, 'adm', { value: 'keyturn:new' });
    await tenant.sweepAndSettle();
    expect(await tenant.row('adm')).toMatchObject({ step: 'refuse', reason: 'no-path' });
    expect(patches()).toEqual([]);
  });
});

describe('a value that Keyturn wrote and the server refuses', () => {
  it('is healed: with two logins by the other one, and what is owed stays owed', async () => {
    const v1 = await dueSql(tenant, 'db-pw');
    await look(tenant, 'db-pw');
    const login = sql1.login('app_b');
    if (login) sql1.setPassword(login, 'Qq0-by-a-person-4721');
    await tenant.advance({ hours: 26 }, { sweepEvery: 2 });
    const current = tenant.current('db-pw');
    expect(tenant.versions('db-pw')).toHaveLength(3);
    expect([heldIn(current).username, accepts(sql1, current), accepts(sql1, v1)]).toEqual([
      'app_b',
      true,
      true,
    ]);
    await tenant.check({ noGrace: ['db-pw'] }); // a person took it away
  });
});

describe('FN-05: what Azure throws back', () => {
  it.each([
    ['adm', 'arm.sqlServerUpdate'],
    ['db-pw', 'tds.batch'],
    ['one', 'tds.batch'],
  ])(
    'FN-05: %s: a password in the answer of %s is nowhere in logs, rows or alerts',
    async (name, route) => {
      await dueSql(tenant, name);
      tenant.azure.echo(route);
      await look(tenant, name);
      expect(tenant.versions(name)).toHaveLength(1);
      expect(tenant.alerts(name).map(({ reason }) => reason)).toEqual(['failed']);
      tenant.azure.echo(route, false);
      await tenant.advance({ hours: 26 }, { sweepEvery: 2 });
      expect(tenant.versions(name)).toHaveLength(2);
      await tenant.check();
    },
  );
});

describe('the store refuses what the server took', () => {
  it.each(['adm', 'one'])(
    'KV-05: %s: the old password is set back, since the vault goes on naming it',
    async (name) => {
      const v1 = await dueSql(tenant, name);
      tenant.azure.outage('keyvault.set', { status: 503 });
      await look(tenant, name);
      const login = name === 'adm' ? 'padm' : 'svc';
      expect(tenant.versions(name)).toHaveLength(1);
      expect(sql1.accepts(login, v1.value)).toBe(true);
      tenant.azure.heal('keyvault.set');
      await tenant.advance({ hours: 26 }, { sweepEvery: 2 });
      expect(tenant.versions(name)).toHaveLength(2);
      expect(sql1.accepts(login, tenant.current(name).value)).toBe(true);
      await tenant.check();
    },
  );
});

describe('SEC-01 and SEC-02: nothing in tags or values makes an address', () => {
  let dialled: Dialled;
  beforeAll(async () => {
    dialled = await watchDialling();
  });
  afterAll(() => dialled.stop());

  it.each([
    'S/rg1/..',
    'S/../sql1',
    'S/rg1/sql1/../sql2',
    'S/rg1/%2e%2e',
    '@evil.example/rg1/sql1',
    '//evil.example/rg1/sql1',
    'S/rg1/sql1?x',
    'S/rg1/sql1#',
    'S/rg1/evil.example',
  ])(
    'SEC-01: the target %j is refused, naming the tag, with no call to ARM about it',
    async (text) => {
      await dueSql(tenant, 'adm', { target: text.replace('S', tenant.azure.world.subscriptionId) });
      tenant.azure.calls.length = 0;
      await look(tenant, 'adm');
      expect(await tenant.row('adm')).toMatchObject({ step: 'refuse', reason: 'bad-tags' });
      expect(tenant.azure.calls.filter(({ route }) => /^(arm\.sql|tds\.)/.test(route))).toEqual([]);
    },
  );

  it.each([
    ['Server=sql1.evil.example'],
    ['Server=sql1.database.keyturn.localhost.evil.example'],
    ['Server=tcp:sql1.database.keyturn.localhost,14330'],
    ['Server=TRAP'],
    ['Data Source=evil.example;Server=HOST'],
    ['Server=HOST;Failover Partner=evil.example'],
    ['Server=HOST;TrustServerCertificate=True'],
    ['Server=HOST;Encrypt=False'],
  ])('SEC-02: a stored string with %s is refused and never dialled', async (part) => {
    const host = `sql1.database.keyturn.localhost,${tenant.azure.world.tdsPort}`;
    const server = part.replace('HOST', host).replace('TRAP', dialled.trap.replace(':', ','));
    const value = `${server};User ID=app_a;Password=${PASSWORDS.app_a}`;
    await dueSql(tenant, 'db-pw', { options: 'logins=app_a,app_b', value });
    tenant.azure.calls.length = 0;
    dialled.names.length = 0;
    await look(tenant, 'db-pw');
    expect((await tenant.row('db-pw'))?.step).toBe('refuse');
    expect(dialled.connections()).toBe(0);
    expect(dialled.names.filter((name) => name.includes('evil'))).toEqual([]);
    expect(callsTo(tenant, 'tds.login')).toEqual([]);
    expect(tenant.azure.writes()).toEqual([]);
  });

  it('SEC-02: the option servers=evil.example is refused and never dialled', async () => {
    await dueSql(tenant, 'adm', { options: 'servers=evil.example' });
    tenant.azure.calls.length = 0;
    await look(tenant, 'adm');
    expect(await tenant.row('adm')).toMatchObject({ step: 'refuse', reason: 'bad-tags' });
    expect(tenant.azure.writes()).toEqual([]);
    expect(dialled.names.filter((name) => name.includes('evil'))).toEqual([]);
  });
});

/** What a person stores who has no credential yet. */
const FIRST = JSON.stringify({ username: 'user_a', password: 'keyturn:new' });

describe('SEC-03: a login that the consent does not name', () => {
  it.each([
    ['app_a,svc', 'keyturn sql-login: kv1/db-pw(app_a,app_b)'],
    ['app_a,padm', 'keyturn sql-login: kv1/db-pw(app_a,padm)'],
    ['app_a,dba-group', 'keyturn sql-login: kv1/db-pw(app_a,dba-group)'],
    ['app_a,sa', 'keyturn sql-login: kv1/db-pw(app_a,sa)'],
    ['app_a,%23%23MS_x%23%23', 'keyturn sql-login: kv1/db-pw(app_a,##MS_x##)'],
    ['app_a,app_b', 'keyturn sql-login: kv1/db-pw'],
    ['app_a,app_b', 'keyturn sql-login: kv1/*(app_b,svc)'],
  ])('SEC-03: logins %s under the consent %j: refused, 0 statements', async (logins, consent) => {
    tenant.azure.setDescription(
      { scope: sql1.id, principalId: tenant.azure.world.identity.oid },
      consent,
    );
    await dueSql(tenant, 'db-pw', {
      options: `logins=${logins};field=password;login-field=username`,
    });
    await look(tenant, 'db-pw');
    expect((await tenant.row('db-pw'))?.step).toBe('refuse');
    expect(sql1.statements).toEqual([]);
    expect(callsTo(tenant, 'tds.login')).toEqual([]);
  });

  it('SEC-03: a stranger reads the words of a target that does not exist', async () => {
    const asks = async (target: string) => {
      await tenant.clear();
      tenant.seed('other', {
        value: JSON.stringify({ username: 'app_a', password: PASSWORDS.app_a }),
        tags: {
          rotator: 'sql-login',
          'rotator-target': target,
          'rotator-options': 'logins=app_a,app_b;field=password;login-field=username',
        },
      });
      await tenant.goTo(tenant.dueOn('other'));
      await look(tenant, 'other');
      const row = await tenant.row('other');
      return [row?.step, row?.reason, row?.detail];
    };
    const stranger = await asks(sql1.id);
    expect(stranger).toEqual(await asks(sql1.id.replace('sql1', 'sql77')));
    expect(stranger.slice(0, 2)).toEqual(['refuse', 'no-consent']);
  });

  it.each(['padm', 'svc', 'app_a'])(
    'SEC-03, SEC-04: a forged state that names %j as what is owed costs nobody anything',
    async (handle) => {
      const v1 = await dueSql(tenant, 'db-pw');
      await look(tenant, 'db-pw');
      const tags = v1.tags ?? {};
      tags['rotator-state'] =
        tags['rotator-state']?.replace('cred=a', `cred=${encodeURIComponent(handle)}`) ?? '';
      const before = sql1.statements.length;
      await tenant.advance({ hours: 50 }, { sweepEvery: 10 });
      expect(sql1.statements.length).toBe(before);
      expect(sql1.accepts('padm', ADMIN)).toBe(true);
      expect(sql1.accepts('svc', PASSWORDS.svc)).toBe(true);
      expect(accepts(sql1, tenant.current('db-pw'))).toBe(true);
      expect(tenant.alerts('db-pw').length).toBeGreaterThan(0);
    },
  );

  it.each([['keyturn:new'], [ADMIN]])(
    'SEC-03: a consent to two logins gives nobody the password of the administrator, whatever the tag rotator says (%j)',
    async (value) => {
      tenant.seed('db-pw', {
        value,
        tags: { rotator: 'sql-admin-password', 'rotator-target': sql1.id },
      });
      await tenant.goTo(tenant.dueOn('db-pw'));
      await look(tenant, 'db-pw');
      expect(patches()).toEqual([]);
      expect(sql1.accepts('padm', ADMIN)).toBe(true);
      expect(await tenant.row('db-pw')).toMatchObject({ step: 'refuse', reason: 'no-consent' });
    },
  );

  it('SEC-03: a consent at the resource group is for what else is there, not for the administrator of a server', async () => {
    const group = sql1.id.split('/').slice(0, 5).join('/');
    const value = 'keyturn:new';
    tenant.seed('wide', {
      value,
      tags: { rotator: 'sql-admin-password', 'rotator-target': sql1.id },
    });
    const given = {
      principalId: tenant.azure.world.identity.oid,
      actions: ['Microsoft.Sql/servers/write'],
    };
    tenant.azure.grant({
      ...given,
      scope: group,
      description: 'keyturn sql-admin-password: kv1/wide',
    });
    await tenant.goTo(tenant.dueOn('wide'));
    await look(tenant, 'wide');
    expect(patches()).toEqual([]);
    expect(await tenant.row('wide')).toMatchObject({
      reason: 'no-consent',
      detail: expect.stringContaining('resource group'),
    });
    tenant.azure.grant({
      ...given,
      scope: sql1.id,
      description: 'keyturn sql-admin-password: kv1/wide',
    });
    await look(tenant, 'wide');
    expect(patches()).toHaveLength(1);
  });

  it.each([
    ['users=user_a,user_b;database=till', 'keyturn sql-login: kv1/users(shop/user_a,shop/user_b)'],
    ['logins=user_a,user_b', 'keyturn sql-login: kv1/users(shop/user_a,shop/user_b)'],
    ['users=user_a,user_b;database=shop', 'keyturn sql-login: kv1/users(user_a,user_b)'],
    ['users=user_a,user_b;database=shop', 'keyturn sql-login: kv1/users(shop/user_a,till/user_b)'],
  ])(
    'SEC-03: %s under the consent %j: the namesakes elsewhere are not meant',
    async (names, consent) => {
      tenant.azure.setDescription(
        { scope: sql1.id, principalId: tenant.azure.world.identity.oid },
        consent,
      );
      await dueSql(tenant, 'users', {
        options: `${names};field=password;login-field=username`,
        value: FIRST,
      });
      await look(tenant, 'users');
      expect(await tenant.row('users')).toMatchObject({ step: 'refuse', reason: 'no-consent' });
      expect(sql1.statements).toEqual([]);
    },
  );

  it('SEC-03: the two that it names are rotated', async () => {
    await rotatedSql(tenant, 'db-pw');
    await tenant.check();
  });
});
