/** Cases section 15: values as people store them, through the whole product. What each dialect reads and writes stands in test/form. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { due, slotOf } from './stories.ts';

const REDIS = 'Microsoft.Cache/redis';
const COSMOS = 'Microsoft.DocumentDB/databaseAccounts';
const OPENAI = 'Microsoft.CognitiveServices/accounts';
const REGISTRY = 'Microsoft.ContainerRegistry/registries';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    accounts: [{ name: 'acct1' }],
    keyed: [
      {
        ...{ type: REDIS, name: 'redis1', consent: 'keyturn redis-key: kv1/*' },
        properties: { hostName: 'redis1.redis.cache.windows.net', sslPort: 6380 },
      },
      {
        ...{ type: COSMOS, name: 'cosmos1', consent: 'keyturn cosmos-db-key: kv1/co-a' },
        properties: { documentEndpoint: 'https://cosmos1.documents.azure.com:443/' },
      },
      {
        ...{ type: OPENAI, name: 'openai1', consent: 'keyturn cognitive-services-key: kv1/*' },
        properties: { endpoint: 'https://openai1.openai.azure.com/' },
      },
      {
        ...{ type: REGISTRY, name: 'reg1', consent: 'keyturn container-registry-password: kv1/*' },
        properties: { adminUserEnabled: true, loginServer: 'reg1.azurecr.io' },
      },
    ],
    env: {
      KEYTURN_ROTATORS:
        'storage-account-key,redis-key,cosmos-db-key,container-registry-password,cognitive-services-key',
    },
  });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const key = (slot: 'key1' | 'key2' = 'key1') => tenant.azure.account('acct1').key(slot);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const storageText = (value: string) =>
  `DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=${value};EndpointSuffix=${new URL(tenant.azure.url('core')).host}`;

/** Works off the event of a due secret, and gives its value then. */
async function rotatedValue(name: string): Promise<string> {
  await tenant.event(name);
  await tenant.settle();
  return tenant.current(name).value;
}
const field = (pointer: string) => ({ 'rotator-options': `field=${encodeURIComponent(pointer)}` });
async function dueKeyed(
  name: string,
  rotator: string,
  id: string,
  value: string,
  tags = {},
): Promise<void> {
  tenant.seed(name, { value, tags: { rotator, 'rotator-target': id, ...tags } });
  await tenant.goTo(tenant.dueOn(name));
}
async function rotatesTo(name: string, text: () => string): Promise<void> {
  const value = await rotatedValue(name);
  if (tenant.versions(name).length === 1) throw new Error(JSON.stringify(await tenant.row(name)));
  expect(value).toBe(text());
  await tenant.check();
}
async function refused(name: string, words: RegExp): Promise<void> {
  const before = tenant.current(name);
  await tenant.event(name);
  await tenant.settle();
  const row = await tenant.row(name);
  expect(row).toMatchObject({ step: 'refuse', reason: 'bad-value' });
  expect(row?.detail).toMatch(words);
  expect(tenant.versions(name)).toHaveLength(1);
  expect(tenant.current(name).value).toBe(before.value);
  expect(tenant.azure.changes().filter(({ route }) => route.startsWith('arm.'))).toEqual([]);
  await tenant.check();
}

describe('VAL-01: one document, several places', () => {
  it.each([
    [
      'a string beside the key',
      (k: string) => ({ accountName: 'acct1', accountKey: k, connectionString: storageText(k) }),
    ],
    ['the key again', (k: string) => ({ accountKey: k, nested: { list: [k, 'other'] } })],
    ['base64 of a string', (k: string) => ({ accountKey: k, encoded: base64(storageText(k)) })],
    ['the key percent-encoded', (k: string) => ({ accountKey: k, query: encodeURIComponent(k) })],
    [
      'a document in a string',
      (k: string) => ({ accountKey: k, inner: JSON.stringify({ key: k, more: 1 }) }),
    ],
  ])('VAL-01: %s is replaced in the same version', async (_, document) => {
    await due(tenant, 'st-a', {
      account: 'acct1',
      value: JSON.stringify(document(key())),
      tags: field('accountKey'),
    });
    await rotatesTo('st-a', () => JSON.stringify(document(key('key2'))));
  });

  it("VAL-01: docker's `auth` changes with `password`, other registries keep their bytes", async () => {
    const registry = tenant.azure.keyed(REGISTRY, 'reg1');
    const other = { username: 'x', password: 'theirs', auth: base64('x:theirs') };
    const document = (password: string) =>
      JSON.stringify({
        auths: {
          'reg1.azurecr.io': { username: 'reg1', password, auth: base64(`reg1:${password}`) },
          'ghcr.io': other,
        },
      });
    const value = document(registry.key('password'));
    await dueKeyed(
      'cr-a',
      'container-registry-password',
      registry.id,
      value,
      field('/auths/reg1.azurecr.io/password'),
    );
    await rotatesTo('cr-a', () => document(registry.key('password2')));
  });

  it.each([
    [
      'a sentence with the key',
      (k: string) => ({ accountKey: k, note: `old one: ${k}, ask ops` }),
      /"\/note"/,
    ],
    [
      'a string of another account',
      (k: string) => ({ accountKey: k, cs: storageText(k).replace('acct1', 'acct2') }),
      /"\/cs"/,
    ],
    ['a name that is the key', (k: string) => ({ accountKey: k, map: { [k]: 1 } }), /"\/map/],
    [
      'base64 of a sentence',
      (k: string) => ({ accountKey: k, deep: { b: base64(`see ${k} here`) } }),
      /"\/deep\/b"/,
    ],
  ])('VAL-01: %s is refused by pointer before anything is issued', async (_, document, words) => {
    await due(tenant, 'st-a', {
      account: 'acct1',
      value: JSON.stringify(document(key())),
      tags: field('accountKey'),
    });
    await refused('st-a', words);
    expect((await tenant.row('st-a'))?.detail).not.toContain(key().slice(0, 20));
  });
});

describe('VAL-02: both slots in one document', () => {
  it.each([
    ['a member', () => ({ primaryKey: key(), secondaryKey: key('key2') }), /"\/secondaryKey"/],
    [
      'a string',
      () => ({ primaryKey: key(), other: { cs: storageText(key('key2')) } }),
      /"\/other\/cs"/,
    ],
    ['base64', () => ({ primaryKey: key(), packed: base64(`acct1:${key('key2')}`) }), /"\/packed"/],
    [
      'a placeholder beside a live key',
      () => ({ primaryKey: 'keyturn:new', second: key('key2') }),
      /"\/second"/,
    ],
  ])(
    'VAL-02: %s with the other key is refused, naming it, and neither key changes',
    async (_, document, words) => {
      await due(tenant, 'st-a', {
        account: 'acct1',
        value: JSON.stringify(document()),
        tags: field('primaryKey'),
      });
      await refused('st-a', words);
      expect(tenant.regenerations('acct1')).toBe(0);
    },
  );

  it('VAL-02: a neighbour does not take the slot that such a document holds beside its own', async () => {
    const both = JSON.stringify({ primaryKey: key(), secondaryKey: key('key2') });
    tenant.seed('st-both', { account: 'acct1', value: both, tags: field('primaryKey') });
    await due(tenant, 'st-b', { account: 'acct1' });
    await tenant.event('st-b');
    await tenant.settle();
    expect(tenant.regenerations('acct1')).toBe(0);
    expect((await tenant.row('st-b'))?.detail).toContain('st-both');
    await tenant.check();
  });
});

describe('VAL-03: something around the value', () => {
  it.each([
    ['a line feed', (k: string) => `${k}\n`],
    ['a carriage return and a line feed', (k: string) => `${k}\r\n`],
    ['blanks', (k: string) => `  ${k}\t`],
    ['a byte order mark', (k: string) => `\ufeff${k}`],
    ['a connection string with a line feed', (k: string) => `${storageText(k)}\n`],
  ])('VAL-03: %s is kept byte for byte, and the key is known', async (_, text) => {
    await due(tenant, 'st-a', { account: 'acct1', value: text(key()) });
    await rotatesTo('st-a', () => text(key('key2')));
    expect(tenant.regenerations('acct1')).toBe(1);
  });

  it('VAL-03: key 2 with a line feed is slot 2, whatever is overridden: slot 1 is issued', async () => {
    const second = key('key2');
    await due(tenant, 'st-a', { account: 'acct1', value: `${second}\n` });
    await tenant.rotate('st-a', { override: ['unknown-value'] });
    await tenant.settle();
    expect(slotOf(tenant, 'acct1', tenant.current('st-a').value.trimEnd())).toBe('key1');
    expect(key('key2')).toBe(second);
    await tenant.check();
  });

  it.each([
    ['base64 of a connection string', () => base64(storageText(key())), /base64/],
    ['several lines', () => `first line\n${key()}`, /several lines/],
    [
      'an address of an unknown scheme',
      () => `foo://acct1:${encodeURIComponent(key())}@host`,
      /address/,
    ],
    ['quotes', () => `"${key()}"`, /quotes/],
  ])(
    'VAL-03: %s is refused by its shape, and no override puts a bare key in its place',
    async (_, value, words) => {
      await due(tenant, 'st-a', { account: 'acct1', value: value() });
      const answer = await tenant.rotate('st-a', { override: ['unknown-value'] });
      await tenant.settle();
      expect([202, 409]).toContain(answer.status);
      await refused('st-a', words);
    },
  );
});

it('VAL-03: words are a value that the account does not know, which a person may set aside', async () => {
  await due(tenant, 'st-a', { account: 'acct1', value: 'to be set later' });
  await tenant.event('st-a');
  await tenant.settle();
  expect(await tenant.row('st-a')).toMatchObject({ step: 'refuse', reason: 'unknown-value' });
  await tenant.rotate('st-a', { override: ['unknown-value'] });
  await tenant.settle();
  expect(slotOf(tenant, 'acct1', tenant.current('st-a').value)).toBeDefined();
  await tenant.check();
});

describe('VAL-05: strings of services', () => {
  it.each([
    [
      'without a port',
      (k: string) => `redis1.redis.cache.windows.net,abortConnect=false,ssl=true,password=${k}`,
    ],
    [
      'with protocols',
      (k: string) =>
        `redis1.redis.cache.windows.net:6380,password=${k},ssl=True,sslprotocols=tls12`,
    ],
    [
      'with options that nobody knows',
      (k: string) =>
        `redis1.redis.cache.windows.net:6380,password=${k},ssl=True,futureOption=7,$INFO=`,
    ],
    [
      'an address',
      (k: string) => `rediss://:${encodeURIComponent(k)}@redis1.redis.cache.windows.net:6380/0?x=1`,
    ],
  ])('VAL-05: Redis %s: the key alone is replaced', async (_, text) => {
    const redis = tenant.azure.keyed(REDIS, 'redis1');
    await dueKeyed('rd-a', 'redis-key', redis.id, text(redis.key('primaryKey')));
    await rotatesTo('rd-a', () => text(redis.key('secondaryKey')));
  });

  it('VAL-05: what can send the key elsewhere is refused by its name', async () => {
    const redis = tenant.azure.keyed(REDIS, 'redis1');
    const value = `redis1.redis.cache.windows.net:6380,password=${redis.key('primaryKey')},ssl=True,tunnel=http:evil.example:80`;
    await dueKeyed('rd-a', 'redis-key', redis.id, value);
    await refused('rd-a', /option tunnel/);
  });

  it('VAL-05: Cosmos with an ApiKind', async () => {
    const cosmos = tenant.azure.keyed(COSMOS, 'cosmos1');
    const text = (k: string) =>
      `AccountEndpoint=https://cosmos1.documents.azure.com:443/;AccountKey=${k};ApiKind=Gremlin;`;
    await dueKeyed('co-a', 'cosmos-db-key', cosmos.id, text(cosmos.key('primaryMasterKey')));
    await rotatesTo('co-a', () => text(cosmos.key('secondaryMasterKey')));
  });
});

describe('VAL-06: addresses and wrappers', () => {
  it('VAL-06: MongoDB of a Cosmos account, its key in its own encoding', async () => {
    const cosmos = tenant.azure.keyed(COSMOS, 'cosmos1');
    const text = (k: string) =>
      `mongodb://cosmos1:${encodeURIComponent(k)}@cosmos1.mongo.cosmos.azure.com:10255/?ssl=true&replicaSet=globaldb&retrywrites=false&appName=@cosmos1@`;
    await dueKeyed('co-a', 'cosmos-db-key', cosmos.id, text(cosmos.key('primaryMasterKey')));
    await rotatesTo('co-a', () => text(cosmos.key('secondaryMasterKey')));
  });

  it('VAL-06: Azure OpenAI as .NET Aspire writes it', async () => {
    const openai = tenant.azure.keyed(OPENAI, 'openai1');
    const text = (k: string) =>
      `Endpoint=https://openai1.openai.azure.com/;Key=${k};Deployment=chat`;
    await dueKeyed('ai-a', 'cognitive-services-key', openai.id, text(openai.key('key1')));
    await rotatesTo('ai-a', () => text(openai.key('key2')));
  });
});
