/** Attacks on documents: a credential that is lost in a second place, a place that only seems one, and what stands beside and leads elsewhere. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyturnError } from '../../src/core/errors.ts';
import type { FormOptions, FormSpec } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';
import { tooSteep } from '../fuzz/linear.ts';
import { refusalOf } from '../jest/refusal.ts';

const P = '0ld.Pass-word~1';
const NEXT = 'nEw_Pass.word-2.abcdefghijklmnopqrstuvwx';
const K = Buffer.alloc(64, 251).toString('base64');
const NEXT_KEY = Buffer.alloc(64, 190).toString('base64');
const [PG, MY, BUS] = [
  'pg1.postgres.database.azure.com',
  'my1.mysql.database.azure.com',
  'ns1.servicebus.windows.net',
];
const specs = {
  pg: { kind: 'login', server: 'postgresql', required: true },
  sql: { kind: 'login', server: 'sqlserver', required: true },
  my: { kind: 'login', server: 'mysql', required: true },
  storage: { kind: 'key', dialects: ['storage'] },
  bus: { kind: 'key', dialects: ['jaas', 'amqp', 'messaging'] },
  config: { kind: 'key', dialects: ['appConfiguration'], pair: { name: 'id', key: 'secret' } },
  bare: { kind: 'bare' },
} as const satisfies Readonly<Record<string, FormSpec>>;
type Kind = keyof typeof specs;
const hosts = [
  PG,
  MY,
  BUS,
  'sql1.database.windows.net',
  'acct1.blob.core.windows.net',
  'ac1.azconfig.io',
];
type Fields = Omit<FormOptions, 'spec'>;
const LOGIN: Fields = { field: 'password', loginField: 'username' };
const open = (kind: Kind, text: string, fields: Fields) =>
  openForm(new Secret(text), { spec: specs[kind], ...fields }, hosts);
const refusal = (kind: Kind, text: string, fields: Fields) =>
  refusalOf(() => open(kind, text, fields));
const base64 = (text: string) => Buffer.from(text).toString('base64');
const url = (login: string, password: string) => `postgresql://${login}:${password}@${PG}/app`;
const lines = (text: string) => text.replace(/(.{64})/g, '$1\r\n');

describe('VAL-01: a second place is seen however it is spelt, and refused by pointer where it cannot be written', () => {
  it.each([
    ['hex', P, Buffer.from(P).toString('hex')],
    ['hex in capitals', P, Buffer.from(P).toString('hex').toUpperCase()],
    ['base64 of UTF-16', P, Buffer.from(P, 'utf16le').toString('base64')],
    ['base64 that begins within a run', P, `abc${base64(`Zx${P}`)}`],
    ['base64 behind a slash', P, `x/${base64(`AccountKey=${P}`)}`],
    ['base64 in lines', P, lines(base64(JSON.stringify({ p: P, z: 'z'.repeat(99) })))],
    ['base64 of base64 in a sentence', P, `say ${base64(`again ${base64(P)}`)} twice`],
    ['base64 of base64 of base64 in a sentence', P, `say ${base64(base64(`x ${base64(P)}`))}`],
    ['escapes of JSON in a text', P, `x = "\\u0030ld.Pass-word~1"`],
    ['escapes of JSON twice', P, `x = "\\\\u0030ld.Pass-word~1"`],
    ['escaped slashes', 'p/q/secret-1', `x = "p\\/q\\/secret-1"`],
    ['entities of XML', 'p&q<r>secret', '<add value="p&amp;q&lt;r&gt;secret"/>'],
    ['numbers of XML', 'p+q+secret-1', 'p&#43;q&#x2B;secret-1'],
    ['encoding of letters that need none', P, 'x=0ld%2EPass%2Dword%7E1'],
    ['encoding twice', 'p/q/secret-1', 'x=p%252Fq%252fsecret-1'],
  ])('VAL-01: %s', (_, password, second) => {
    const text = JSON.stringify({ username: 'app_a', password, a: { b: second } });
    const { reason, detail } = refusal('pg', text, LOGIN);
    expect(reason).toBe('bad-value');
    expect(detail).toContain('"/a/b"');
    expect(detail).not.toContain(password.slice(0, 6));
  });

  it('VAL-01: base64 of base64 is written in both layers', () => {
    const make = (password: string) =>
      JSON.stringify({
        username: 'app_a',
        password,
        a: base64(base64(password)),
        b: base64(base64(base64(password))),
      });
    expect(open('pg', make(P), LOGIN).fill(new Secret(NEXT)).reveal()).toBe(make(NEXT));
  });

  it('VAL-01: of App Configuration, a key beside its string, which cannot change with its Id', () => {
    const text = JSON.stringify({
      cs: `Endpoint=https://ac1.azconfig.io;Id=id1;Secret=${K}`,
      key: K,
    });
    expect(refusal('config', text, { field: 'cs' }).detail).toContain('"/key"');
    const both = JSON.stringify({
      cs: `Endpoint=https://ac1.azconfig.io;Id=id1;Secret=${K}`,
      key: NEXT_KEY,
    });
    expect(
      open('config', both, { field: 'cs' }).elsewhere(new Secret(`Id=x;Secret=${NEXT_KEY}`)),
    ).toBe('/key');
  });

  it('VAL-01: short, in a string that is refused', () => {
    const text = JSON.stringify({
      username: 'app_a',
      password: 'pw1',
      cs: `${url('app_a', 'pw1')}?sslmode=disable`,
    });
    expect(refusal('pg', text, LOGIN).detail).toMatch(/"\/cs".*sslmode/);
  });
});

describe('VAL-01: pairs of login and password change together', () => {
  it.each([
    [
      'beside each other',
      (u: string, p: string) => ({ username: u, password: p, PGUSER: u, PGPASSWORD: p }),
    ],
    [
      'below',
      (u: string, p: string) => ({ username: u, password: p, env: { PGUSER: u, PGPASSWORD: p } }),
    ],
    [
      'in camel case',
      (u: string, p: string) => ({ username: u, password: p, dbUser: u, dbPassword: p }),
    ],
    [
      'with a server behind it',
      (u: string, p: string) => ({ username: u, password: p, MY_LOGIN: `${u}@pg1`, MY_PWD: p }),
    ],
    [
      'a login that is only repeated stays',
      (u: string, p: string) => ({ username: u, password: p, user: 'app_a', owner: 'app_a' }),
    ],
    [
      'an owner beside a second password stays',
      (u: string, p: string) => ({ username: u, password: p, owner: 'app_a', PGPASSWORD: p }),
    ],
  ])('VAL-01: %s', (_, make) => {
    const filled = open('pg', JSON.stringify(make('app_a', P)), LOGIN)
      .fill(new Secret(NEXT), 'app_b')
      .reveal();
    expect(filled).toBe(JSON.stringify(make('app_b', NEXT)));
  });

  it.each([
    ['below', { admin: { username: 'boss', password: P } }, '/admin/password'],
    ['by its name', { PGUSER: 'boss', PGPASSWORD: P }, '/PGPASSWORD'],
    ['in a list', { all: [{ user: 'boss', pwd: P }] }, '/all/0/pwd'],
  ])(
    "VAL-01: another login's password, which only happens to be the same, is not overwritten: %s",
    (_, more, where) => {
      const { detail } = refusal(
        'pg',
        JSON.stringify({ username: 'app_a', password: P, ...more }),
        LOGIN,
      );
      expect(detail).toContain(`"${where}"`);
    },
  );

  it('VAL-01: Spring: hikari and flyway with their logins', () => {
    const make = (u: string, p: string) =>
      ['spring.datasource', 'spring.datasource.hikari', 'spring.r2dbc']
        .map((name) => `${name}.username=${u}\n${name}.password=${p}\n`)
        .join('')
        .concat(`spring.flyway.user=${u}\nspring.flyway.password=${p}\n`);
    const fields = {
      field: 'spring.datasource.password',
      loginField: 'spring.datasource.username',
    };
    expect(open('pg', make('app_a', P), fields).fill(new Secret(NEXT), 'app_b').reveal()).toBe(
      make('app_b', NEXT),
    );
  });

  it('VAL-07: a login with its server in a member and in a string', () => {
    const make = (u: string, p: string) =>
      JSON.stringify({
        username: `${u}@sql1`,
        password: p,
        cs: `Server=sql1.database.windows.net;User ID=${u}@sql1;Password=${p}`,
      });
    expect(open('sql', make('app_a', P), LOGIN).fill(new Secret(NEXT), 'app_b@sql1').reveal()).toBe(
      make('app_b', NEXT),
    );
  });
});

describe('VAL-01: what only resembles a weak password stays, and blocks nothing', () => {
  it.each([
    ['the database', 'shop', { database: 'shop', note: 'shop app' }],
    ['the database, longer', 'shop1234', { database: 'shop1234', schema: 'shop1234' }],
    [
      'an engine and a part of the host',
      'postgres',
      { engine: 'postgres', host: PG, url: `jdbc:postgresql://${PG}/postgres` },
    ],
    ['a part of the host', 'database', { host: PG, database: 'app' }],
    ['the name of its own member', 'password', {}],
    ['names of members', 'port', { port: '5432', nested: { port: 1 } }],
    ['a number', '12345678', { id: 12345678, other: '12345678' }],
    ['a port', '5432', { port: 5432, again: '5432' }],
    ['a word of JSON', 'true', { ssl: true }],
    ['the login', 'app_a', { owner: 'app_a', database: 'app_a' }],
  ])('VAL-01: %s', (_, password, more) => {
    const make = (u: string, p: string) => JSON.stringify({ username: u, password: p, ...more });
    expect(
      open('pg', make('app_a', password), LOGIN).fill(new Secret(NEXT), 'app_b').reveal(),
    ).toBe(make('app_b', NEXT));
  });

  it.each(['shop', 'postgres', 'changeme', '12345678'])(
    'VAL-01: %s is replaced where it is the password',
    (password) => {
      const make = (u: string, p: string) =>
        JSON.stringify({
          username: u,
          password: p,
          PGPASSWORD: p,
          url: url(u, p),
          basic: base64(`${u}:${p}`),
          host: PG,
        });
      expect(
        open('pg', make('app_a', password), LOGIN).fill(new Secret(NEXT), 'app_b').reveal(),
      ).toBe(make('app_b', NEXT));
    },
  );

  it('VAL-01: a word that is spoken of is refused by pointer', () => {
    const text = JSON.stringify({
      username: 'app_a',
      password: 'changeme',
      note: 'the password is changeme.',
    });
    expect(refusal('pg', text, LOGIN).detail).toContain('"/note"');
  });
});

const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required username="$ConnectionString" password="Endpoint=sb://${BUS}/;SharedAccessKeyName=send;SharedAccessKey=${K}";`;
const rails = (more: string) => `production:\n  username: app_a\n  password: ${P}\n${more}`;
const RAILS: Fields = { field: '/production/password', loginField: '/production/username' };
const DOCKER: Fields = { field: '/auths/r/password' };
const docker = (entry: object) =>
  JSON.stringify({ auths: { r: { username: 'reg1', password: P, ...entry } } });

describe('what stands beside the credential and leads elsewhere, or is taken first, is refused by pointer', () => {
  const SPRING: Fields = {
    field: 'spring.datasource.password',
    loginField: 'spring.datasource.username',
  };
  const beside: readonly (readonly [string, Kind, string, Fields, RegExp])[] = [
    ...[
      'bootstrap.servers=evil.example:9093',
      `bootstrap.servers=${BUS}:9093,evil.example:9093`,
      'spring.kafka.bootstrap-servers=evil.example:9093',
    ].map(
      (line) =>
        [
          'V3',
          'bus',
          `${line}\nsasl.jaas.config=${jaas}\n`,
          { field: 'sasl.jaas.config' },
          /bootstrap/,
        ] as const,
    ),
    [
      'V3',
      'bus',
      `sasl.login.callback.handler.class=x\nsasl.jaas.config=${jaas}\n`,
      { field: 'sasl.jaas.config' },
      /callback/,
    ],
    [
      'V3',
      'bus',
      `security.protocol=SASL_PLAINTEXT\nsasl.jaas.config=${jaas}\n`,
      { field: 'sasl.jaas.config' },
      /security\.protocol/,
    ],
    [
      'V3',
      'bus',
      JSON.stringify({ 'bootstrap.servers': 'evil.example:9093', 'sasl.password': K }),
      { field: 'sasl.password' },
      /bootstrap/,
    ],
    ...[
      { unix_socket: '/x' },
      { read_default_file: 'x' },
      { ssl_disabled: true },
      { ssl_verify_cert: false },
      { init_command: 'x' },
      { bind_address: 'x' },
      { passwd: 'an0ther.one' },
    ].map(
      (more) =>
        [
          'V6',
          'my',
          JSON.stringify({ user: 'app_a', password: P, ...more }),
          { field: 'password', loginField: 'user' },
          new RegExp(`/${Object.keys(more)[0]}"`),
        ] as const,
    ),
    ['V7.1', 'pg', rails('  socket: /x\n'), RAILS, /socket/],
    ['V7.1', 'pg', rails('  sslmode: disable\n'), RAILS, /sslmode/],
    ['V7.1', 'pg', rails(`  url: ${url('app_z', 'an0ther.one')}\n`), RAILS, /production\/url/],
    [
      'V7.1',
      'pg',
      rails('staging:\n  username: app_a\n  password: an0ther.one\n'),
      RAILS,
      /staging\/password/,
    ],
    ['V7.1', 'pg', rails("  host: <%= ENV['HOST'] %>\n"), RAILS, /ERB/],
    ['V7.1', 'pg', 'production: x\n  username: app_a\n  password: y\n', LOGIN, /not a document/],
    ['V7.1', 'pg', `production:\n    username: app_a\n  password: ${P}\n`, RAILS, /not a document/],
    ['V7.2', 'bare', docker({ auth: base64(`:${P}`) }), DOCKER, /auth/],
    ['V7.2', 'bare', docker({ auth: base64(P) }), DOCKER, /auth/],
    ['V7.2', 'bare', docker({ auth: base64(`reg2:${P}`) }), DOCKER, /username/],
    [
      'V7.2',
      'bare',
      JSON.stringify({ auths: { r: { auth: base64(`:${P}`) } } }),
      { field: '/auths/r/auth' },
      /auth/,
    ],
    [
      'V7.3',
      'pg',
      `DB_USER: app_a\nDB_PASSWORD: ${P}\nX=1\n`,
      { field: 'DB_PASSWORD', loginField: 'DB_USER' },
      /differently/,
    ],
    [
      'V7.5',
      'pg',
      `spring.datasource.username=app_a\nspring.datasource.password=${P} `,
      SPRING,
      /blank/,
    ],
    [
      'V7.5',
      'pg',
      `spring.datasource.username=app_a\nspring.datasource.password=${P}\nspring.datasource.url=jdbc:postgresql://${PG}/a?user=app_a&password=an0ther.one`,
      SPRING,
      /datasource\.url/,
    ],
    [
      'V7.6',
      'bare',
      JSON.stringify({ clientSecret: P, ActiveDirectoryEndpointUrl: 'https://evil.example' }),
      { field: 'clientSecret' },
      /EndpointUrl/,
    ],
    [
      'V7.6',
      'bare',
      `AZURE_CLIENT_SECRET=${P}\nAZURE_AUTHORITY_HOST=https://evil.example\n`,
      { field: 'AZURE_CLIENT_SECRET' },
      /AUTHORITY_HOST/,
    ],
  ];
  it.each(beside)('%s: %s: %j', (_, kind, text, fields, words) => {
    const { detail } = refusal(kind, text, fields);
    expect(detail).toMatch(words);
    for (const hidden of [P, 'an0ther', 'evil', K.slice(0, 12)])
      expect(detail).not.toContain(hidden);
  });

  it('V7.2: the NUL bytes that docker cuts off `auth` are cut off', () => {
    const form = open('bare', JSON.stringify({ auths: { r: { auth: base64(`reg1:${P}\0\0`) } } }), {
      field: '/auths/r/auth',
    });
    expect(form.bare.reveal()).toBe(P);
    expect(form.fill(new Secret(NEXT)).reveal()).toBe(
      JSON.stringify({ auths: { r: { auth: base64(`reg1:${NEXT}`) } } }),
    );
  });

  it('V7.1: an address stays without quotes', () => {
    const make = (u: string, p: string) => `production:\n  url: ${url(u, p)}\n`;
    expect(
      open('pg', make('app_a', P), { field: '/production/url' })
        .fill(new Secret(NEXT), 'app_b')
        .reveal(),
    ).toBe(make('app_b', NEXT));
  });
});

describe('whatever opens takes every password of Keyturn, or every key: nothing fails behind the point of no return', () => {
  const password = fc
    .string({ unit: fc.constantFrom(...'ABCXYZabcxyz0189-_.~'), minLength: 40, maxLength: 40 })
    .filter((text) => !text.startsWith('-'));
  const words = fc
    .constantFrom('1e5', '0x1F', '.inf', '~', 'null', 'yes', '12345678', '2001-01-01')
    .map((word) => word.padEnd(40, '0'));
  const key = fc
    .uint8Array({ minLength: 16, maxLength: 64 })
    .map((bytes) => Buffer.from(bytes).toString('base64'));
  const both = (u: string, p: string) =>
    [
      [
        JSON.stringify({
          username: u,
          password: p,
          url: url(u, p),
          b: base64(`${u}:${p}`),
          c: base64(base64(p)),
        }),
        LOGIN,
      ],
      [`username=${u}\npassword=${p}\nURL="${url(u, p)}"\n`, LOGIN],
      [`username='${u}'\npassword="${p}"\n`, LOGIN],
      [`username: ${u}\npassword: ${p}\nurl: ${url(u, p)}\n`, LOGIN],
      [
        `a: {username: ${u}, password: ${p}}\n`,
        { field: '/a/password', loginField: '/a/username' },
      ],
      [
        `a: {username: ${u}, password: '${p}', url: "${url(u, p)}"}\n`,
        { field: '/a/password', loginField: '/a/username' },
      ],
      [
        `x.username=${u}\nx.password=${p}\nx.url=${url(u, p)}\n`,
        { field: 'x.password', loginField: 'x.username' },
      ],
      [`machine h login ${u} password ${p}\n`, { field: '/h/password', loginField: '/h/login' }],
    ] as const;
  it.each(both('app_a', P).map(([text], at) => [text, at] as const))('password: %j', (text, at) => {
    fc.assert(
      fc.property(fc.oneof(password, words), (next) => {
        const fields = both('', '')[at]?.[1] ?? {};
        const filled = open('pg', text, fields).fill(new Secret(next), 'app_b').reveal();
        const again = open('pg', filled, fields);
        expect([again.bare.reveal(), again.login]).toEqual([next, 'app_b']);
        expect(again.elsewhere(new Secret(P))).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  });

  const cs = (k: string) =>
    `DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=${k};EndpointSuffix=core.windows.net`;
  const keys = (k: string) => [
    JSON.stringify({ key: k, cs: cs(k), b: base64(cs(k)), q: encodeURIComponent(k) }),
    `key=${k}\nCS="${cs(k)}"\n`,
    `key: ${k}\ncs: ${cs(k)}\n`,
    `x.y=1\nkey=${k}\n`,
    `x.y=1\nkey=${k.replaceAll('=', '\\=')}\n`,
  ];
  it.each(keys(K))('key: %j', (text) => {
    fc.assert(
      fc.property(key, (next) => {
        const filled = open('storage', text, { field: 'key' }).fill(new Secret(next)).reveal();
        const again = open('storage', filled, { field: 'key' });
        expect(again.bare.reveal()).toBe(next);
        expect(again.elsewhere(new Secret(K))).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  });
});

describe('ATK-08: documents made to be slow are judged in time that grows as their length does', () => {
  const many = (piece: unknown) => (length: number) =>
    JSON.stringify({
      username: 'app_a',
      password: 'p',
      more: Array(Math.ceil(length / (JSON.stringify(piece).length + 1))).fill(piece),
    });
  it.each([
    ['places', many('p')],
    ['pairs', many({ user: 'app_a', password: 'p' })],
    ['strings', many(url('app_a', 'p'))],
    ['base64', many(base64('app_a:p'))],
    [
      'escapes',
      (length: number) =>
        JSON.stringify({
          username: 'app_a',
          password: P,
          x: '\\\\u0030%2525&amp;'.repeat(length / 17),
        }),
    ],
    [
      'runs',
      (length: number) => JSON.stringify({ username: 'app_a', password: P, x: 'A'.repeat(length) }),
    ],
    [
      'layers',
      (length: number) =>
        JSON.stringify({
          username: 'app_a',
          password: P,
          x: base64(base64(base64('A'.repeat(length / 3)))),
        }),
    ],
    [
      'environments',
      (length: number) =>
        `production:\n  username: app_a\n  password: ${P}\n${`test:\n  password: ${P}\n`.repeat(length / 30)}`,
    ],
  ])('ATK-08: %s', (_, make) => {
    const judge = (text: string) => {
      try {
        const fields = text.startsWith('{') ? LOGIN : RAILS;
        const form = open('pg', text, fields);
        form.fill(new Secret(NEXT), 'app_b');
        form.elsewhere(new Secret('an0ther.one'));
      } catch (error) {
        if (!(error instanceof KeyturnError)) throw error;
      }
    };
    expect(tooSteep(judge, make)).toBeUndefined();
  });
});
