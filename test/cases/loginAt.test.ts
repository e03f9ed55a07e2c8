/** VAL-07: a login of SQL Server that names its server, as old tutorials and tools write it: `app_a@sql1`. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SqlServer } from '../../local/azure/sqlServer.ts';
import type { Tenant } from './harness.ts';
import { ADMIN, dueSql, heldIn, look, PASSWORDS, seedSql, startSqlTenant } from './sqlStories.ts';

let tenant: Tenant;
let sql1: SqlServer;
beforeAll(async () => {
  tenant = await startSqlTenant();
  sql1 = tenant.azure.sqlServer('sql1');
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const HOST = 'sql1.database.keyturn.localhost';
const json = (username: string, password: string) => JSON.stringify({ username, password });
const statements = () => sql1.statements.length;

describe('VAL-07: in JSON', () => {
  it.each([
    ['app_a@sql1', 'app_b@sql1'],
    ['app_a@SQL1', 'app_b@SQL1'],
    [`app_a@${HOST}`, `app_b@${HOST}`],
    ['APP_A@sql1', 'app_b@sql1'],
  ])('VAL-07: %s becomes %s, and works', async (before, after) => {
    await dueSql(tenant, 'db-pw', { value: json(before, PASSWORDS.app_a) });
    await look(tenant, 'db-pw');
    const { username, password } = heldIn(tenant.current('db-pw'));
    expect([username, sql1.accepts('app_b', password)]).toEqual([after, true]);
    await tenant.advance({ hours: 60 }, { sweepEvery: 6 });
    expect([sql1.accepts('app_a', PASSWORDS.app_a), tenant.alerts()]).toEqual([false, []]);
  });

  it.each(['app_a@sql2', 'app_a@evil.example', 'app_a@', 'padm@sql1', '@sql1'])(
    'VAL-07: %s is refused, and nothing is changed or tried',
    async (username) => {
      seedSql(tenant, 'db-pw', { value: json(username, PASSWORDS.app_a) });
      await tenant.sweepAndSettle();
      expect(await tenant.row('db-pw')).toMatchObject({ step: 'refuse', reason: 'bad-value' });
      // Keyturn itself asks for its own rights; nobody's password is tried.
      const tried = tenant.azure.calls.filter(
        ({ route, principal }) => route === 'tds.login' && principal !== 'id-keyturn',
      );
      expect([statements(), tried]).toEqual([0, []]);
    },
  );
});

it('VAL-07: in a string', async () => {
  const value = `Server=tcp:${HOST},${tenant.azure.world.tdsPort};User ID=app_a@sql1;Password=${PASSWORDS.app_a};Encrypt=True`;
  await dueSql(tenant, 'db-pw', { value, options: 'logins=app_a,app_b' });
  await look(tenant, 'db-pw');
  expect(tenant.current('db-pw').value).toContain('User ID=app_b@sql1;Password=');
});

it('VAL-07: of a single login and of an administrator the spelling stays', async () => {
  const options = 'field=password;login-field=username';
  await dueSql(tenant, 'one', {
    value: json('svc@sql1', PASSWORDS.svc),
    options: `login=svc;${options}`,
  });
  await look(tenant, 'one');
  const held = heldIn(tenant.current('one'));
  expect([held.username, sql1.accepts('svc', held.password)]).toEqual(['svc@sql1', true]);
  await dueSql(tenant, 'adm', { value: json('padm@sql1', ADMIN), options });
  await look(tenant, 'adm');
  const chief = heldIn(tenant.current('adm'));
  expect([chief.username, sql1.accepts('padm', chief.password)]).toEqual(['padm@sql1', true]);
});
