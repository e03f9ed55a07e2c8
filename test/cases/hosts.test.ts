/** Cases VAL-10 and VAL-05: every host that ARM names for a target counts for a stored string, and no other does. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Dialled, watchDialling } from './dialled.ts';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo } from './stories.ts';

const RULE = 'Microsoft.ServiceBus/namespaces/queues/authorizationRules';
const HUBS = 'Microsoft.EventHub/namespaces/authorizationRules';
const COSMOS = 'Microsoft.DocumentDB/databaseAccounts';
const EAST = 'https://cosmos1-eastus.documents.azure.com:443/';

let tenant: Tenant;
let dialled: Dialled;
beforeAll(async () => {
  dialled = await watchDialling();
  tenant = await startTenant({
    accounts: [
      { name: 'acct1', dnsZone: 'z01', readable: true },
      { name: 'acct2', readable: true, routed: true, customDomain: 'files.example.com' },
    ],
    keyed: [
      {
        ...{
          type: RULE,
          name: 'ns1/orders/send',
          consent: 'keyturn service-bus-key: kv1/sb-a, kv1/sb-b',
        },
        above: { serviceBusEndpoint: 'https://ns1.servicebus.windows.net:443/' },
        alias: 'alias1.servicebus.windows.net',
      },
      {
        ...{ type: HUBS, name: 'hubs1/send', consent: 'keyturn event-hubs-key: kv1/eh-a' },
        above: { serviceBusEndpoint: 'https://hubs1.servicebus.windows.net:443/' },
      },
      {
        ...{ type: COSMOS, name: 'cosmos1', consent: 'keyturn cosmos-db-key: kv1/co-a' },
        properties: {
          documentEndpoint: 'https://cosmos1.documents.azure.com:443/',
          readLocations: [{ documentEndpoint: EAST }],
        },
      },
    ],
    env: { KEYTURN_ROTATORS: 'storage-account-key,service-bus-key,event-hubs-key,cosmos-db-key' },
  });
});
beforeEach(() => tenant.clear());
afterEach(() => {
  expect(
    dialled.names.filter((name) => !name.endsWith('localhost') && name !== '127.0.0.1'),
  ).toEqual([]);
});
afterAll(async () => {
  await dialled.stop();
  await tenant.stop();
});

/** A secret of a person that is due now, looked at once. */
async function look(name: string, rotator: string, target: string, value: string): Promise<void> {
  tenant.seed(name, { value, tags: { rotator, 'rotator-target': target } });
  await tenant.goTo(tenant.dueOn(name));
  tenant.azure.calls.length = 0;
  await tenant.event(name);
  await tenant.settle();
}
async function expectForeign(name: string): Promise<void> {
  expect(await tenant.row(name)).toMatchObject({ step: 'refuse', reason: 'foreign-host' });
  expect(tenant.targetWrites()).toBe(0);
}

describe('hosts of a storage account', () => {
  const text = (account: string, key: string, endpoints: string) =>
    `DefaultEndpointsProtocol=https;AccountName=${account};AccountKey=${key};${endpoints}`;

  it.each([
    ['a DNS zone', 'acct1', 'BlobEndpoint=https://acct1.z01.blob.storage.azure.net/;'],
    ['all services of a DNS zone', 'acct1', services('acct1.z01', 'storage.azure.net')],
    [
      'the secondary of a DNS zone',
      'acct1',
      'BlobEndpoint=https://acct1-secondary.z01.blob.storage.azure.net/',
    ],
    ['Data Lake and the web', 'acct2', services('acct2', '$', ['dfs', 'web'])],
    ['the secondary', 'acct2', 'BlobEndpoint=https://acct2-secondary.blob.$'],
    ["Microsoft's way", 'acct2', 'BlobEndpoint=https://acct2-microsoftrouting.blob.$'],
    ["the internet's way", 'acct2', 'DfsEndpoint=https://acct2-internetrouting.dfs.$/'],
    ['IPv6', 'acct2', 'QueueEndpoint=https://acct2-ipv6.queue.$'],
    ['a domain of its owner', 'acct2', 'BlobEndpoint=https://files.example.com/'],
    ['a private endpoint', 'acct2', 'BlobEndpoint=https://acct2.privatelink.blob.$/'],
  ])(
    'VAL-10: %s: the key alone is replaced, through the grace and after',
    async (_, name, endpoints) => {
      const account = tenant.azure.account(name);
      const there = endpoints.replaceAll('$', `core.keyturn.localhost:${tenant.azure.world.port}`);
      const old = account.key('key1');
      await look('st-a', 'storage-account-key', account.id, text(name, old, there));
      expect(tenant.current('st-a').value).toBe(text(name, account.key('key2'), there));
      expect(callsTo(tenant, 'arm.storageAccount').length).toBeLessThanOrEqual(3);
      if (endpoints.includes('acct1.z01.blob') || endpoints.includes('example.com')) {
        await tenant.advance({ hours: 49 }, { sweepEvery: 12 });
        expect(account.key('key1')).not.toBe(old);
      }
      expect(tenant.current('st-a').value).toBe(text(name, account.key('key2'), there));
      await tenant.check();
    },
  );

  it.each([
    [
      'the same name in another zone',
      'acct1',
      'BlobEndpoint=https://acct1.z02.blob.storage.azure.net/',
    ],
    [
      'another account of the zone',
      'acct1',
      'BlobEndpoint=https://acct9.z01.blob.storage.azure.net/',
    ],
    [
      'a host that begins as the own domain does',
      'acct2',
      'BlobEndpoint=https://files.example.com.evil.example/',
    ],
    [
      "another account's private endpoint",
      'acct2',
      'BlobEndpoint=https://acct1.privatelink.blob.$/',
    ],
    [
      'a private endpoint of nobody',
      'acct2',
      'BlobEndpoint=https://acct2.privatelink.evil.example/',
    ],
  ])('SEC-02: %s is foreign', async (_, name, endpoints) => {
    const account = tenant.azure.account(name);
    const there = endpoints.replaceAll('$', `core.keyturn.localhost:${tenant.azure.world.port}`);
    await look('st-a', 'storage-account-key', account.id, text(name, account.key('key1'), there));
    await expectForeign('st-a');
    await tenant.check();
  });

  it('VAL-10: a neighbour whose string names a host that is known on asking alone is known by its slot', async () => {
    const { id, key } = {
      id: tenant.azure.account('acct2').id,
      key: tenant.azure.account('acct2').key('key2'),
    };
    const linked = `BlobEndpoint=https://acct2.privatelink.blob.core.keyturn.localhost:${tenant.azure.world.port}/`;
    tenant.seed('st-b', {
      value: text('acct2', key, linked),
      tags: { rotator: 'storage-account-key', 'rotator-target': id },
    });
    await tenant.event('st-b');
    await tenant.settle();
    await look('st-a', 'storage-account-key', id, tenant.azure.account('acct2').key('key1'));
    expect(await tenant.row('st-a')).toMatchObject({
      reason: 'slots-held',
      detail: 'kv1/st-b keeps key2.',
    });
  });
});

describe('aliases of messaging namespaces', () => {
  const bus = (key: string, host: string) =>
    `Endpoint=sb://${host}/;SharedAccessKeyName=send;SharedAccessKey=${key};EntityPath=orders`;

  it.each([
    'ns1.servicebus.windows.net',
    'alias1.servicebus.windows.net',
    'ALIAS1.servicebus.windows.net',
    'ns1.privatelink.servicebus.windows.net',
  ])('VAL-05: Service Bus by %s: the key alone is replaced, with no call more', async (host) => {
    const rule = tenant.azure.keyed(RULE, 'ns1/orders/send');
    await look('sb-a', 'service-bus-key', rule.id, bus(rule.key('PrimaryKey'), host));
    expect(tenant.current('sb-a').value).toBe(bus(rule.key('SecondaryKey'), host));
    expect(new Set(tenant.azure.calls.map(({ route }) => route))).not.toContain('arm.unrouted');
    await tenant.check();
  });

  it.each([
    'alias2.servicebus.windows.net',
    'hubs1.servicebus.windows.net',
    'alias1.servicebus.windows.net.evil.example',
  ])('VAL-05: Service Bus by %s is foreign', async (host) => {
    const rule = tenant.azure.keyed(RULE, 'ns1/orders/send');
    await look('sb-a', 'service-bus-key', rule.id, bus(rule.key('PrimaryKey'), host));
    await expectForeign('sb-a');
  });

  it('VAL-05: an alias that the namespace was given or lost counts from the next look on', async () => {
    const rule = tenant.azure.keyed(HUBS, 'hubs1/send');
    const text = (key: string) =>
      `Endpoint=sb://alias2.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${key}`;
    await look('eh-a', 'event-hubs-key', rule.id, text(rule.key('PrimaryKey')));
    await expectForeign('eh-a');
    rule.alias = 'alias2.servicebus.windows.net';
    await tenant.advance({ hours: 25 }, { sweepEvery: 6 });
    expect(tenant.current('eh-a').value).toBe(text(rule.key('SecondaryKey')));
    await tenant.check();
  });
});

describe('endpoints of a Cosmos account', () => {
  const sql = (key: string, host: string) => `AccountEndpoint=https://${host}/;AccountKey=${key};`;

  it.each([
    'cosmos1.documents.azure.com:443',
    'cosmos1-eastus.documents.azure.com',
    'cosmos1.privatelink.documents.azure.com',
  ])('VAL-10: Cosmos by %s: the key alone is replaced', async (host) => {
    const cosmos = tenant.azure.keyed(COSMOS, 'cosmos1');
    await look('co-a', 'cosmos-db-key', cosmos.id, sql(cosmos.key('primary'), host));
    expect(tenant.current('co-a').value).toBe(sql(cosmos.key('secondary'), host));
  });

  it.each([
    'cosmos1-westus.documents.azure.com',
    'cosmos1.documents.azure.cn',
    'cosmos2.documents.azure.com',
  ])('VAL-10: Cosmos by %s, which ARM does not name, is foreign', async (host) => {
    const cosmos = tenant.azure.keyed(COSMOS, 'cosmos1');
    await look('co-a', 'cosmos-db-key', cosmos.id, sql(cosmos.key('primary'), host));
    await expectForeign('co-a');
  });
});

function services(
  account: string,
  suffix: string,
  of = ['blob', 'queue', 'table', 'file'],
): string {
  const endpoint = (service: string) =>
    `${service}Endpoint=https://${account}.${service}.${suffix}/`;
  return of.map((service) => endpoint(service)).join(';');
}
