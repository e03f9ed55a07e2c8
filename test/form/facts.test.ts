/** What clients really read, row by row (facts on values, V1 to V6): taken so that they read the new credential, or refused before anything is issued. */
import { describe, expect, it } from '@jest/globals';
import { KeyturnError } from '../../src/core/errors.ts';
import type { FormSpec } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';

const keyOf = (factor: number) =>
  Buffer.from([...Array(64).keys()].map((at) => (at * factor + 250) % 256)).toString('base64');
const [K, NEXT_KEY] = [keyOf(89), keyOf(57)];
const [P, NEXT] = ['0ld.Pass-word~1', 'nEw_Pass.word-2.abcdefghijklmnopqrstuvwx'];
const { encodeURIComponent: E } = globalThis;
const [SQL, PG, MY, BUS] = [
  ...[
    'sql1.database.windows.net',
    'pg1.postgres.database.azure.com',
    'my1.mysql.database.azure.com',
  ],
  'ns1.servicebus.windows.net',
] as const;
const kinds = {
  bus: [{ kind: 'key', dialects: ['jaas', 'amqp', 'messaging'] }, BUS],
  redis: [
    { kind: 'key', dialects: ['redisAddress', 'redis'] },
    'redis1.redis.cache.windows.net:6380',
  ],
  mongo: [{ kind: 'key', dialects: ['mongo'] }, 'cosmos1.mongo.cosmos.azure.com'],
  sql: [{ kind: 'login', server: 'sqlserver', required: true }, SQL],
  pg: [{ kind: 'login', server: 'postgresql', required: true }, PG],
  my: [{ kind: 'login', server: 'mysql', required: true }, MY],
} as const satisfies Readonly<Record<string, readonly [FormSpec, string]>>;
type Kind = keyof typeof kinds;
const open = (kind: Kind, text: string) =>
  openForm(new Secret(text), { spec: kinds[kind][0] }, [kinds[kind][1]]);
const isLogin = (kind: Kind) => kinds[kind][0].kind === 'login';

const jaas = (end = '') =>
  `org.apache.kafka.common.security.plain.PlainLoginModule required username="$ConnectionString" password="Endpoint=sb://${BUS}/;SharedAccessKeyName=send;SharedAccessKey=${K}"${end};`;
const amqp = (query: string) => `amqps://send:${E(K)}@${BUS}${query}`;
const ado = `Server=tcp:${SQL},1433;Initial Catalog=shop;User ID=app_a;Password=${P};Encrypt=True`;
const odbc = `Driver={ODBC Driver 18 for SQL Server};Server=${SQL};Database=shop;Uid=app_a;Pwd=${P}`;
const jdbc = `jdbc:sqlserver://${SQL}:1433;database=shop;user=app_a;password=${P}`;
const jtds = `jdbc:jtds:sqlserver://${SQL}:1433/shop;user=app_a;password=${P};ssl=require`;
const prisma = `sqlserver://${SQL}:1433;database=shop;user=app_a;password=${P}`;
const alchemy = `mssql+pyodbc://app_a:${P}@${SQL}:1433/shop?driver=ODBC+Driver+18+for+SQL+Server`;
const libpq = `host=${PG} port=5432 dbname=app user=app_a password=${P} sslmode=require`;
const pgUrl = `postgresql://app_a:${P}@${PG}:5432/app?sslmode=require`;
const pgJdbc = `jdbc:postgresql://${PG}:5432/app?user=app_a&password=${P}`;
const npgsql = `Host=${PG};Database=app;Username=app_a;Password=${P};SSL Mode=Require`;
const myAdo = `Server=${MY};Uid=app_a;Pwd=${P};SslMode=Required`;
const myUrl = `mysql://app_a:${P}@${MY}:3306/app`;

/** The words name what is wrong, whatever else they say. */
const refused: readonly (readonly [id: string, kind: Kind, text: string, words: RegExp])[] = [
  ['V2.2', 'bus', amqp('?transport.trustAll=true'), /transport\.trustAll/],
  ['V2.2', 'bus', amqp('?transport.verifyHost=false'), /transport\.verifyHost/],
  ['V2.2', 'bus', `failover:(${amqp('')},amqps://evil.example)`, /address/],
  [
    'V2.3',
    'mongo',
    `mongodb://c:${E(K)}@cosmos1.mongo.cosmos.azure.com:10255/?ssl=true&authSource=%24%65xternal`,
    /authSource/,
  ],
  ['V2.4', 'redis', `//:${E(K)}@redis1.redis.cache.windows.net:6380`, /address/],
  ['V3', 'bus', jaas('\n\u0001'), /control/],
  ['V4.1', 'sql', ado.replace('User ID', 'Username'), /`username`/],
  ['V4.1', 'sql', `${ado};passwd=x`, /`passwd`/],
  ...['\ufeff', '\u00a0', '\u2028', '\u200b'].flatMap((mark) => [
    ['V1.1', 'sql', ado.replace(P, `${mark}${P}`), /cannot be seen/] as const,
    ['V1.1', 'pg', pgUrl.replace('/app?', `/${mark}app?`), /cannot be seen/] as const,
  ]),
  ['V4.6', 'sql', ado.replace('shop', 'sh"op'), /quote/],
  ['V4.3', 'sql', odbc.replace('Pwd', 'Password'), /`password`/],
  ['V4.3', 'sql', odbc.replace('Uid', 'User'), /`user`/],
  ['V4.4', 'sql', alchemy.replace('/shop', ''), /DSN/],
  [
    'V4.4',
    'sql',
    alchemy.replace('ODBC+Driver+18+for+SQL+Server', '/opt/evil.so'),
    /option Driver /,
  ],
  [
    'V4.4',
    'sql',
    alchemy.replace('ODBC+Driver+18+for+SQL+Server', '%2Fopt%2Fevil.so'),
    /option Driver /,
  ],
  [
    'V4.4',
    'sql',
    alchemy.replace('ODBC+Driver+18+for+SQL+Server', 'C:%5Cevil.dll'),
    /option Driver /,
  ],
  ['V4.4', 'sql', `mssql+pyodbc:///?odbc_connect=${E(odbc)}&odbc_connect=x`, /twice/],
  ['V4.5', 'sql', jdbc.replace('password', 'pwd'), /`pwd`/],
  ['V4.5', 'sql', jdbc.replace('jdbc:', 'JDBC:'), /small letters/],
  ['V4.5', 'sql', jdbc.replace('sqlserver', 'SQLServer'), /small letters/],
  ['V4.5', 'sql', `${jdbc};socketFactoryConstructorArg=x`, /socketFactoryConstructorArg/],
  ['V4.5', 'sql', jdbc.replace(P, 'a{b}'), /quote/],
  ['V4.5', 'sql', jtds.replace('password=', 'password= '), /blank/],
  ['V4.5', 'sql', jtds.replace(P, `${P} `), /blank/],
  ['V4.5', 'sql', jtds.replace('user=app_a', 'user=app_a '), /blank/],
  ['V4.5', 'sql', jtds.replace(';password', '; password'), /blank/],
  ['V4.5', 'sql', jtds.replace('password=', 'password ='), /blank/],
  ['V4.5', 'sql', prisma.replace(P, 'pässword'), /quote/],
  ['V4.6', 'sql', `sqlserver://app_a:${P}@${SQL}:1433/inst?database=shop`, /instance/],
  [
    'V4.6',
    'sql',
    `sqlserver://app_a:${P}@${SQL}:1433?database=shop&krb5-dnslookupkdc=true`,
    /krb5-dnslookupkdc/,
  ],
  ['V5', 'pg', libpq.replace('password=', 'Password='), /small letters/],
  ['V5', 'pg', libpq.replace('user=', 'USER='), /small letters/],
  ['V5', 'pg', pgUrl.replace('postgresql', 'PostgreSQL'), /small letters/],
  ['V5', 'pg', `${pgUrl}&dbname=host%3Devil`, /database/],
  ['V5', 'pg', `${pgUrl}&dbname=postgres%3A%2F%2Fevil`, /database/],
  ['V5', 'pg', pgJdbc.replace('password', 'PASSWORD'), /small letters/],
  ['V5', 'pg', pgJdbc.replace('user', 'USER'), /small letters/],
  ['V5', 'pg', npgsql.replace('Password', 'passwd'), /`passwd`/],
  ['V5', 'pg', npgsql.replace('Username', 'User'), /`user`/],
  ['V5', 'pg', `${npgsql};Require Auth=GSS`, /Require Auth/],
  ['V6', 'my', `${myAdo};Certificate Store=x`, /Certificate Store/],
  ['V6', 'my', `${myAdo};CACertificateFile=x`, /CA Certificate File/],
  ['V6', 'my', `${myUrl}?ssl=%7B%22rejectUnauthorized%22%3Afalse%7D`, /option ssl /],
  ['V6', 'my', `${myUrl}?ssl={"rejectUnauthoriz\\u0065d":false}`, /option ssl |form/],
  ['V6', 'my', `${myUrl}?ssl={"ca":"x"}`, /option ssl /],
  ...[
    'init_command=x',
    'ssl_disabled=true',
    'ssl_verify_cert=false',
    'server_public_key_path=x',
    'defer_connect=true',
  ].map((option): readonly ['V6', 'my', string, RegExp] => [
    'V6',
    'my',
    `mysql+pymysql${myUrl.slice(5)}?${option}`,
    new RegExp(option.replace(/=.*/, '')),
  ]),
];

describe('what clients would read otherwise is refused', () => {
  it.each(refused)('%s: %s: %j', (_, kind, text, words) => {
    let error: unknown;
    try {
      open(kind, text);
    } catch (thrown) {
      error = thrown;
    }
    if (!(error instanceof KeyturnError)) throw new Error('It was opened.');
    expect(error.detail).toMatch(words);
    for (const part of [P, K.slice(1, 12), 'evil']) expect(error.detail).not.toContain(part);
  });
});

const taken: readonly (readonly [id: string, kind: Kind, text: string])[] = [
  ['V3', 'bus', jaas().replace(' username', '\n  username').replace(' password', '\r\n\tpassword')],
  ['V4.1', 'sql', ado.replaceAll(';', ';\n  ')],
  ['V4.1', 'sql', `;;${ado}`],
  ['V4.1', 'sql', ado.replace(P, `"p'""q"`)],
  ['V4.3', 'sql', odbc.replace(P, '{a}}b}')],
  ['V4.4', 'sql', `${alchemy}&Encrypt=yes&ApplicationIntent=ReadOnly`],
  ['V4.4', 'sql', `mssql+pyodbc:///?odbc_connect=${E(odbc)}&future=1`],
  ['V4.5', 'sql', jdbc.replace('user=', 'userName=')],
  ['V4.5', 'sql', prisma.replace(P, '{a;b}')],
  ['V5', 'pg', libpq.replaceAll(' ', '\t')],
  ['V5', 'pg', libpq.replaceAll(' ', '\n')],
  ['V5', 'pg', `${npgsql};Require Auth=ScramSHA256`],
  ['V5', 'pg', `${npgsql.replaceAll(';', ';\n')}`],
  ['V6', 'my', `${myUrl.replace('mysql', 'mysqlx')}`],
  ['V6', 'my', `${myUrl}?ssl=%7B%22rejectUnauthorized%22%3Atrue%7D`],
  ['V6', 'my', `${myUrl}?ssl={"rejectUnauthorized":true}`],
  ['V6', 'my', `${myUrl}?ssl={}`],
  ['V6', 'my', myAdo.replace('Pwd', 'password1')],
];

describe('what clients read is taken', () => {
  it.each(taken)('%s: %s: %j', (_, kind, text) => {
    const form = open(kind, text);
    const next = isLogin(kind) ? NEXT : NEXT_KEY;
    const filled = form.fill(new Secret(next), isLogin(kind) ? 'app_b' : undefined).reveal();
    const again = open(kind, filled);
    expect(again.bare.reveal()).toBe(next);
    expect(again.fill(form.bare, form.login).reveal()).toBe(text);
  });
});

it('V4.4: with `odbc_connect`, a login in which versions of SQLAlchemy disagree is never written', () => {
  const form = open('sql', `mssql+pyodbc:///?odbc_connect=${E(odbc)}`);
  for (const login of ['app+b', 'app%62'])
    expect(() => form.fill(new Secret(NEXT), login)).toThrow(/versions of SQLAlchemy/);
});
