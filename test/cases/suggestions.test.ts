/**
 * How secrets that have not opted in could: whoever has five thousand of them does not look each up by hand. Values are read in
 * memory alone, and nothing of one is to be found anywhere afterwards.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { addDatabaseServer } from '../../local/azure/armDatabases.ts';
import { SuggestionsBody } from '../../src/api/calls/listSuggestions.ts';
import { READS_HOURLY } from '../../src/sweep/suggest.ts';
import { startTenant, type Tenant } from './harness.ts';
import { inventoryOf } from './inventory.ts';
import { callsTo } from './stories.ts';

const KINDS = [
  ...[
    'storage-account-key',
    'cosmos-db-key',
    'service-bus-key',
    'event-hubs-key',
    'redis-key',
    'app-configuration-key',
  ],
  ...[
    'signalr-key',
    'communication-services-key',
    'cognitive-services-key',
    'search-admin-key',
    'web-pubsub-key',
  ],
  ...['sql-login', 'postgresql-login', 'mysql-login', 'app-registration'],
];
const on = { KEYTURN_SUGGEST: 'values', KEYTURN_ROTATORS: KINDS.join(',') };
const messaging = (name: string) => ({
  serviceBusEndpoint: `https://${name}.servicebus.windows.net:443/`,
});

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    keyed: [
      {
        ...{ type: 'Microsoft.DocumentDB/databaseAccounts', name: 'cosmos1' },
        properties: { documentEndpoint: 'https://cosmos1.documents.azure.com:443/' },
      },
      {
        type: 'Microsoft.ServiceBus/namespaces/authorizationRules',
        name: 'bus1/send',
        above: messaging('bus1'),
      },
      {
        type: 'Microsoft.EventHub/namespaces/eventhubs/authorizationRules',
        name: 'hubs1/h1/send',
        above: messaging('hubs1'),
      },
      {
        type: 'Microsoft.Cache/redis',
        name: 'redis1',
        properties: { hostName: 'redis1.redis.cache.windows.net' },
      },
      {
        ...{ type: 'Microsoft.AppConfiguration/configurationStores', name: 'store1' },
        properties: { endpoint: 'https://store1.azconfig.io' },
      },
      {
        ...{ type: 'Microsoft.SignalRService/signalR', name: 'signal1' },
        properties: { hostName: 'signal1.service.signalr.net' },
      },
      {
        ...{ type: 'Microsoft.SignalRService/webPubSub', name: 'pubsub1' },
        properties: { hostName: 'pubsub1.webpubsub.azure.com' },
      },
      {
        ...{ type: 'Microsoft.Communication/communicationServices', name: 'acs1' },
        properties: { hostName: 'acs1.communication.azure.com' },
      },
      {
        ...{ type: 'Microsoft.CognitiveServices/accounts', name: 'ai1' },
        properties: { endpoint: 'https://ai1.openai.azure.com/' },
      },
      { type: 'Microsoft.Search/searchServices', name: 'search1', properties: {} },
    ],
    sqlServers: [{ name: 'sql1' }],
    env: on,
  });
});
beforeEach(async () => {
  await tenant.clear();
  const { world } = tenant.azure;
  world.databases.clear();
  addDatabaseServer(world, {
    kind: 'postgresql',
    name: 'pg1',
    host: 'pg1.postgres.database.azure.com',
  });
  addDatabaseServer(world, { kind: 'mysql', name: 'my1', host: 'my1.mysql.database.azure.com' });
  const scope = `/subscriptions/${world.subscriptionId}`;
  const read = [
    'storage/storageAccounts',
    'documentDB/databaseAccounts',
    'cache/redis',
    'serviceBus/namespaces',
  ];
  const more = [
    'eventHub/namespaces',
    'appConfiguration/configurationStores',
    'signalRService/signalR',
    'sql/servers',
  ];
  const last = [
    'signalRService/webPubSub',
    'communication/communicationServices',
    'cognitiveServices/accounts',
  ];
  tenant.azure.grant({
    ...{ principalId: world.identity.oid, scope },
    actions: [
      'Microsoft.ResourceGraph/resources/read',
      ...[...read, ...more, ...last, 'search/searchServices'].map(
        (type) => `Microsoft.${type}/read`,
      ),
    ],
  });
});
afterAll(() => tenant.stop());
const { all, stranger } = inventoryOf(() => tenant);

type Suggested = (typeof SuggestionsBody)['_output']['suggestions'][number];
async function suggested(query = ''): Promise<Map<string, Suggested>> {
  const answer = await tenant.request(`/api/suggestions?${query}`);
  expect(answer.status).toBe(200);
  const { suggestions } = SuggestionsBody.parse(await answer.json());
  return new Map(suggestions.map((each) => [each.secret, each]));
}
const secret = (
  name: string,
  value: string,
  given: { vault?: string; tags?: Record<string, string> } = {},
) => {
  const { vault = 'kv1', ...rest } = given;
  return tenant.azure.vault(vault).set(name, value, rest);
};
const key = (bytes = 64) => randomBytes(bytes).toString('base64');
const group = () =>
  `/subscriptions/${tenant.azure.world.subscriptionId}/resourcegroups/rg-keyturn/providers`;

/** Every text that the product left anywhere: rows, logs, answers. */
async function left(): Promise<string> {
  const own = (await tenant.rows()).map(({ text }) => text);
  return [...own, ...tenant.lines.map((line) => JSON.stringify(line)), ...tenant.answers].join(
    '\n',
  );
}
const spellings = (text: string) => [
  text,
  Buffer.from(text).toString('base64').replace(/=+$/, ''),
  encodeURIComponent(text),
  JSON.stringify(text).slice(1, -1),
];

describe('a value that Keyturn could take over', () => {
  const zone = () => tenant.azure.url('core').replace('https://', '');
  const password = () => `Pw.${randomBytes(20).toString('hex')}~1`;
  /** Name, value, the credential in it, kind, target below the group's providers. */
  const shapes: readonly [
    name: string,
    value: (credential: string) => string,
    credential: () => string,
    kind: string,
    target: string,
  ][] = [
    [
      'a storage connection string',
      (k) =>
        `DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=${k};EndpointSuffix=${zone()}`,
      () => tenant.azure.account('acct1').key('key1'),
      ...(['storage-account-key', 'microsoft.storage/storageaccounts/acct1'] as const),
    ],
    [
      'a bare storage key',
      (k) => k,
      () => tenant.azure.account('acct2').key('key2'),
      ...(['storage-account-key', 'microsoft.storage/storageaccounts/acct2'] as const),
    ],
    [
      'a storage connection string in JSON',
      (k) =>
        JSON.stringify({
          name: 'shop',
          db: { storage: `AccountName=acct3;AccountKey=${k};EndpointSuffix=${zone()}` },
        }),
      () => tenant.azure.account('acct3').key('key1'),
      ...(['storage-account-key', 'microsoft.storage/storageaccounts/acct3'] as const),
    ],
    [
      'Cosmos DB',
      (k) => `AccountEndpoint=https://cosmos1.documents.azure.com:443/;AccountKey=${k};`,
      key,
      ...(['cosmos-db-key', 'microsoft.documentdb/databaseaccounts/cosmos1'] as const),
    ],
    [
      'Cosmos DB for MongoDB',
      (k) =>
        `mongodb://cosmos1:${encodeURIComponent(k)}@cosmos1.mongo.cosmos.azure.com:10255/?ssl=true&replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000&appName=@cosmos1@`,
      key,
      ...(['cosmos-db-key', 'microsoft.documentdb/databaseaccounts/cosmos1'] as const),
    ],
    [
      'Service Bus',
      (k) =>
        `Endpoint=sb://bus1.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${k}`,
      () => key(32),
      ...([
        'service-bus-key',
        'microsoft.servicebus/namespaces/bus1/authorizationrules/send',
      ] as const),
    ],
    [
      'Event Hubs, of one hub',
      (k) =>
        `Endpoint=sb://hubs1.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${k};EntityPath=h1`,
      () => key(32),
      ...([
        'event-hubs-key',
        'microsoft.eventhub/namespaces/hubs1/eventhubs/h1/authorizationrules/send',
      ] as const),
    ],
    [
      'Redis',
      (k) => `redis1.redis.cache.windows.net:6380,password=${k},ssl=True,abortConnect=False`,
      () => key(32),
      ...(['redis-key', 'microsoft.cache/redis/redis1'] as const),
    ],
    [
      'a Redis address',
      (k) => `rediss://:${encodeURIComponent(k)}@redis1.redis.cache.windows.net:6380/0`,
      () => key(32),
      ...(['redis-key', 'microsoft.cache/redis/redis1'] as const),
    ],
    [
      'App Configuration',
      (k) => `Endpoint=https://store1.azconfig.io;Id=a1B2;Secret=${k}`,
      () => key(32),
      ...([
        'app-configuration-key',
        'microsoft.appconfiguration/configurationstores/store1',
      ] as const),
    ],
    [
      'SignalR',
      (k) => `Endpoint=https://signal1.service.signalr.net;AccessKey=${k};Version=1.0;`,
      () => key(32),
      ...(['signalr-key', 'microsoft.signalrservice/signalr/signal1'] as const),
    ],
    [
      'Web PubSub in a line of a file',
      (k) =>
        `# made by hand\nWEBPUBSUB=Endpoint=https://pubsub1.webpubsub.azure.com;AccessKey=${k};Version=1.0;\n`,
      () => key(32),
      ...(['web-pubsub-key', 'microsoft.signalrservice/webpubsub/pubsub1'] as const),
    ],
    [
      'Communication Services',
      (k) => `endpoint=https://acs1.communication.azure.com/;accesskey=${k}`,
      key,
      ...([
        'communication-services-key',
        'microsoft.communication/communicationservices/acs1',
      ] as const),
    ],
    [
      'Azure OpenAI',
      (k) => `Endpoint=https://ai1.openai.azure.com/;Key=${k};Deployment=chat`,
      () => randomBytes(16).toString('hex'),
      ...(['cognitive-services-key', 'microsoft.cognitiveservices/accounts/ai1'] as const),
    ],
    [
      'Azure AI Search',
      (k) => `Endpoint=https://search1.search.windows.net/;Key=${k}`,
      () => randomBytes(26).toString('hex'),
      ...(['search-admin-key', 'microsoft.search/searchservices/search1'] as const),
    ],
    [
      'SQL Server, ADO.NET',
      (k) =>
        `Server=tcp:sql1.database.keyturn.localhost,1433;Initial Catalog=shop;User ID=app_login_a;Password=${k};Encrypt=True`,
      password,
      ...(['sql-login', 'microsoft.sql/servers/sql1'] as const),
    ],
    [
      'a PostgreSQL address',
      (k) =>
        `postgresql://app_login_a:${encodeURIComponent(k)}@pg1.postgres.database.azure.com:5432/app?sslmode=require`,
      password,
      ...(['postgresql-login', 'microsoft.dbforpostgresql/flexibleservers/pg1'] as const),
    ],
    [
      'MySQL, ADO.NET',
      (k) =>
        `Server=my1.mysql.database.azure.com;Port=3306;Database=app;Uid=app_login_a;Pwd=${k};SslMode=Required;`,
      password,
      ...(['mysql-login', 'microsoft.dbformysql/flexibleservers/my1'] as const),
    ],
  ];

  it('is told with its kind, target, tags and consent; and nothing of any value is left anywhere', async () => {
    const values: string[] = [];
    for (const [at, [, write, credential]] of shapes.entries()) {
      const made = credential();
      secret(`s-${at}`, write(made));
      values.push(made, write(made));
    }
    const app = tenant.azure.ownedApplication('payroll', 'kv1/elsewhere');
    const clientSecret = `Xy78Q~${randomBytes(26).toString('hex').slice(0, 34)}`;
    app.nextSecrets.push(clientSecret);
    app.addPassword({ displayName: 'made by a person', endDateTime: '2038-01-01T00:00:00Z' });
    secret('s-app', clientSecret, { tags: { app: app.appId } });
    values.push(clientSecret);
    // Taken for what it is, and refused as it is written: Keyturn says so, and not by what stands in it.
    const bare = key(32);
    secret('s-open', `redis1.redis.cache.windows.net:6380,password=${bare}`);
    values.push(bare, `redis1.redis.cache.windows.net:6380,password=${bare}`);
    await tenant.sweepAndSettle();

    const found = await suggested();
    const told = shapes.map(([name], at) => {
      const { kind, target } = found.get(`s-${at}`) ?? {};
      return [name, kind, target?.toLowerCase()];
    });
    expect(told).toEqual(
      shapes.map(([name, , , kind, target]) => [name, kind, `${group()}/${target}`]),
    );
    expect(found.get('s-app')).toMatchObject({
      ...{ kind: 'app-registration', target: app.appId, by: 'key' },
      ...{ consent: 'keyturn app-registration: kv1/s-app', missing: [] },
    });
    expect(found.get('s-0')).toMatchObject({
      tags: { rotator: 'storage-account-key', 'rotator-target': found.get('s-0')?.target },
      ...{
        form: 'connection-string',
        by: 'host',
        consent: 'keyturn storage-account-key: kv1/s-0',
        missing: [],
      },
    });
    expect(found.get('s-open')).toMatchObject({
      kind: 'redis-key',
      missing: [expect.stringContaining('bad-value')],
    });
    expect(found.get('s-1')).toMatchObject({ form: 'bare', by: 'key' });
    expect(found.get('s-2')?.tags['rotator-options']).toBe('field=%2Fdb%2Fstorage');
    expect(found.get('s-15')?.missing).toEqual([expect.stringContaining('rotator-options')]);

    const everywhere = await left();
    for (const text of values.flatMap(spellings)) expect(everywhere.includes(text)).toBe(false);
    expect(everywhere).not.toContain('app_login_a');
    expect(tenant.azure.writes()).toEqual([]);
  });

  it('opts in with the tags and the consent that were suggested, and is rotated', async () => {
    const account = tenant.azure.account('acct4');
    const value = `AccountName=acct4;AccountKey=${account.key('key1')};EndpointSuffix=${zone()};DefaultEndpointsProtocol=https`;
    const version = secret('shop', value);
    await tenant.sweepAndSettle();
    const { tags = {} } = (await suggested()).get('shop') ?? {};
    tenant.azure.vault('kv1').retag('shop', version.id, tags);
    await tenant.sweepAndSettle();
    expect((await suggested()).get('shop')).toBeUndefined();
    await tenant.goTo(tenant.dueOn('shop'));
    await tenant.sweepAndSettle();
    expect(tenant.regenerations('acct4')).toBe(1);
    expect(tenant.current('shop').value).toContain(account.key('key2'));
  });
});

describe('a value that only looks like one', () => {
  it('is not suggested to anybody', async () => {
    const strangers: readonly [string, string][] = [
      ['a key that no target holds', key()],
      [
        'a host of somebody else',
        `AccountEndpoint=https://cosmos1.evil.example:443/;AccountKey=${key()};`,
      ],
      [
        'two hosts',
        `redis1.redis.cache.windows.net:6380,redis2.evil.example:6380,password=${key(32)},ssl=True`,
      ],
      [
        'a shared access signature',
        'BlobEndpoint=https://acct1.blob.core.windows.net/;SharedAccessSignature=sv=2024&sig=abc%3D',
      ],
      ['the emulator', 'UseDevelopmentStorage=true'],
      [
        'a server of this machine',
        'Server=localhost;Database=app;User Id=sa;Password=Passw0rd.12345',
      ],
      ['a sentence', 'Password=is in the safe; Server=ask Bob'],
      [
        'a token',
        `eyJhbGciOiJSUzI1NiJ9.${randomBytes(40).toString('base64url')}.${randomBytes(40).toString('base64url')}`,
      ],
      [
        'a private key',
        '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----',
      ],
      ['a string without its key', 'AccountName=acct1;EndpointSuffix=core.windows.net;AccountKey='],
      ['a placeholder', 'keyturn:new'],
      [
        'settings',
        JSON.stringify({ endpoint: 'https://cosmos1.documents.azure.com', region: 'west' }),
      ],
      ['a login of nowhere', 'postgresql://app:secret@db.internal.example/app'],
    ];
    for (const [at, [, value]] of strangers.entries()) secret(`l-${at}`, value);
    await tenant.sweepAndSettle();
    expect(
      [...(await suggested()).keys()].map((name) => strangers[Number(name.slice(2))]?.[0]),
    ).toEqual([]);
  });
});

describe('the pass that looks at values', () => {
  const valuesRead = () => callsTo(tenant, 'keyvault.get').length;

  it('does not read one where nobody has switched it on', async () => {
    tenant.configure({ KEYTURN_SUGGEST: 'off' });
    secret('s-a', tenant.azure.account('acct1').key('key1'));
    await tenant.sweepAndSettle();
    expect(valuesRead()).toBe(0);
    const answer = SuggestionsBody.parse(await (await tenant.request('/api/suggestions')).json());
    expect(answer).toEqual({ suggest: 'off', suggestions: [] });
  });

  it('reads each value once for each change of it, so many an hour, of every vault in turn', async () => {
    for (let at = 0; at < READS_HOURLY + 10; at++) stranger(`left-${at}`);
    secret('other', tenant.azure.account('acct1').key('key1'), { vault: 'kv2' });
    await tenant.sweep();
    expect(valuesRead()).toBe(READS_HOURLY);
    expect([...(await suggested('vault=kv2')).keys()]).toEqual(['other']);
    await tenant.sweep();
    expect(valuesRead()).toBe(READS_HOURLY);
    await tenant.advance({ hours: 3 }, { sweepEvery: 1 });
    expect(valuesRead()).toBe(READS_HOURLY + 11);
    secret('left-0', tenant.azure.account('acct1').key('key2'));
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect(valuesRead()).toBe(READS_HOURLY + 12);
    expect([...(await suggested('vault=kv1')).keys()]).toEqual(['left-0']);
  });

  it('goes on to the next where values may not be read, and comes back to them after a day', async () => {
    for (let at = 0; at < READS_HOURLY; at++) stranger(`a-${String(at).padStart(3, '0')}`);
    secret('z-last', tenant.azure.account('acct1').key('key1'));
    tenant.azure.outage('keyvault.get', { status: 403 });
    await tenant.sweep();
    const tried = valuesRead();
    tenant.azure.heal();
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect([...(await suggested()).keys()]).toEqual(['z-last']);
    expect(valuesRead() - tried).toBe(1);
    await tenant.advance({ hours: 24 }, { sweepEvery: 6 });
    expect(valuesRead() - tried).toBe(1 + READS_HOURLY);
  });

  it('says what is missing where Keyturn may not see the resource or the kind is off, and forgets what opted in or is gone', async () => {
    tenant.configure({ ...on, KEYTURN_ROTATORS: 'storage-account-key' });
    secret(
      's-a',
      `AccountEndpoint=https://elsewhere.documents.azure.com:443/;AccountKey=${key()};`,
    );
    await tenant.sweepAndSettle();
    expect((await suggested()).get('s-a')).toEqual(
      expect.objectContaining({
        ...{ kind: 'cosmos-db-key', tags: { rotator: 'cosmos-db-key' } },
        missing: [
          expect.stringContaining('rotator-target'),
          expect.stringContaining('KEYTURN_ROTATORS'),
        ],
      }),
    );
    tenant.azure.vault('kv1').delete('s-a');
    await tenant.sweepAndSettle();
    expect((await suggested()).size).toBe(0);
    expect(
      (await tenant.rows()).filter(({ partition }) => partition.startsWith('suggestions-')),
    ).toEqual([]);
    expect(await all('managed=false')).toEqual([]);
  });

  it('goes on without Resource Graph, and is shown to readers alone', async () => {
    tenant.azure.outage('resourceGraph.resources', { status: 403 });
    secret('s-a', `AccountEndpoint=https://cosmos1.documents.azure.com:443/;AccountKey=${key()};`);
    await tenant.sweepAndSettle();
    expect((await suggested()).get('s-a')).toMatchObject({ kind: 'cosmos-db-key', by: 'host' });
    for (const roles of [[], ['Keyturn.Rotate'], ['Keyturn.Revoke']])
      expect((await tenant.request('/api/suggestions', { roles })).status).toBe(403);
    for (const query of ['vault=../x', 'continuation=x', 'value=1', 'vault=kv1&vault=kv2'])
      expect((await tenant.request(`/api/suggestions?${query}`)).status).toBe(400);
  });
});
