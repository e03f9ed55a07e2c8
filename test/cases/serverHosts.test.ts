/** COR-06 and VAL-10 at SQL servers: the login that the server itself knows, and every name by which a server is reached. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';

const COSMOS = 'Microsoft.DocumentDB/databaseAccounts';
const ADMIN = 'Aa0-admin-first-99';
const JOB = 'Aa0-job-first-here-99';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    accounts: [],
    sqlServers: [
      {
        ...{ name: 'sql1', administratorPassword: ADMIN, logins: { job: JOB } },
        consent: 'keyturn sql-admin-password: kv1/adm; sql-single-login: kv1/job(job)',
      },
    ],
    keyed: [
      {
        ...{ type: COSMOS, name: 'cosmos1', consent: 'keyturn cosmos-db-key: kv1/co-a' },
        properties: { documentEndpoint: 'https://cosmos1.documents.azure.com:443/' },
      },
    ],
    env: { KEYTURN_ROTATORS: 'sql-admin-password,sql-single-login,cosmos-db-key' },
  });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const server = () => tenant.azure.sqlServer('sql1');
async function look(name: string, tags: Record<string, string>, value: string): Promise<void> {
  tenant.seed(name, { value, tags });
  await tenant.goTo(tenant.dueOn(name));
  await tenant.event(name);
  await tenant.settle();
}
const at = (text: string) =>
  text.replaceAll('$', `database.keyturn.localhost,${tenant.azure.world.tdsPort}`);

describe('a login that the server knows', () => {
  it.each([
    ['ADO.NET', 'Server=tcp:sql1.$;Password={PW};Encrypt=True'],
    ['an empty User ID', 'Server=tcp:sql1.$;User ID=;Password={PW};Encrypt=True'],
    ['the login beside it', 'Server=tcp:sql1.$;User ID=padm;Password={PW};Encrypt=True'],
    ['ODBC', 'Driver={ODBC Driver 18 for SQL Server};Server=tcp:sql1.$;Pwd={PW};Encrypt=yes'],
    ['the private endpoint', 'Server=tcp:sql1.privatelink.$;Password={PW};Encrypt=True'],
  ])(
    'COR-06: the administrator by %s: set, stored in its place, and nothing else changed',
    async (_, template) => {
      const text = (password: string) => at(template).replace('{PW}', password);
      const before = server().administrator.password;
      await look(
        'adm',
        { rotator: 'sql-admin-password', 'rotator-target': server().id },
        text(before),
      );
      const { password } = server().administrator;
      expect(password).not.toBe(before);
      expect(tenant.current('adm').value).toBe(text(password));
    },
  );

  it("COR-06: by JDBC, whose port stands behind a colon, and in a document's member", async () => {
    const { tdsPort } = tenant.azure.world;
    const text = (password: string) =>
      JSON.stringify({
        url: `jdbc:sqlserver://sql1.database.keyturn.localhost:${tdsPort};password=${password};encrypt=true`,
      });
    const tags = {
      rotator: 'sql-admin-password',
      'rotator-target': server().id,
      'rotator-options': 'field=url',
    };
    const before = server().administrator.password;
    await look('adm', tags, text(before));
    expect(server().administrator.password).not.toBe(before);
    expect(tenant.current('adm').value).toBe(text(server().administrator.password));
  });

  it('COR-06: the one login of the tags, without it in the string', async () => {
    const text = (password: string) => at(`Server=tcp:sql1.$;Password=${password};Encrypt=True`);
    const tags = {
      rotator: 'sql-single-login',
      'rotator-target': server().id,
      'rotator-options': 'login=job',
    };
    await look('job', tags, text(JOB));
    expect(tenant.versions('job')).toHaveLength(2);
    expect(tenant.current('job').value).not.toBe(text(JOB));
    expect(await tenant.row('job')).not.toMatchObject({ step: 'refuse' });
  });

  it('COR-06: another login beside it is refused, and nothing is set', async () => {
    const text = at(
      `Server=tcp:sql1.$;User ID=job;Password=${server().administrator.password};Encrypt=True`,
    );
    const before = server().administrator.password;
    await look('adm', { rotator: 'sql-admin-password', 'rotator-target': server().id }, text);
    expect(await tenant.row('adm')).toMatchObject({ step: 'refuse', reason: 'bad-value' });
    expect(server().administrator.password).toBe(before);
  });

  it.each(['sql2.$', 'sql1.privatelink.database.evil.example', 'sql1.secondary.$'])(
    'SEC-02: %s is no host of the server',
    async (host) => {
      const before = server().administrator.password;
      const text = at(`Server=tcp:${host};Password=${before};Encrypt=True`);
      await look('adm', { rotator: 'sql-admin-password', 'rotator-target': server().id }, text);
      expect(await tenant.row('adm')).toMatchObject({ step: 'refuse', reason: 'foreign-host' });
      expect(server().administrator.password).toBe(before);
    },
  );
});

describe('the other APIs of a Cosmos account', () => {
  it.each([
    [
      'Mongo',
      'mongodb://cosmos1:{E}@cosmos1.mongo.cosmos.azure.com:10255/?ssl=true&replicaSet=globaldb&retrywrites=false&appName=@cosmos1@',
    ],
    [
      'Cassandra',
      'HostName=cosmos1.cassandra.cosmos.azure.com;Username=cosmos1;Password={K};Port=10350',
    ],
    [
      'Table',
      'DefaultEndpointsProtocol=https;AccountName=cosmos1;AccountKey={K};TableEndpoint=https://cosmos1.table.cosmos.azure.com:443/;',
    ],
    [
      'Gremlin',
      'AccountEndpoint=https://cosmos1.gremlin.cosmos.azure.com:443/;AccountKey={K};ApiKind=Gremlin;',
    ],
  ])(
    'VAL-10: %s: known by the account, though ARM shows the document endpoint alone',
    async (_, template) => {
      const cosmos = tenant.azure.keyed(COSMOS, 'cosmos1');
      const text = (key: string) =>
        template.replace('{E}', encodeURIComponent(key)).replace('{K}', key);
      await look(
        'co-a',
        { rotator: 'cosmos-db-key', 'rotator-target': cosmos.id },
        text(cosmos.key('primary')),
      );
      expect(tenant.current('co-a').value).toBe(text(cosmos.key('secondary')));
    },
  );

  it.each([
    'cosmos2.mongo.cosmos.azure.com:10255',
    'cosmos1.mongo.cosmos.azure.com:27017',
    'cosmos1.mongo.cosmos.evil.example',
  ])('SEC-02: %s is foreign', async (host) => {
    const cosmos = tenant.azure.keyed(COSMOS, 'cosmos1');
    const text = `mongodb://cosmos1:${encodeURIComponent(cosmos.key('primary'))}@${host}/?ssl=true`;
    await look('co-a', { rotator: 'cosmos-db-key', 'rotator-target': cosmos.id }, text);
    expect(await tenant.row('co-a')).toMatchObject({ step: 'refuse', reason: 'foreign-host' });
  });
});
