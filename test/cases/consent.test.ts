/** Consent by kind and part, end to end (design section 6): what a writer of secrets gets under it, and what he reads otherwise. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { addDatabaseServer } from '../../local/azure/armDatabases.ts';
import type { Azure } from '../../local/azure/azure.ts';
import { startTenant, type Tenant } from './harness.ts';

const COSMOS = 'Microsoft.DocumentDB/databaseAccounts';
const BUS = 'Microsoft.ServiceBus/namespaces';
const HUBS = 'Microsoft.EventHub/namespaces';
const ROOT = 'RootManageSharedAccessKey';
const REDIS = 'Microsoft.Cache/redisEnterprise/databases';
const CONFIG = 'Microsoft.AppConfiguration/configurationStores';
const APIM = 'Microsoft.ApiManagement/service/subscriptions';
const KINDS = [
  ...[
    'storage-account-key',
    'cosmos-db-key',
    'app-configuration-key',
    'service-bus-key',
    'event-hubs-key',
  ],
  ...[
    'redis-enterprise-key',
    'api-management-subscription-key',
    'sql-login',
    'sql-single-login',
    'sql-admin-password',
  ],
  ...['postgresql-login', 'mysql-login', 'app-registration'],
];

let tenant: Tenant;
beforeAll(async () => {
  const bus = {
    serviceBusEndpoint: 'https://ns1.servicebus.windows.net:443/',
    disableLocalAuth: false,
  };
  tenant = await startTenant({
    accounts: [{ name: 'acct1', consent: '' }],
    keyed: [
      {
        type: COSMOS,
        name: 'cosmos1',
        properties: { documentEndpoint: 'https://cosmos1.documents.azure.com:443/' },
      },
      { type: CONFIG, name: 'store1', properties: { endpoint: 'https://store1.azconfig.io' } },
      { type: `${BUS}/AuthorizationRules`, name: `ns1/${ROOT}`, above: bus },
      { type: `${BUS}/AuthorizationRules`, name: 'ns1/send', above: bus },
      { type: `${BUS}/queues/authorizationRules`, name: 'ns1/orders/send', above: bus },
      { type: `${BUS}/queues/authorizationRules`, name: 'ns1/orders/listen', above: bus },
      { type: `${HUBS}/authorizationRules`, name: `hubs1/${ROOT}`, above: bus },
      { type: `${HUBS}/eventhubs/authorizationRules`, name: 'hubs1/clicks/send', above: bus },
      {
        type: REDIS,
        name: 'redis1/default',
        properties: { port: 10_000 },
        above: { hostName: 'redis1.example' },
      },
      { type: APIM, name: 'apim1/orders' },
      { type: APIM, name: 'apim1/master' },
    ],
    sqlServers: [
      {
        name: 'sql1',
        administratorPassword: 'Zz0-first-of-chief-1',
        logins: { app_a: 'Aa0-first', app_b: 'Bb0-first' },
      },
    ],
    env: { KEYTURN_ROTATORS: KINDS.join() },
  });
});
beforeEach(async () => {
  await tenant.clear();
  // Every right, and no consent: what is given is what the test writes.
  const { subscriptionId, identity } = tenant.azure.world;
  const scope = `/subscriptions/${subscriptionId}`;
  tenant.azure.grant({
    principalId: identity.oid,
    scope,
    actions: ['*'],
    description: 'for everything',
  });
});
afterAll(() => tenant.stop());

type Find = (azure: Azure) => string;
const account: Find = (azure) => azure.account('acct1').id;
const cosmos: Find = (azure) => azure.keyed(COSMOS, 'cosmos1').id;
const config: Find = (azure) => azure.keyed(CONFIG, 'store1').id;
const sql: Find = (azure) => azure.sqlServer('sql1').id;
const root: Find = (azure) => azure.keyed(`${BUS}/AuthorizationRules`, `ns1/${ROOT}`).id;
const nsSend: Find = (azure) => azure.keyed(`${BUS}/AuthorizationRules`, 'ns1/send').id;
const send: Find = (azure) => azure.keyed(`${BUS}/queues/authorizationRules`, 'ns1/orders/send').id;
const listen: Find = (azure) =>
  azure.keyed(`${BUS}/queues/authorizationRules`, 'ns1/orders/listen').id;
const hubsRoot: Find = (azure) => azure.keyed(`${HUBS}/authorizationRules`, `hubs1/${ROOT}`).id;
const hubSend: Find = (azure) =>
  azure.keyed(`${HUBS}/eventhubs/authorizationRules`, 'hubs1/clicks/send').id;
const redis: Find = (azure) => azure.keyed(REDIS, 'redis1/default').id;
const apim: Find = (azure) => azure.keyed(APIM, 'apim1/orders').id;
const apimMaster: Find = (azure) => azure.keyed(APIM, 'apim1/master').id;
const database =
  (kind: 'postgresql' | 'mysql'): Find =>
  ({ world }) =>
    addDatabaseServer(world, { kind, name: `${kind}1`, consent: '' }).id;
const group: Find = (azure) => account(azure).split('/').slice(0, 5).join('/');
const above =
  (find: Find, levels = 1): Find =>
  (azure) =>
    find(azure)
      .split('/')
      .slice(0, -2 * levels)
      .join('/');

interface Asked {
  rotator: string;
  target: Find;
  options?: string;
}
/** The owner writes this text in that place. */
function write(scope: Find, description: string): void {
  const { azure } = tenant;
  azure.grant({
    principalId: azure.world.identity.oid,
    scope: scope(azure),
    actions: [],
    description,
  });
}
/** A writer of `kv1/<name>` asks for the first credential of a target; what came of it. */
async function asks(
  { rotator, target, options }: Asked,
  name = 'a',
): Promise<Record<string, unknown>> {
  const tags = {
    ...{ rotator, 'rotator-target': target(tenant.azure) },
    ...(options === undefined ? {} : { 'rotator-options': options }),
  };
  tenant.seed(name, { value: 'keyturn:new', tags });
  await tenant.sweepAndSettle();
  return (await tenant.row(name)) ?? {};
}
const refused = (detail: unknown = expect.any(String)) => ({
  step: 'refuse',
  reason: 'no-consent',
  detail,
});
/** No key was listed or replaced, and nothing of a target stands in the vault. */
function nothingTaken(name = 'a'): void {
  const { azure } = tenant;
  expect(
    azure.calls.filter(({ route }) => /Keys$|regenerate|setAdmin|tds|patch/i.test(route)),
  ).toEqual([]);
  expect(tenant.versions(name)).toHaveLength(1);
}
const issued = (name = 'a') => tenant.current(name).value !== 'keyturn:new';

const rule = (target: Find): Asked => ({ rotator: 'service-bus-key', target });
const hubs = (target: Find): Asked => ({ rotator: 'event-hubs-key', target });
const keys = (target: Find, options?: string): Asked => ({
  rotator: 'cosmos-db-key',
  target,
  ...(options === undefined ? {} : { options }),
});
const admin: Asked = { rotator: 'sql-admin-password', target: sql };
const LOGINS = 'logins=app_a,app_b;field=password;login-field=username';

describe('ATK-02: a consent is for one part', () => {
  it.each<[string, Find, string, Asked]>([
    [
      "a namespace's text without a rule: its root rule",
      above(root),
      'keyturn service-bus-key: kv1/a',
      rule(root),
    ],
    ['… every secret', above(root), 'keyturn service-bus-key: kv1/*', rule(root)],
    ['… the root rule by name', above(root), `keyturn service-bus-key: kv1/a(${ROOT})`, rule(root)],
    ['… a rule of the namespace', above(nsSend), 'keyturn service-bus-key: kv1/a', rule(nsSend)],
    ['… a rule of a queue', above(send, 2), 'keyturn service-bus-key: kv1/a', rule(send)],
    [
      '… another rule of that queue',
      above(send, 2),
      'keyturn service-bus-key: kv1/a(orders/send)',
      rule(listen),
    ],
    [
      '… its namesake of the namespace',
      above(send, 2),
      'keyturn service-bus-key: kv1/a(orders/send)',
      rule(nsSend),
    ],
    ['a queue’s text without a rule', above(send), 'keyturn service-bus-key: kv1/a', rule(send)],
    ['a group’s text without a rule', group, 'keyturn service-bus-key: kv1/a', rule(send)],
    [
      'the root rule’s own text for every secret',
      root,
      'keyturn service-bus-key: kv1/*',
      rule(root),
    ],
    [
      'Event Hubs: root rule from the namespace',
      above(hubsRoot),
      'keyturn event-hubs-key: kv1/a',
      hubs(hubsRoot),
    ],
    [
      'Event Hubs: rule of a hub from the namespace',
      above(hubSend, 2),
      'keyturn event-hubs-key: kv1/*',
      hubs(hubSend),
    ],
    [
      'Redis: a database from its cluster',
      above(redis),
      'keyturn redis-enterprise-key: kv1/a',
      { rotator: 'redis-enterprise-key', target: redis },
    ],
    [
      'API Management: the subscription for every API, named from the service',
      above(apimMaster),
      'keyturn api-management-subscription-key: kv1/a(master)',
      { rotator: 'api-management-subscription-key', target: apimMaster },
    ],
    [
      'Cosmos DB: keys that may write under `readonly`',
      cosmos,
      'keyturn cosmos-db-key: kv1/a(readonly)',
      keys(cosmos),
    ],
    [
      '… read-only keys under a text without a part',
      cosmos,
      'keyturn cosmos-db-key: kv1/a',
      keys(cosmos, 'keys=readonly'),
    ],
    [
      '… keys that may write for every secret',
      cosmos,
      'keyturn cosmos-db-key: kv1/*',
      keys(cosmos),
    ],
    ['… keys that may write from the group', group, 'keyturn cosmos-db-key: kv1/a', keys(cosmos)],
    [
      'App Configuration: keys that may write from the group',
      group,
      'keyturn app-configuration-key: kv1/a',
      { rotator: 'app-configuration-key', target: config },
    ],
    ['the administrator from the group', group, 'keyturn sql-admin-password: kv1/a', admin],
    ['the administrator for every secret', sql, 'keyturn sql-admin-password: kv1/*', admin],
    [
      'the administrator by two logins',
      sql,
      'keyturn sql-admin-password: kv1/a(app_a,app_b)',
      admin,
    ],
  ])(
    'ATK-02: %s: refused, the line to write is said, and nothing is taken',
    async (_, scope, text, asked) => {
      write(scope, text);
      const row = await asks(asked);
      expect(row).toMatchObject(
        refused(expect.stringMatching(new RegExp(`\`keyturn ${asked.rotator}: kv1/a[(\`]`))),
      );
      nothingTaken();
      // What it says helps, once an owner has written it at the target itself.
      const [line = ''] =
        /keyturn [^`]+/.exec(/Write `([^`]+)`/.exec(String(row.detail))?.[1] ?? '') ?? [];
      write(asked.target, line);
      await tenant.advance({ minutes: 5 });
      const plan = await tenant.rotate('a', { dryRun: true });
      expect(JSON.stringify(await plan.json())).not.toContain('no-consent');
    },
  );

  it.each<[string, Find, string, Asked]>([
    [
      'a rule of a queue, named at the namespace',
      above(send, 2),
      'keyturn service-bus-key: kv1/a(orders/send)',
      rule(send),
    ],
    ['… at the queue', above(send), 'keyturn service-bus-key: kv1/a(orders/send)', rule(send)],
    ['… at the group', group, 'keyturn service-bus-key: kv1/a(Orders/Send)', rule(send)],
    [
      '… for every secret',
      above(send, 2),
      'keyturn service-bus-key: kv1/*(orders/send)',
      rule(send),
    ],
    ['a rule, at itself', send, 'keyturn service-bus-key: kv1/a', rule(send)],
    ['the root rule, at itself and by name', root, 'keyturn service-bus-key: kv1/a', rule(root)],
    [
      'a rule of a hub, named at the namespace',
      above(hubSend, 2),
      'keyturn event-hubs-key: kv1/a(clicks/send)',
      hubs(hubSend),
    ],
    [
      'a subscription, named at its service',
      above(apim),
      'keyturn api-management-subscription-key: kv1/a(orders)',
      { rotator: 'api-management-subscription-key', target: apim },
    ],
    [
      'read-only keys, named at the group',
      group,
      'keyturn cosmos-db-key: kv1/a(readonly)',
      keys(cosmos, 'keys=readonly'),
    ],
    [
      'keys that may write, at the account and by name',
      cosmos,
      'keyturn cosmos-db-key: kv1/a',
      keys(cosmos),
    ],
    [
      'the administrator, at the server and by name',
      sql,
      'keyturn sql-admin-password: kv1/a',
      admin,
    ],
  ])('%s: given', async (_, scope, text, asked) => {
    write(scope, text);
    await asks(asked);
    expect(issued()).toBe(true);
    await tenant.check();
  });
});

describe('ATK-03: a consent is for one kind', () => {
  it.each<[string, string, Asked]>([
    [
      'a storage consent, and the Cosmos DB account beside it',
      'keyturn storage-account-key: kv1/a',
      keys(cosmos),
    ],
    ['… for every secret', 'keyturn storage-account-key: kv1/*', keys(cosmos, 'keys=readonly')],
    [
      'logins of Azure SQL, and a PostgreSQL server',
      'keyturn sql-login: kv1/a(app_a,app_b)',
      { rotator: 'postgresql-login', target: database('postgresql'), options: LOGINS },
    ],
    [
      'logins of PostgreSQL, and a MySQL server',
      'keyturn postgresql-login: kv1/a(app_a,app_b)',
      { rotator: 'mysql-login', target: database('mysql'), options: LOGINS },
    ],
    [
      'rules of Event Hubs, and those of Service Bus',
      'keyturn event-hubs-key: kv1/a(orders/send)',
      rule(send),
    ],
    [
      'a kind with a typo',
      'keyturn storage-acount-key: kv1/a',
      { rotator: 'storage-account-key', target: account },
    ],
    [
      'two kinds at one group, and a third',
      'keyturn storage-account-key: kv1/a; sql-login: kv1/a(app_a,app_b)',
      keys(cosmos),
    ],
  ])(
    'ATK-03: %s, at the group: refused, the line to write is said, and nothing is taken',
    async (_, text, asked) => {
      write(group, text);
      const row = await asks(asked);
      expect(row).toMatchObject(
        refused(
          expect.stringMatching(new RegExp(`for the kind ".*\`keyturn ${asked.rotator}: kv1/a`)),
        ),
      );
      nothingTaken();
    },
  );

  it('ATK-03: nor does one login for the pair, nor a pair for the administrator, at the server itself', async () => {
    write(sql, 'keyturn sql-login: kv1/a(app_a,app_b)');
    for (const [name, asked] of Object.entries({
      a: admin,
      b: { rotator: 'sql-single-login', target: sql, options: 'login=app_a' },
    })) {
      expect(await asks(asked, name)).toMatchObject({ step: 'refuse', reason: 'no-consent' });
      nothingTaken(name);
    }
  });

  it('two kinds in one text, each for its own; what is wrong with a third spoils neither', async () => {
    write(
      group,
      'keyturn storage-account-key: kv1/a; keyturn x y(: kv1/; cosmos-db-key: kv1/b(readonly), kv1/a(readonly',
    );
    await asks({ rotator: 'storage-account-key', target: account });
    await asks(keys(cosmos, 'keys=readonly'), 'b');
    expect([issued('a'), issued('b')]).toEqual([true, true]);
    await tenant.check();
  });

  it('ATK-03: an application whose tag is for another kind', async () => {
    const app = tenant.azure.ownedApplication('payroll', 'kv1/a');
    const asked = { rotator: 'app-registration', target: () => app.appId };
    for (const text of ['keyturn storage-account-key: kv1/a', 'keyturn: kv1/a']) {
      app.tags = ['HideApp', text];
      await tenant.advance({ minutes: 5 });
      expect(await asks(asked)).toMatchObject(
        refused(expect.stringContaining('`keyturn app-registration: kv1/a`')),
      );
      expect(app.passwords).toEqual([]);
    }
    app.tags = ['keyturn storage-account-key: kv1/a', 'keyturn app-registration: kv1/a'];
    await tenant.advance({ minutes: 5 });
    await asks(asked);
    expect(issued()).toBe(true);
  });

  it("ATK-03: the operator's map is read in the same way", async () => {
    const map = (text: string) =>
      tenant.configure({
        ...KINDS_ON,
        KEYTURN_CONSENT: JSON.stringify({ [account(tenant.azure)]: text }),
      });
    const asked = { rotator: 'storage-account-key', target: account };
    for (const text of [
      'kv1/a',
      'keyturn: kv1/a',
      'cosmos-db-key: kv1/a',
      'storage-account-keys: kv1/*',
    ]) {
      map(text);
      expect(await asks(asked)).toMatchObject(
        refused(expect.stringContaining('`keyturn storage-account-key: kv1/a`')),
      );
      nothingTaken();
      await tenant.clear();
    }
    map('cosmos-db-key: kv1/b; storage-account-key: kv1/a');
    await asks(asked);
    expect(issued()).toBe(true);
  });
});
const KINDS_ON = { KEYTURN_ROTATORS: KINDS.join() };

describe('the old text, without a kind', () => {
  it.each<[string, Find, Asked, string]>([
    [
      'kv1/a',
      account,
      { rotator: 'storage-account-key', target: account },
      'storage-account-key: kv1/a',
    ],
    [
      'kv1/*',
      group,
      { rotator: 'storage-account-key', target: account },
      'storage-account-key: kv1/a',
    ],
    ['kv1/a', above(send, 2), rule(send), 'service-bus-key: kv1/a(orders/send)'],
    ['kv1/a', above(root), rule(root), `service-bus-key: kv1/a(${ROOT.toLowerCase()})`],
    ['kv1/a(readonly)', cosmos, keys(cosmos, 'keys=readonly'), 'cosmos-db-key: kv1/a(readonly)'],
    [
      'kv1/a(app_a,app_b)',
      sql,
      { rotator: 'sql-login', target: sql, options: LOGINS },
      'sql-login: kv1/a(app_a,app_b)',
    ],
    ['kv1/a', sql, admin, 'sql-admin-password: kv1/a'],
  ])(
    '`keyturn: %s` gives nothing and is answered by the line to write',
    async (text, scope, asked, line) => {
      write(scope, `keyturn: ${text}`);
      expect(await asks(asked)).toMatchObject(refused(expect.stringMatching(/names no kind/)));
      expect(String((await tenant.row('a'))?.detail)).toContain(`\`keyturn ${line}\``);
      nothingTaken();
      expect(tenant.alerts('a')).toHaveLength(1);
    },
  );

  it('keeps a credential in service: what a secret got under it is not replaced by another secret that may have the target', async () => {
    write(account, 'keyturn storage-account-key: kv1/a, kv1/b');
    const { azure } = tenant;
    for (const [name, slot] of [
      ['a', 'key1'],
      ['b', 'key2'],
    ] as const)
      tenant.seed(name, { account: 'acct1', slot });
    await tenant.goTo(new Date(tenant.dueOn('a').getTime() - 3 * 86_400_000));
    await tenant.sweepAndSettle();
    const kept = azure.account('acct1').key('key2');
    azure.setDescription(
      { scope: account(azure) },
      'keyturn: kv1/b; keyturn storage-account-key: kv1/a',
    );
    await tenant.goTo(tenant.dueOn('a'));
    await tenant.advance({ hours: 3 }, { sweepEvery: 1 });
    expect(azure.account('acct1').accepts(kept)).toBe(true);
    expect(await tenant.row('b')).toMatchObject(
      refused(expect.stringContaining('`keyturn storage-account-key: kv1/b`')),
    );
  });
});

describe('SEC-09: who is not named', () => {
  it.each([
    ['another vault', 'keyturn storage-account-key: kv2/a'],
    ['every secret of another vault', 'keyturn storage-account-key: kv2/*'],
    ['another secret, by the old text', 'keyturn: kv1/b'],
    ['another secret and kind', 'keyturn cosmos-db-key: kv1/b'],
    ['what does not parse', 'keyturn storage-account-key: kv1/a('],
    ['something else', 'kv1/a'],
  ])('SEC-09: reads of %s the words of an account that does not exist', async (_, text) => {
    write(account, text);
    const told = (row: Record<string, unknown>) => [row.step, row.reason, row.detail];
    const stranger = told(await asks({ rotator: 'storage-account-key', target: account }));
    await tenant.clear();
    const absent = told(
      await asks({ rotator: 'storage-account-key', target: (azure) => `${account(azure)}77` }),
    );
    expect(stranger).toEqual(absent);
    expect(stranger.slice(0, 2)).toEqual(['refuse', 'no-consent']);
    expect(String(stranger[2])).not.toContain('kv1');
  });
});
