/** Cases VAL-01, VAL-06, VAL-07 for logins of SQL Server, through the whole product: strings in strings, and documents with several places. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Tenant } from './harness.ts';
import { dueSql, look, PASSWORDS, startSqlTenant } from './sqlStories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startSqlTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const host = () => 'sql1.database.keyturn.localhost';
const port = () => tenant.azure.world.tdsPort;
const passwordOf = (login: string) =>
  tenant.azure.sqlServer('sql1').logins.get(login)?.password ?? '';
const ado = (login: string, password: string) =>
  `Server=tcp:${host()},${port()};Initial Catalog=shop;User ID=${login};Password=${password};Encrypt=True`;
const plain = 'logins=app_a,app_b';

describe('VAL-06, VAL-07: strings of one login of two', () => {
  it.each([
    ['ADO.NET', ado],
    [
      'EF6',
      (u: string, p: string) =>
        `metadata=res://*/M.csdl;provider=System.Data.SqlClient;provider connection string="${ado(u, p)}"`,
    ],
    [
      'Prisma',
      (u: string, p: string) =>
        `sqlserver://${host()}:${port()};database=shop;user=${u};password=${p};encrypt=true`,
    ],
    [
      'jTDS',
      (u: string, p: string) =>
        `jdbc:jtds:sqlserver://${host()}:${port()}/shop;user=${u}@sql1;password=${p};ssl=require`,
    ],
    [
      'SQLAlchemy',
      (u: string, p: string) =>
        `mssql+pyodbc://${u}:${p}@${host()}:${port()}/shop?driver=ODBC+Driver+18+for+SQL+Server`,
    ],
    [
      'odbc_connect',
      (u: string, p: string) =>
        `mssql+pyodbc:///?odbc_connect=Driver%3D%7BODBC%20Driver%2018%20for%20SQL%20Server%7D%3BServer%3D${host()}%2C${port()}%3BUid%3D${u}%3BPwd%3D${p}%3BEncrypt%3Dyes`,
    ],
    [
      'ODBC, the server behind the login',
      (u: string, p: string) =>
        `Driver={ODBC Driver 18 for SQL Server};Server=${host()},${port()};Uid=${u}@sql1;Pwd=${p};Encrypt=yes`,
    ],
  ])(
    'VAL-06: %s: login and password change, all else stays, and the server lets the new one in',
    async (_, text) => {
      await dueSql(tenant, 'db-pw', { value: text('app_a', PASSWORDS.app_a), options: plain });
      await look(tenant, 'db-pw');
      expect(tenant.current('db-pw').value).toBe(text('app_b', passwordOf('app_b')));
      expect(passwordOf('app_b')).not.toBe(PASSWORDS.app_b);
      expect(passwordOf('app_a')).toBe(PASSWORDS.app_a);
    },
  );
});

describe('VAL-01: documents with a login in several places', () => {
  const options = 'logins=app_a,app_b;field=password;login-field=username';
  it('VAL-01: every place changes in one version; `owner` stays', async () => {
    const text = (u: string, p: string) =>
      JSON.stringify({
        ...{ username: u, password: p, owner: 'app_a', url: ado(u, p) },
        reader: { user: u, password: p },
        basic: Buffer.from(`${u}:${p}`).toString('base64'),
      });
    await dueSql(tenant, 'db-pw', { value: text('app_a', PASSWORDS.app_a), options });
    await look(tenant, 'db-pw');
    expect(tenant.current('db-pw').value).toBe(text('app_b', passwordOf('app_b')));
    await tenant.advance({ hours: 49 }, { sweepEvery: 7 });
    expect(passwordOf('app_a')).not.toBe(PASSWORDS.app_a);
    await tenant.goTo(tenant.dueOn('db-pw'));
    await look(tenant, 'db-pw');
    expect(tenant.current('db-pw').value).toBe(text('app_a', passwordOf('app_a')));
  });

  it('VAL-01: a place that names another login with it is refused by pointer, and no password is set', async () => {
    const value = JSON.stringify({
      username: 'app_a',
      password: PASSWORDS.app_a,
      other: { cs: ado('boss', PASSWORDS.app_a) },
    });
    await dueSql(tenant, 'db-pw', { value, options });
    await look(tenant, 'db-pw');
    expect(await tenant.row('db-pw')).toMatchObject({
      ...{ step: 'refuse', reason: 'bad-value' },
      detail: expect.stringContaining('"/other/cs"'),
    });
    expect([passwordOf('app_a'), passwordOf('app_b')]).toEqual([PASSWORDS.app_a, PASSWORDS.app_b]);
  });
});
