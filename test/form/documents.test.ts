/** Documents with a credential in several places (case VAL-01), with another slot's (VAL-02), and those of lines, YAML and tools. */
import { describe, expect, it } from '@jest/globals';
import { parse as parseEnv } from 'dotenv';
import fc from 'fast-check';
import { parse as parseYaml } from 'yaml';
import type { FormOptions, FormSpec } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import { type Form, openForm } from '../../src/form/form.ts';
import { refusalOf } from '../jest/refusal.ts';

const PG = 'pg1.postgres.database.azure.com';
const HOSTS = [
  PG,
  'sql1.database.windows.net',
  'acct1.blob.core.windows.net',
  'ns1.servicebus.windows.net',
];
const OLD = 'Old-pass.word_1~xyz';
const NEW = 'nEw-Pass_2.~abcdefghijklmnopqrstuvwxyz01';
const keyOf = (byte: number) => Buffer.alloc(64, byte).toString('base64');
const specs = {
  pg: { kind: 'login', server: 'postgresql', required: true },
  sql: { kind: 'login', server: 'sqlserver', required: true },
  storage: { kind: 'key', dialects: ['storage'] },
  bus: { kind: 'key', dialects: ['jaas', 'amqp', 'messaging'] },
  bare: { kind: 'bare' },
} as const satisfies Readonly<Record<string, FormSpec>>;
type Kind = keyof typeof specs;

interface Case {
  readonly kind: Kind;
  readonly field: string;
  readonly loginField?: string;
}
const wantedOf = ({ kind, field, loginField }: Case): FormOptions => ({
  spec: specs[kind],
  field,
  ...(loginField ? { loginField } : {}),
});
const open = (text: string, given: Case): Form =>
  openForm(new Secret(text), wantedOf(given), HOSTS);
const isLogin = ({ kind }: Case) => kind === 'pg' || kind === 'sql';
const before = ({ kind }: Case) => (kind === 'storage' || kind === 'bus' ? keyOf(7) : OLD);
const after = ({ kind }: Case) => (kind === 'storage' || kind === 'bus' ? keyOf(9) : NEW);
const fill = (text: string, given: Case) =>
  open(text, given)
    .fill(new Secret(after(given)), isLogin(given) ? 'app_b' : undefined)
    .reveal();
const refusal = (text: string, given: Case) => refusalOf(() => open(text, given));

const base64 = (text: string) => Buffer.from(text).toString('base64');
const pgText = (login: string, password: string) =>
  `postgresql://${login}:${encodeURIComponent(password)}@${PG}:5432/app?sslmode=require`;
const ado = (login: string, password: string) =>
  `Server=tcp:sql1.database.windows.net,1433;User ID=${login};Password=${password};Encrypt=True`;
const storage = (key: string) =>
  `DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=${key};EndpointSuffix=core.windows.net`;
const bus = (key: string) =>
  `Endpoint=sb://ns1.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${key}`;
const pg: Case = { kind: 'pg', field: 'password', loginField: 'username' };
const st: Case = { kind: 'storage', field: 'key' };
const sb: Case = { kind: 'bus', field: 'cs' };
const app: Case = { kind: 'bare', field: 'clientSecret' };

/** All places are replaced; the rest is byte-equal since the document is written from its own text. */
const replaced: readonly (readonly [string, Case, (login: string, password: string) => unknown])[] =
  [
    [
      'a string beside login and password',
      pg,
      (u, p) => ({ username: u, password: p, url: pgText(u, p) }),
    ],
    ['the same password twice', pg, (u, p) => ({ username: u, password: p, PGPASSWORD: p })],
    [
      'a login repeated as owner and schema stays',
      pg,
      (u, p) => ({ username: u, password: p, owner: 'app_a', schema: 'app_a' }),
    ],
    [
      'a text that only resembles stays',
      pg,
      (u, p) => ({ username: u, password: p, note: 'Old-pass', hint: 'Old-pass.word' }),
    ],
    [
      'a second pair, its login with it',
      pg,
      (u, p) => ({ username: u, password: p, reader: { user: u, password: p } }),
    ],
    [
      'base64 of login and password',
      pg,
      (u, p) => ({ username: u, password: p, basic: base64(`${u}:${p}`) }),
    ],
    ['base64 of a string', pg, (u, p) => ({ username: u, password: p, enc: base64(pgText(u, p)) })],
    [
      'a document in a string',
      pg,
      (u, p) => ({ username: u, password: p, inner: JSON.stringify({ url: pgText(u, p), n: 1 }) }),
    ],
    [
      'a list of strings',
      pg,
      (u, p) => ({ username: u, password: p, urls: [pgText(u, p), 'other', pgText(u, p)] }),
    ],
    [
      'libpq keywords beside',
      pg,
      (u, p) => ({ username: u, password: p, dsn: `host=${PG} user=${u} password=${p}` }),
    ],
    [
      'JDBC beside',
      pg,
      (u, p) => ({
        username: u,
        password: p,
        jdbc: `jdbc:postgresql://${PG}:5432/app?user=${u}&password=${p}`,
      }),
    ],
    [
      'Npgsql beside',
      pg,
      (u, p) => ({ username: u, password: p, net: `Host=${PG};Username=${u};Password=${p}` }),
    ],
    ['blanks around the second', pg, (u, p) => ({ username: u, password: p, file: `${p}\n` })],
    [
      'numbers, nulls and nesting stay',
      pg,
      (u, p) => ({ n: 1.5, username: u, password: p, a: [null, true, { b: [] }] }),
    ],
    [
      'a short text that equals nothing',
      pg,
      (u, p) => ({ username: u, password: p, port: '5432', host: PG }),
    ],
    [
      'ADO.NET as the field and again',
      { kind: 'sql', field: 'a' },
      (u, p) => ({ a: ado(u, p), b: ado(u, p) }),
    ],
    [
      'SQL Server: JSON of login and password, and a string',
      { kind: 'sql', field: '/db/pw', loginField: '/db/user' },
      (u, p) => ({ db: { user: u, pw: p }, cs: ado(u, p) }),
    ],
    [
      'SQL Server: EF6 beside',
      { kind: 'sql', field: 'a' },
      (u, p) => ({
        a: ado(u, p),
        ef: `metadata=res://*/M.csdl;provider=System.Data.SqlClient;provider connection string="${ado(u, p)}"`,
      }),
    ],
    ['storage: key and string', st, (_, k) => ({ key: k, cs: storage(k) })],
    [
      'storage: key, string and base64',
      st,
      (_, k) => ({ key: k, cs: storage(k), b: base64(storage(k)) }),
    ],
    ['storage: percent-encoded', st, (_, k) => ({ key: k, q: encodeURIComponent(k) })],
    [
      'storage: two strings',
      { kind: 'storage', field: '/list/0' },
      (_, k) => ({ list: [storage(k), storage(k)] }),
    ],
    [
      'Service Bus: string, JAAS and AMQP',
      sb,
      (_, k) => ({
        cs: bus(k),
        kafka: `org.apache.kafka.common.security.plain.PlainLoginModule required username="$ConnectionString" password="${bus(k)}";`,
        amqp: `amqps://send:${encodeURIComponent(k)}@ns1.servicebus.windows.net`,
      }),
    ],
    [
      'docker: password and auth',
      { kind: 'bare', field: '/auths/reg1.azurecr.io/password' },
      (_, p) => ({
        auths: { 'reg1.azurecr.io': { username: 'reg1', password: p, auth: base64(`reg1:${p}`) } },
      }),
    ],
    [
      'docker: auth alone',
      { kind: 'bare', field: '/auths/reg1.azurecr.io/auth' },
      (_, p) => ({ auths: { 'reg1.azurecr.io': { auth: base64(`reg1:${p}`) } } }),
    ],
    [
      'docker: auth as the field, password with it',
      { kind: 'bare', field: '/auths/r/auth' },
      (_, p) => ({ auths: { r: { password: p, auth: base64(`reg1:${p}`) } } }),
    ],
    [
      'Azure auth JSON',
      app,
      (_, p) => ({
        clientId: 'c',
        clientSecret: p,
        tenantId: 't',
        activeDirectoryEndpointUrl: 'https://login.microsoftonline.com',
        resourceManagerEndpointUrl: 'https://management.azure.com/',
      }),
    ],
    [
      'an app registration under two names',
      app,
      (_, p) => ({ clientSecret: p, AZURE_CLIENT_SECRET: p, ARM_CLIENT_SECRET: p }),
    ],
  ];

describe('VAL-01: documents in which all places are replaced together', () => {
  it.each(replaced)('VAL-01: %s', (_, given, make) => {
    const [login, next] = isLogin(given) ? ['app_a', 'app_b'] : ['', ''];
    for (const indent of [undefined, 2]) {
      const text = JSON.stringify(make(login, before(given)), undefined, indent);
      expect(fill(text, given)).toBe(JSON.stringify(make(next, after(given)), undefined, indent));
      expect(open(text, given).fill(open(text, given).bare).reveal()).toBe(text);
    }
  });
});

const pointed: readonly (readonly [string, Case, unknown, RegExp])[] = [
  ['a sentence', pg, { username: 'app_a', password: OLD, note: `pw is ${OLD}!` }, /"\/note"/],
  [
    'another login with the same password',
    pg,
    { username: 'app_a', password: OLD, other: pgText('boss', OLD) },
    /"\/other".*another login/,
  ],
  [
    'a string that leads elsewhere',
    pg,
    { username: 'app_a', password: OLD, far: pgText('app_a', OLD).replace('pg1', 'pg2') },
    /"\/far"/,
  ],
  [
    'a string with an option that is refused',
    pg,
    { username: 'app_a', password: OLD, cs: `host=${PG} user=app_a password=${OLD} service=x` },
    /"\/cs".*service/,
  ],
  ['a name', pg, { username: 'app_a', password: OLD, map: { [OLD]: 1 } }, /"\/map"/],
  [
    'base64 of a sentence',
    pg,
    { username: 'app_a', password: OLD, a: { b: base64(`say ${OLD} twice`) } },
    /"\/a\/b"/,
  ],
  [
    'a header',
    pg,
    { username: 'app_a', password: OLD, header: `Basic ${base64(`app_a:${OLD}`)}` },
    /"\/header"/,
  ],
  [
    'a document in a string with a sentence',
    pg,
    { username: 'app_a', password: OLD, inner: JSON.stringify({ deep: `x ${OLD}` }) },
    /"\/inner\/deep"/,
  ],
  [
    'storage: a signature beside',
    st,
    {
      key: keyOf(7),
      cs: `BlobEndpoint=https://acct1.blob.core.windows.net;SharedAccessSignature=x;AccountKey=${keyOf(7)}`,
    },
    /"\/cs"/,
  ],
  [
    'docker: auth and password differ',
    { kind: 'bare', field: '/auths/r/password' },
    { auths: { r: { password: OLD, auth: base64('reg1:another-one') } } },
    /"\/auths\/r\/auth".*"\/auths\/r\/password"/,
  ],
  [
    'docker: an identity token',
    { kind: 'bare', field: '/auths/r/password' },
    { auths: { r: { password: OLD, identitytoken: 'x' } } },
    /identitytoken/,
  ],
  [
    'docker: a credential store',
    { kind: 'bare', field: '/auths/r/password' },
    { auths: { r: { password: OLD } }, credsStore: 'desktop' },
    /credsStore/,
  ],
  [
    'Azure auth JSON that sends the secret elsewhere',
    app,
    { clientSecret: OLD, activeDirectoryEndpointUrl: 'https://login.evil.example' },
    /activeDirectoryEndpointUrl/,
  ],
];

describe('VAL-01: documents that are refused by pointer', () => {
  it.each(pointed)('VAL-01: %s', (_, given, document, words) => {
    const { reason, detail } = refusal(JSON.stringify(document), given);
    expect(['bad-value', 'foreign-host']).toContain(reason);
    expect(detail).toMatch(words);
    expect(detail).not.toContain(before(given).slice(0, 12));
  });
});

describe('VAL-02: another credential in the document', () => {
  it.each([
    ['as it is', (k: string) => ({ key: keyOf(7), second: k }), '/second'],
    ['in a string', (k: string) => ({ key: keyOf(7), a: [storage(k)] }), '/a/0'],
    ['in base64', (k: string) => ({ key: keyOf(7), b: base64(`acct1:${k}`) }), '/b'],
    [
      'percent-encoded',
      (k: string) => ({ key: keyOf(7), q: `sig=${encodeURIComponent(k)}` }),
      '/q',
    ],
    ['nowhere', () => ({ key: keyOf(7), q: 'x' }), undefined],
  ])('VAL-02: is found %s', (_, make, where) => {
    expect(open(JSON.stringify(make(keyOf(8))), st).elsewhere(new Secret(keyOf(8)))).toBe(where);
  });
});

describe('documents of lines', () => {
  const env: Case = { kind: 'pg', field: 'DB_PASSWORD', loginField: 'DB_USER' };
  it('are read and written as dotenv reads them', () => {
    const make = (u: string, p: string) =>
      `# shop\nexport DB_USER=${u}\nDB_PASSWORD="${p}"\r\nURL='${pgText(u, p)}'\n\nEMPTY=\n`;
    const filled = fill(make('app_a', OLD), env);
    expect(filled).toBe(make('app_b', NEW));
    expect(parseEnv(filled)).toMatchObject({
      DB_USER: 'app_b',
      DB_PASSWORD: NEW,
      URL: pgText('app_b', NEW),
    });
  });

  it.each(['a#b', 'a$b', 'a\\b', '"a"b', "it's", 'a '])(
    'refuse a value that readers take differently: %j',
    (raw) => {
      expect(refusal(`DB_PASSWORD=${raw}\nDB_USER=app_a\n`, env).detail).toMatch(
        /readers take differently/,
      );
    },
  );

  it('of properties keep escapes and read placeholders as what they are', () => {
    const spring: Case = {
      kind: 'pg',
      field: 'spring.datasource.password',
      loginField: 'spring.datasource.username',
    };
    const make = (u: string, p: string) =>
      `spring.datasource.url=jdbc:postgresql://${PG}:5432/app\nspring.datasource.username=${u}\nspring.datasource.password = ${p}\nspring.flyway.password=${p}\n`;
    expect(fill(make('app_a', OLD), spring)).toBe(make('app_b', NEW));
    expect(refusal(make('app_a', '$' + '{DB_PW}'), spring).detail).toMatch(
      /readers take differently/,
    );
    const escaped = `a.key=${keyOf(7).replaceAll('=', '\\=')}\n`;
    expect(fill(escaped, { kind: 'storage', field: 'a.key' })).toBe(
      `a.key=${keyOf(9).replaceAll('=', '\\=')}\n`,
    );
  });

  it('of properties hold a JAAS line', () => {
    const make = (k: string) =>
      `bootstrap.servers=ns1.servicebus.windows.net:9093\nsasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="$ConnectionString" password="${bus(k)}";\n`;
    expect(fill(make(keyOf(7)), { kind: 'bus', field: 'sasl.jaas.config' })).toBe(make(keyOf(9)));
  });

  it('of netrc are found by machine', () => {
    const netrc: Case = { kind: 'pg', field: '/reg1/password', loginField: '/reg1/login' };
    const make = (u: string, p: string) =>
      `machine other login x password y\nmachine reg1\n  login ${u}\n  password ${p}\n`;
    expect(fill(make('app_a', OLD), netrc)).toBe(make('app_b', NEW));
    expect(refusal(`${make('app_a', OLD)}default login z password q\n`, netrc).reason).toBe(
      'bad-value',
    );
  });
});

describe('YAML', () => {
  const rails: Case = {
    kind: 'pg',
    field: '/production/password',
    loginField: '/production/username',
  };
  it.each([
    [
      'a block',
      (u: string, p: string) =>
        `production:\n  adapter: postgresql\n  host: ${PG}\n  username: ${u}\n  password: ${p}\n`,
    ],
    [
      'a line',
      (u: string, p: string) =>
        `production: {adapter: postgresql, username: ${u}, password: ${p}}\n`,
    ],
    [
      'quotes and comments',
      (u: string, p: string) =>
        `---\n# live\nproduction:\n  username: '${u}'\n  password: "${p}" # rotated\n  url: "${pgText(u, p)}"\n`,
    ],
  ])('as %s is read and written as yaml reads it', (_, make) => {
    const filled = fill(make('app_a', OLD), rails);
    expect(filled).toBe(make('app_b', NEW));
    expect(parseYaml(filled)).toMatchObject({ production: { username: 'app_b', password: NEW } });
  });

  it.each(['<%= ENV["X"] %>', '&pw secret', '*pw', '!t x', 'p #q', '12345678', 'yes', '| ', '[a]'])(
    'refuses a scalar that means something else: %j',
    (raw) => {
      expect(['bad-value']).toContain(
        refusal(`production:\n  username: app_a\n  password: ${raw}\n`, rails).reason,
      );
    },
  );

  it('takes every password of Keyturn', () => {
    const password = fc
      .string({ unit: fc.constantFrom(...'ABCXYZabcxyz0189-_.~'), minLength: 40, maxLength: 40 })
      .filter((text) => !text.startsWith('-'));
    fc.assert(
      fc.property(password, (next) => {
        const filled = open(`production:\n  username: app_a\n  password: ${OLD}\n`, rails)
          .fill(new Secret(next), 'app_b')
          .reveal();
        expect(parseYaml(filled)).toEqual({ production: { username: 'app_b', password: next } });
      }),
      { numRuns: 500 },
    );
  });
});
