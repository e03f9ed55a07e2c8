/** Strings found in public reports (cases section 15), as they were written there, with what they must become. */
import { describe, expect, it } from '@jest/globals';
import type { FormSpec } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';
import { refusalOf } from '../jest/refusal.ts';

const K1 = Buffer.from([...Array(64).keys()].map((at) => (at * 89 + 250) % 256)).toString('base64');
const K2 = Buffer.from([...Array(64).keys()].map((at) => (at * 57 + 251) % 256)).toString('base64');
const [OLD, NEW] = ['0ld.Pass-word~1', 'nEw_Pass.word-2'];
const specs = {
  mongo: { kind: 'key', dialects: ['mongo', 'cosmosTable', 'cosmos', 'cassandra'] },
  storage: { kind: 'key', dialects: ['storage'] },
  bus: { kind: 'key', dialects: ['amqp', 'messaging'] },
  redis: { kind: 'key', dialects: ['redisAddress', 'redis'] },
  signalr: { kind: 'key', dialects: ['signalr'] },
  sql: { kind: 'login', server: 'sqlserver', required: true },
  pg: { kind: 'login', server: 'postgresql', required: true },
  my: { kind: 'login', server: 'mysql', required: true },
  admin: { kind: 'login', server: 'sqlserver', required: false },
} as const satisfies Readonly<Record<string, FormSpec>>;
type Kind = keyof typeof specs;
const hosts: Readonly<Record<Kind, readonly string[]>> = {
  mongo: [
    'cosmos1.documents.azure.com',
    'cosmos1.mongo.cosmos.azure.com',
    'cosmos1.cassandra.cosmos.azure.com',
  ],
  storage: ['acct1.z01.blob.storage.azure.net', 'acct1.z01.queue.storage.azure.net'],
  bus: ['ns1.servicebus.windows.net', 'alias1.servicebus.windows.net'],
  redis: ['redis1.redis.cache.windows.net:6380'],
  signalr: ['s1.service.signalr.net'],
  sql: ['sql1.database.windows.net'],
  pg: ['pg1.postgres.database.azure.com', 'pg1.postgres.database.azure.com:6432'],
  my: ['my1.mysql.database.azure.com'],
  admin: ['sql1.database.windows.net'],
};
const isLogin = (kind: Kind) => specs[kind].kind === 'login';
const open = (kind: Kind, text: string) =>
  openForm(new Secret(text), { spec: specs[kind] }, hosts[kind]);
const fill = (kind: Kind, text: string) =>
  open(kind, text)
    .fill(
      new Secret(isLogin(kind) ? NEW : K2),
      isLogin(kind) && kind !== 'admin' ? 'app_b' : undefined,
    )
    .reveal();
const refusal = (kind: Kind, text: string) => refusalOf(() => open(kind, text));
const { encodeURIComponent: E } = globalThis;

describe('rotates, and nothing but the credential changes', () => {
  const taken: readonly (readonly [string, Kind, (k: string, login: string) => string])[] = [
    [
      'VAL-05',
      'redis',
      (k) => `redis1.redis.cache.windows.net,abortConnect=false,ssl=true,password=${k}`,
    ],
    [
      'VAL-05',
      'redis',
      (k) => `redis1.redis.cache.windows.net:6380,password=${k},ssl=True,sslprotocols=tls12`,
    ],
    [
      'VAL-05',
      'redis',
      (k) =>
        `redis1.redis.cache.windows.net:6380,password=${k},ssl=True,highIntegrity=true,someFutureThing=a.b`,
    ],
    [
      'VAL-05',
      'mongo',
      (k) =>
        `AccountEndpoint=https://cosmos1.documents.azure.com:443/;AccountKey=${k};ApiKind=Gremlin;`,
    ],
    [
      'VAL-05',
      'mongo',
      (k) =>
        `AccountEndpoint=https://cosmos1.documents.azure.com/;AccountKey=${k};database=d;collection=c`,
    ],
    [
      'VAL-05',
      'bus',
      (k) =>
        `Endpoint=sb://alias1.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${k}`,
    ],
    [
      'VAL-05',
      'bus',
      (k) =>
        `Endpoint=sb://ns1.servicebus.windows.net;SharedAccessKeyName=send;SharedAccessKey=${k};RuntimePort=9354;TransportType=AmqpWebSockets`,
    ],
    [
      'VAL-05',
      'signalr',
      (k) => `Endpoint=https://s1.service.signalr.net;AccessKey=${k};Version=1.0;Port=443;`,
    ],
    [
      'VAL-06',
      'mongo',
      (k) =>
        `mongodb://cosmos1:${E(k)}@cosmos1.mongo.cosmos.azure.com:10255/?ssl=true&replicaSet=globaldb&retrywrites=false`,
    ],
    [
      'VAL-06',
      'mongo',
      (k) =>
        `mongodb://cosmos1:${E(k)}@cosmos1.mongo.cosmos.azure.com:10255/db?ssl=true&replicaSet=globaldb&maxIdleTimeMS=120000&appName=@cosmos1@`,
    ],
    [
      'VAL-06',
      'mongo',
      (k) =>
        `HostName=cosmos1.cassandra.cosmos.azure.com;Username=cosmos1;Password=${k};Port=10350`,
    ],
    [
      'VAL-06',
      'sql',
      (k, u) =>
        `sqlserver://sql1.database.windows.net:1433;database=shop;user=${u};password=${k};encrypt=true`,
    ],
    [
      'VAL-06',
      'sql',
      (k, u) =>
        `metadata=res://*/M.csdl;provider=System.Data.SqlClient;provider connection string="data source=sql1.database.windows.net;initial catalog=shop;user id=${u};password=${k}"`,
    ],
    [
      'VAL-06',
      'sql',
      (k, u) =>
        `metadata=res://*/M.csdl|res://*/M.ssdl;provider=System.Data.SqlClient;provider connection string='data source=tcp:sql1.database.windows.net,1433;user id=${u};password="${k}";MultipleActiveResultSets=True'`,
    ],
    [
      'VAL-06',
      'sql',
      (k, u) =>
        `mssql+pyodbc://${u}:${k}@sql1.database.windows.net:1433/shop?driver=ODBC+Driver+18+for+SQL+Server`,
    ],
    [
      'VAL-06',
      'sql',
      (k, u) =>
        `jdbc:jtds:sqlserver://sql1.database.windows.net:1433/shop;user=${u}@sql1;password=${k};ssl=require`,
    ],
    [
      'VAL-07',
      'pg',
      (k, u) => `postgresql://${u}:${k}@pg1.postgres.database.azure.com:6432/app?sslmode=require`,
    ],
    [
      'VAL-07',
      'pg',
      (k, u) => `host=pg1.postgres.database.azure.com port=6432 dbname=app user=${u} password=${k}`,
    ],
    ['VAL-07', 'sql', (k, u) => `Server=sql1.database.windows.net;User ID=${u}@sql1;Password=${k}`],
    [
      'VAL-07',
      'sql',
      (k, u) =>
        `Server=sql1.database.windows.net;User ID=${u}@sql1.database.windows.net;Password=${k}`,
    ],
    [
      'VAL-08',
      'my',
      (k, u) =>
        `Server=my1.mysql.database.azure.com;Port=3306;Database=app;Uid=${u};Pwd=${k};SslMode=Required;GuidFormat=Char36;`,
    ],
    [
      'VAL-08',
      'my',
      (k, u) =>
        `jdbc:mysql://my1.mysql.database.azure.com:3306/app?user=${u}&password=${k}&verifyServerCertificate=true&sslMode=VERIFY_CA`,
    ],
    [
      'VAL-08',
      'my',
      (k, u) =>
        `Server=my1.mysql.database.azure.com;Uid=${u};Pwd=${k};TreatTinyAsBoolean=true;UserVariables=x;AllowUserVariables=True`,
    ],
    [
      'VAL-08',
      'my',
      (k, u) =>
        `mysql://${u}:${k}@my1.mysql.database.azure.com/app?serverTimezone=UTC&useServerPrepStmts=true`,
    ],
    [
      'VAL-08',
      'pg',
      (k, u) =>
        `Host=pg1.postgres.database.azure.com;Username=${u};Password=${k};Target Session Attributes=any;Load Balance Hosts=true;Log Parameters=true`,
    ],
    [
      'VAL-08',
      'sql',
      (k, u) =>
        `Server=sql1.database.windows.net;User ID=${u};Password=${k};Persist Security Info=False;Workstation ID=userpc;Application Name=server tool`,
    ],
    [
      'VAL-10',
      'storage',
      (k) =>
        `DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=${k};BlobEndpoint=https://acct1.z01.blob.storage.azure.net/;QueueEndpoint=https://acct1.z01.queue.storage.azure.net/;`,
    ],
    [
      'COR-06',
      'admin',
      (k) => `Server=tcp:sql1.database.windows.net,1433;Password=${k};Encrypt=True`,
    ],
    [
      'COR-06',
      'admin',
      (k) => `Server=tcp:sql1.database.windows.net,1433;User ID=;Password=${k};Encrypt=True`,
    ],
    [
      'COR-06',
      'admin',
      (k) => `jdbc:sqlserver://sql1.database.windows.net:1433;password=${k};encrypt=true`,
    ],
    [
      'COR-06',
      'admin',
      (k) => `Driver={ODBC Driver 18 for SQL Server};Server=sql1.database.windows.net;Pwd=${k}`,
    ],
  ];
  it.each(
    taken.map(
      ([id, kind, make]) =>
        [
          id,
          kind,
          make(isLogin(kind) ? OLD : K1, 'app_a'),
          make(isLogin(kind) ? NEW : K2, 'app_b'),
        ] as const,
    ),
  )('%s: %s: %s', (_, kind, before, after) => {
    expect(open(kind, before).bare.reveal()).toBe(isLogin(kind) ? OLD : K1);
    expect(fill(kind, before)).toBe(after);
  });
});

describe('is refused by name, never as "element n", and shows nothing of the value', () => {
  it.each([
    [
      'VAL-05',
      'redis',
      `redis1.redis.cache.windows.net:6380,password=${K1},ssl=True,proxy=twemproxy`,
      /option proxy /,
    ],
    [
      'VAL-05',
      'redis',
      `redis1.redis.cache.windows.net:6380,password=${K1},ssl=True,serviceName=mymaster`,
      /option serviceName /,
    ],
    ['VAL-05', 'redis', `redis1.redis.cache.windows.net:6380,password=${K1}`, /TLS/],
    [
      'VAL-05',
      'redis',
      `REDISS://:${E(K1)}@redis1.redis.cache.windows.net:6380`,
      /small letters|scheme/,
    ],
    ['VAL-05', 'redis', `redis://:${E(K1)}@redis1.redis.cache.windows.net:6380`, /TLS/],
    [
      'VAL-05',
      'bus',
      `Endpoint=sb://ns1.servicebus.windows.net/;SharedAccessKeyName=s;SharedAccessKey=${K1};StsEndpoint=https://evil.example`,
      /option StsEndpoint /,
    ],
    [
      'VAL-05',
      'signalr',
      `Endpoint=https://s1.service.signalr.net;AccessKey=${K1};AuthType=azure.app`,
      /option AuthType /,
    ],
    [
      'VAL-06',
      'mongo',
      `mongodb://cosmos1:${E(K1)}@cosmos1.mongo.cosmos.azure.com:10255/?ssl=true&proxyHost=evil.example`,
      /option proxyHost /,
    ],
    [
      'VAL-06',
      'mongo',
      `mongodb://cosmos1:${E(K1)}@cosmos1.mongo.cosmos.azure.com:10255/?ssl=false`,
      /option ssl /,
    ],
    [
      'VAL-06',
      'mongo',
      `MongoDB://cosmos1:${E(K1)}@cosmos1.mongo.cosmos.azure.com:10255/?ssl=true`,
      /small letters|scheme/,
    ],
    [
      'VAL-06',
      'sql',
      `metadata=res://*/M.csdl;provider=System.Data.SqlClient;provider connection string=&quot;data source=sql1.database.windows.net;user id=a;password=${OLD}&quot;`,
      /&quot;/,
    ],
    [
      'VAL-06',
      'sql',
      `sqlserver://app_a:${OLD}@sql1.database.windows.net:1433?database=shop&change+password=x`,
      /option change password /,
    ],
    [
      'VAL-08',
      'pg',
      `postgresql://app_a:${OLD}@pg1.postgres.database.azure.com/app?sslmode=no-verify`,
      /option sslmode .*TLS/,
    ],
    [
      'VAL-08',
      'pg',
      `host=pg1.postgres.database.azure.com user=app_a password=${OLD} sslmode=prefer`,
      /option sslmode .*TLS/,
    ],
    [
      'VAL-08',
      'my',
      `Server=my1.mysql.database.azure.com;Uid=app_a;Pwd=${OLD};SslMode=Preferred`,
      /option SslMode .*TLS/,
    ],
    [
      'VAL-08',
      'my',
      `Server=my1.mysql.database.azure.com;Uid=app_a;Pwd=${OLD};AllowPublicKeyRetrieval=true`,
      /option AllowPublicKeyRetrieval /,
    ],
    [
      'VAL-08',
      'my',
      `app_a:${OLD}@tcp(my1.mysql.database.azure.com:3306)/app?tls=skip-verify`,
      /option tls .*TLS/,
    ],
  ] as const)('%s: %s: %s', (_, kind, text, words) => {
    const { reason, detail } = refusal(kind, text);
    expect(reason).toBe('bad-value');
    expect(detail).toMatch(words);
    expect(detail).not.toMatch(/[Ee]lement \d/);
    for (const part of [K1.slice(0, 12), OLD, 'evil']) expect(detail).not.toContain(part);
  });
});
