/** VAL-10 and VAL-07: which hosts count for a target, read from answers as ARM gives them and bounded where they are strange. */
import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';
import type { Rotator } from '../../src/ports/rotator.ts';
import { mysqlLogin } from '../../src/rotators/mysqlLogin.ts';
import { postgresqlLogin } from '../../src/rotators/postgresqlLogin.ts';
import { twoKey } from '../../src/rotators/twoKey.ts';
import { twoKeyTable } from '../../src/rotators/twoKeyTable.ts';
import type { ArmKeysApi } from '../../src/targets/armKeys.ts';
import { MYSQL_TYPE, POSTGRESQL_TYPE } from '../../src/targets/databaseServers.ts';
import { cosmosHosts, hostIn, hostOf, privateLinkOf } from '../../src/targets/hosts.ts';

const clock = { now: () => new Date('2026-01-01T00:00:00Z'), sleep: async () => undefined };
const SECRET = { vault: 'kv1', name: 'a' };
const GROUP = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg1/providers';

/** The hosts of a kind at a resource with these properties and this list, and how many requests that took. */
async function hostsOf(type: string, properties: object, listed: object = {}) {
  const row = twoKeyTable.find((each) => each.type === type);
  if (!row) throw new Error(`No row ${type}.`);
  let asked = 0;
  const answer = (body: object) => {
    asked += 1;
    return body;
  };
  const keys = {
    get: async () => answer({ properties }),
    list: async () => answer(listed),
  } as Partial<ArmKeysApi> as ArmKeysApi;
  const [provider = '', ...kinds] = (row.armTypes[0] ?? '').split('/');
  const target = `${GROUP}/${provider}/${kinds.map((kind, at) => `${kind}/name${at}`).join('/')}`;
  const bound = twoKey(row, { keys, clock }).bind({ target, options: {}, secret: SECRET });
  const { hosts } = await bound.inspect();
  return { hosts, asked, more: await bound.moreHosts?.(), askedAfter: asked };
}

describe('two-key kinds', () => {
  it.each<[type: string, properties: object, listed: object, hosts: string[]]>([
    [
      'cosmos-db-key',
      {
        documentEndpoint: 'https://c1.documents.azure.us:443/',
        mongoEndpoint: 'https://c1.mongo.cosmos.azure.us:443/',
        readLocations: [
          { documentEndpoint: 'https://c1-a.documents.azure.us:443/' },
          { locationName: 'West' },
        ],
        writeLocations: [{ documentEndpoint: 'https://c1-a.documents.azure.us:443/' }],
      },
      {},
      ['c1.documents.azure.us', 'c1.mongo.cosmos.azure.us', 'c1-a.documents.azure.us'],
    ],
    [
      'cognitive-services-key',
      {
        endpoint: 'https://ai1.cognitiveservices.azure.com/',
        endpoints: {
          'OpenAI API': 'https://ai1.openai.azure.com/',
          Speech: 'https://westeurope.stt.speech.microsoft.com',
        },
      },
      {},
      [
        'ai1.cognitiveservices.azure.com',
        'ai1.openai.azure.com',
        'westeurope.stt.speech.microsoft.com',
      ],
    ],
    [
      'container-registry-password',
      {
        adminUserEnabled: true,
        loginServer: 'reg1.azurecr.io',
        dataEndpointHostNames: ['reg1.westeurope.data.azurecr.io'],
      },
      { passwords: [] },
      ['reg1.azurecr.io', 'reg1.westeurope.data.azurecr.io'],
    ],
    [
      'batch-key',
      { accountEndpoint: 'b1.westeurope.batch.azure.com' },
      {},
      ['b1.westeurope.batch.azure.com'],
    ],
    [
      'search-admin-key',
      { endpoint: 'https://s1.search.windows.net' },
      {},
      ['s1.search.windows.net'],
    ],
    [
      'event-grid-topic-key',
      { endpoint: 'https://t1.x-1.eventgrid.azure.net/api/events' },
      {},
      ['t1.x-1.eventgrid.azure.net'],
    ],
    [
      'event-hubs-key',
      { serviceBusEndpoint: 'https://ns1.servicebus.windows.net:443/' },
      {
        aliasPrimaryConnectionString:
          'Endpoint=sb://alias1.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=a',
        aliasSecondaryConnectionString: null,
      },
      ['ns1.servicebus.windows.net', 'alias1.servicebus.windows.net'],
    ],
    // What is strange names nothing, and stops nothing.
    [
      'cosmos-db-key',
      {
        documentEndpoint: 7,
        readLocations: 'x y',
        locations: [null, [[]], { documentEndpoint: {} }],
      },
      {},
      [],
    ],
    [
      'cognitive-services-key',
      { endpoint: 'http://ai1.example/', endpoints: ['javascript:1', 'https://u:p@[::1]/'] },
      {},
      [],
    ],
    [
      'service-bus-key',
      {},
      { aliasPrimaryConnectionString: 'SharedAccessKey=x;NotEndpoint=sb://evil.example/' },
      [],
    ],
  ])(
    'VAL-10: %s, from the answers that are read anyway',
    async (type, properties, listed, hosts) => {
      const found = await hostsOf(type, properties, listed);
      expect(found.hosts).toEqual(hosts);
      expect(found.asked).toBe(2);
      expect(found.askedAfter).toBe(2);
    },
  );

  it('VAL-10: private endpoints of zones that have them, and of no others', async () => {
    const of = async (endpoint: string) =>
      (await hostsOf('app-configuration-key', { endpoint }, { value: [] })).more;
    expect(await of('https://store1.azconfig.io')).toEqual(['store1.privatelink.azconfig.io']);
    for (const other of [
      'https://a.store1.azconfig.io',
      'https://azconfig.io',
      'https://store1.azconfig.io.evil.example',
    ])
      expect(await of(other)).toEqual([]);
  });
});

describe('names', () => {
  it('VAL-10: hosts are read strictly', () => {
    expect(hostOf('https://A1.example.net:443/', 6380)).toEqual(['a1.example.net:6380']);
    for (const bad of [
      'http://a1.example/',
      'sb:a1',
      'https://a_b.example/',
      'https://[::1]/',
      '',
      null,
      {},
      ['x'],
      7,
    ])
      expect(hostOf(bad)).toEqual([]);
    expect(hostIn('Endpoint=sb://a.example/;K=1')).toEqual(['a.example']);
    expect(hostIn('XEndpoint=sb://a.example/')).toEqual([]);
    expect(privateLinkOf('c1.documents.azure.com:443')).toEqual([
      'c1.privatelink.documents.azure.com:443',
    ]);
    expect(privateLinkOf('localhost')).toEqual([]);
    expect(cosmosHosts('c1.documents.azure.com')).toContain('c1.mongo.cosmos.azure.com:10255');
    for (const other of [
      'c1.documents.azure.com.evil.example',
      'a.c1.documents.azure.com',
      'c1.documents.evil.example',
      '',
    ])
      expect(cosmosHosts(other)).toEqual([]);
  });
});

describe('flexible servers', () => {
  const servers = {
    facts: async () => ({ host: 'pg1.postgres.database.azure.com', port: 5432, passwords: false }),
  };
  const api = {
    tryLogin: async () => Promise.reject(new Error('Nobody logs in.')),
    setPassword: async () => undefined,
  };
  const bound = ({ bind }: Rotator, type: string) =>
    bind({ target: `${GROUP}/${type}/pg1`, options: { logins: 'app_a,app_b' }, secret: SECRET });

  it.each([
    [
      'URI',
      'postgresql://app_a:Aa0-first-4711@pg1.postgres.database.azure.com:6432/app?sslmode=require',
    ],
    [
      'URI, the server itself',
      'postgresql://app_a:Aa0-first-4711@pg1.postgres.database.azure.com/app?sslmode=require',
    ],
    [
      'libpq',
      'host=pg1.postgres.database.azure.com port=6432 user=app_a password=Aa0-first-4711 sslmode=require',
    ],
    [
      'Npgsql',
      'Host=pg1.postgres.database.azure.com;Port=6432;Username=app_a;Password=Aa0-first-4711;SSL Mode=Require',
    ],
    [
      'JDBC',
      'jdbc:postgresql://pg1.postgres.database.azure.com:6432/app?user=app_a&password=Aa0-first-4711&sslmode=require',
    ],
    [
      'the private endpoint',
      'postgresql://app_a:Aa0-first-4711@pg1.privatelink.postgres.database.azure.com:6432/app?sslmode=require',
    ],
  ])('VAL-07: PgBouncer of the server, by %s', async (_, text) => {
    const rotator = postgresqlLogin({
      servers,
      postgres: { ...api, roles: async () => [], outOfReach: async () => [] },
      clock,
    });
    const target = bound(rotator, POSTGRESQL_TYPE);
    const { hosts } = await target.inspect();
    const all = [...hosts, ...((await target.moreHosts?.()) ?? [])];
    expect(openForm(new Secret(text), { spec: rotator.form }, all).login).toBe('app_a');
    const elsewhere = new Secret(text.replace('pg1.', 'pg2.'));
    expect(() => openForm(elsewhere, { spec: rotator.form }, all)).toThrow(
      expect.objectContaining({ reason: 'foreign-host' }),
    );
    const port = new Secret(text.replace(':6432', ':6433').replace(/ort=6432/, 'ort=6433'));
    if (text.includes('6432'))
      expect(() => openForm(port, { spec: rotator.form }, all)).toThrow(
        expect.objectContaining({ reason: 'foreign-host' }),
      );
  });

  it('VAL-07: MySQL has no such port', async () => {
    const rotator = mysqlLogin({
      servers: {
        facts: async () => ({ host: 'my1.mysql.database.azure.com', port: 3306, passwords: true }),
      },
      mysql: { ...api, accounts: async () => [], mayChange: async () => ({ may: true }) },
      clock,
    });
    const target = bound(rotator, MYSQL_TYPE);
    expect((await target.inspect()).hosts).toEqual(['my1.mysql.database.azure.com:3306']);
    expect(await target.moreHosts?.()).toEqual(['my1.privatelink.mysql.database.azure.com:3306']);
  });
});
