/** Where one kind of text ends and the next begins: beside each text that is read stand its closest neighbours, which are not. */
import { describe, expect, it } from '@jest/globals';
import type { FormSpec } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import { addressParts, looksLikeAddress, queryOf, schemeOf } from '../../src/form/address.ts';
import { keyDialects, loginDialects } from '../../src/form/dialects.ts';
import { type ElementsDialect, elementsOf } from '../../src/form/elements.ts';
import { openForm } from '../../src/form/form.ts';
import { saidOf } from '../jest/refusal.ts';

const P = 'Old-pass~1.of-the-app';
const OTHER = 'Another~2.of-somebody';
const NEXT = 'nEw_Pass.word-2.abcdefghijklmnopqrstuvwx';
const K = Buffer.from([...Array(64).keys()].map((at) => (at * 89 + 250) % 256)).toString('base64');
const NEXT_KEY = Buffer.from([...Array(64).keys()].map((at) => (at * 57 + 250) % 256)).toString(
  'base64',
);
const PG = 'pg1.postgres.database.azure.com';
const BUS = 'ns1.servicebus.windows.net';

const loginDialect = (title: string) =>
  Object.values(loginDialects)
    .flat()
    .find((each) => each.title === title) ?? loginDialects.mysql[0];
const { mongo, redis, redisAddress, amqp } = keyDialects;

describe('an address', () => {
  const either = { scheme: /^postgresql$/, credentials: 'either' } as const;

  it.each([
    ['postgresql://h', true, 'postgresql'],
    ['A1+b.c-d://h', true, 'A1+b.c-d'],
    ['jdbc:postgresql://h', true, 'jdbc:postgresql'],
    ['jdbc:x', true, ''],
    ['1x://h', false, ''],
    [' postgresql://h', false, ''],
    ['x postgresql://h', false, ''],
    ['xjdbc:y', false, ''],
    ['postgresql:/h', false, ''],
    ['://h', false, ''],
  ])('%j is one: %j', (text, is, scheme) => {
    expect([looksLikeAddress(text), schemeOf(text)]).toEqual([is, scheme]);
  });

  it.each([' ', 'x ', '1', '\n'])('with %j in front is none', (before) => {
    expect(saidOf(() => addressParts(`${before}postgresql://a:b@h/d`, either))).toMatch(
      /^bad-value: /,
    );
    expect(saidOf(() => queryOf(`${before}postgresql://a:b@h/d?x=1`))).toMatch(
      /not of the form scheme/,
    );
  });

  it('says of each part where it stands, and what stands there is its value', () => {
    const text = 'postgresql://app_a:s3cret@pg1.example:5432/app?sslmode=require&user=app_b';
    const parts = addressParts(text, either);
    const places = parts.map(({ name, start, end }) => [name, text.slice(start, end)]);
    expect(places).toEqual([
      ['user', 'app_a'],
      ['password', 's3cret'],
      ...[0, 1].map((at) => [['host', 'port'][at], 'pg1.example:5432']),
      ['sslmode', 'require'],
      ['user', 'app_b'],
    ]);
    expect(parts.map(({ value }) => value)).toEqual([
      'app_a',
      's3cret',
      'pg1.example',
      '5432',
      'require',
      'app_b',
    ]);
    expect(queryOf(text).map(({ start, end }) => text.slice(start, end))).toEqual([
      'require',
      'app_b',
    ]);
    // A host is never written by a rotation: it stays as it is, whatever it is asked to be.
    expect(
      parts.filter(({ name }) => name === 'host').map((part) => part.write('elsewhere')),
    ).toEqual(['pg1.example:5432']);
  });

  it('has its host where no login stands before it, and several as one part', () => {
    const text = 'postgresql://h1:5432,h2/app?password=x';
    expect(
      addressParts(text, either).map(({ name, value, start, end }) => [
        name,
        value,
        text.slice(start, end),
      ]),
    ).toEqual([
      ['host', 'h1:5432,h2', 'h1:5432,h2'],
      ['password', 'x', 'x'],
    ]);
  });

  it('without a login has a password alone, where its clients take that', () => {
    const grammar = { scheme: /^rediss$/, credentials: 'userinfo' } as const;
    const names = addressParts('rediss://:pw@h', { ...grammar, noLogin: true }).map(
      ({ name }) => name,
    );
    expect(names).toEqual(['password', 'host']);
    expect(saidOf(() => addressParts('rediss://:pw@h', grammar))).toMatch(/cannot be told apart/);
    for (const user of ['pw', 'a b:c', 'a%zz:c', 'a@b:c:'])
      expect([user, saidOf(() => addressParts(`rediss://${user}@h`, grammar))]).toEqual([
        user,
        expect.stringMatching(/cannot be told apart|not of the form|not percent-encoded/),
      ]);
  });

  it('tells what an option means to who decodes it, where that is something else', () => {
    const optionsOf = (query: string) =>
      addressParts(`postgresql://a:b@h/d?${query}`, either)
        .slice(3)
        .map(({ value, decoded }) => [value, decoded]);
    expect(optionsOf('x=plain&y=a+b&z=%41+%zz&q=%41')).toEqual([
      ['plain', undefined],
      ['a+b', 'a b'],
      ['%41+%zz', undefined],
      ['%41', 'A'],
    ]);
    const [plain] = addressParts('postgresql://a:b@h/d?x=plain', either).slice(3);
    expect(plain).not.toHaveProperty('decoded');
    expect(saidOf(() => addressParts('postgresql://a:b@h/d?x', either))).toMatch(
      /Element 1 behind/,
    );
    expect(saidOf(() => addressParts('postgresql://a:b@h/d?x=1&=2', either))).toMatch(
      /Element 2 behind/,
    );
  });

  it.each([
    ['MongoDB', mongo, ['mongodb'], ['xmongodb', 'mongodbx', 'mongodb+srv', 'MONGODB']],
    ['Redis', redisAddress, ['rediss'], ['redis', 'xrediss', 'redissx', 'REDISS']],
    ['AMQP', amqp, ['amqps'], ['amqp', 'xamqps', 'amqpsx', 'AMQPS']],
    [
      ...([
        'PostgreSQL',
        loginDialect('Address of PostgreSQL'),
        ['postgres', 'postgresql', 'postgresql+psycopg'],
      ] as const),
      ['xpostgres', 'postgresx', 'postgresql+', 'Postgres'],
    ],
    [
      'JDBC for PostgreSQL',
      loginDialect('JDBC for PostgreSQL'),
      ['jdbc:postgresql'],
      ['jdbc:postgresqlx', 'JDBC:postgresql'],
    ],
    [
      ...([
        'SQL Server',
        loginDialect('SQLAlchemy and Go for SQL Server'),
        ['mssql', 'mssql+pyodbc', 'MSSQL'],
      ] as const),
      ['xmssql', 'mssqlx', 'mssql+'],
    ],
  ] as const)('of %s has its scheme, and none that looks like it', (_, dialect, own, unlike) => {
    const read = (scheme: string) =>
      saidOf(() =>
        dialect.read(
          scheme.startsWith('jdbc') ? `${scheme}://h/d?user=a&password=b` : `${scheme}://a:b@h/d`,
        ),
      );
    for (const scheme of own) expect([scheme, read(scheme)]).toEqual([scheme, undefined]);
    for (const scheme of unlike)
      expect([scheme, read(scheme)]).toEqual([scheme, expect.stringMatching(/^bad-value/)]);
  });
});

describe('a text is meant for', () => {
  const meant = (dialect: { isMeant(text: string): boolean }, texts: readonly string[]) =>
    texts.filter((text) => dialect.isMeant(text));

  it('Redis where it has a password, or begins with a host and goes on', () => {
    const own = [
      'h:6380,ssl=True',
      'h,ssl=True',
      'h-1.x_y:6380  ,ssl=True',
      'ssl=True, Password = x',
      'password=x',
    ];
    expect(
      meant(redis, [...own, 'h:6380', 'h h,x', ':6380,x', '@h,x', 'h:,x', 'xpassword=y', 'h:6a,x']),
    ).toEqual(own);
  });

  it.each([
    [
      'Redis address',
      redisAddress,
      ['redis://h', 'rediss://h', 'REDIS://h'],
      ['xredis://h', 'redisx://h', 'redis:h'],
    ],
    ['MongoDB', mongo, ['mongodb://h', 'mongodb+srv://h'], ['xmongodb://h', 'mongodb+x://h']],
    ['AMQP', amqp, ['amqp://h', 'amqps://h'], ['xamqp://h', 'amqpx://h']],
    [
      'SQL Server',
      loginDialect('SQLAlchemy and Go for SQL Server'),
      ['mssql://h', 'sqlserver://h', 'mssql+pyodbc://h'],
      ['xmssql://h', 'mssqlx://h', 'mssql+://h'],
    ],
    [
      'PostgreSQL',
      loginDialect('Address of PostgreSQL'),
      ['postgres://h', 'postgresql://h', 'postgresql+asyncpg://h'],
      ['xpostgres://h', 'postgresx://h'],
    ],
    [
      'JDBC for PostgreSQL',
      loginDialect('JDBC for PostgreSQL'),
      ['jdbc:postgresql://h', 'JDBC:PostgreSQL://h'],
      ['xjdbc:postgresql://h', 'jdbc:postgresqlx://h'],
    ],
    [
      'odbc_connect',
      loginDialect('SQLAlchemy with `odbc_connect`'),
      ['mssql+pyodbc:///?odbc_connect=x', 'mssql:///?a=b&odbc_connect=x'],
      ['xmssql:///?odbc_connect=x', 'mssql:///?xodbc_connect=x', 'mssql:///?odbc_connects=x'],
    ],
  ] as const)('%s', (_, dialect, own, unlike) => {
    expect(meant(dialect, [...own, ...unlike])).toEqual(own);
  });

  it('Npgsql where semicolons part its pairs, libpq where blanks do', () => {
    const [npgsql, libpq] = [loginDialect('Npgsql'), loginDialect('libpq keywords')];
    const semicolons = [
      ...[`Host=h;Password=x`, `Host = h ; Password=x`, `Host=h;`, `Host='a b';Password=x`],
      ...[`Host="a b";Password=x`, `Host="a;b" ;Password=x`, `Host='a"b';Password=x`],
    ];
    const blanks = [
      `host=h password=x`,
      `host = h password = x`,
      `host='a b' password=x`,
      `host=h user='a;b' password=x`,
    ];
    expect(
      meant(
        npgsql,
        [...semicolons, ...blanks].filter((text) => !libpq.isMeant(text)),
      ),
    ).toEqual(semicolons);
    expect(
      meant(libpq, [...semicolons, ...blanks]).filter((text) => !npgsql.isMeant(text)),
    ).toEqual(blanks);
  });
});

it('a driver of ODBC is named, never a file', () => {
  const odbc = loginDialect('ODBC for SQL Server');
  const read = (driver: string) => saidOf(() => odbc.read(`Server=h;Driver=${driver};Uid=a;Pwd=b`));
  expect(['{ODBC Driver 18}', 'FreeTDS'].map(read)).toEqual([undefined, undefined]);
  for (const file of ['/opt/x.so', '{C:\\x.dll}', './x'])
    expect([file, read(file)]).toEqual([file, expect.stringMatching(/is a file/)]);
  // The same text in another element is no driver.
  expect(saidOf(() => odbc.read('Server=h;Database=a/b;Uid=a;Pwd=b'))).toBeUndefined();
});

describe('odbc_connect', () => {
  const { read } = loginDialect('SQLAlchemy with `odbc_connect`');
  const inner = encodeURIComponent(
    'Driver={ODBC Driver 18 for SQL Server};Server=h;Database=d;Uid=a;Pwd=b',
  );
  it.each([
    [`mssql+pyodbc:///?odbc_connect=${inner}`, undefined],
    [`mssql+pyodbc://?odbc_connect=${inner}`, undefined],
    [`mssql+pyodbc://h/?odbc_connect=${inner}`, /no host, login or password/],
    [`mssql+pyodbc://a:b@h/?odbc_connect=${inner}`, /no host, login or password/],
  ])('%.30s', (text, words) => {
    if (words) expect(saidOf(() => read(text))).toMatch(words);
    else expect(read(text).map(({ name }) => name)).toEqual(['odbcconnect']);
  });
});

describe('elements', () => {
  const parts = (dialect: ElementsDialect, text: string) =>
    elementsOf(text, dialect).map(({ name, value }) => [name, value]);

  it.each([
    ['odbc', `"x`],
    ['odbc', `'x`],
    ['odbc', '{x'],
    ['odbc', '=x'],
    ['odbc', `x"`],
    ['odbc', `x'`],
    ['ado', `'x`],
    ['ado', '{x'],
    ['ado', '=x'],
    ['ado', `x"y`],
    ['ado', `x'`],
    ['service', `"x`],
    ['service', `'x`],
    ['service', `x"`],
    ['service', `x'`],
    ['jdbc', 'x{y'],
    ['jdbc', '"x'],
    ['jdbc', '=x'],
    ['jdbc', `x'`],
    ['jtds', '{x'],
    ['prisma', 'x:y'],
    ['prisma', 'x}'],
  ] as const)('of %s: %s is unclear', (dialect, value) => {
    expect(saidOf(() => elementsOf(`a=1;b=${value};c=2`, dialect))).toMatch(/Element 2 .* quote/);
  });

  it.each([
    ['odbc', `x"y`],
    ['odbc', `x'y`],
    ['odbc', 'x{y'],
    ['odbc', 'x=y'],
    ['ado', `x'y`],
    ['ado', 'x{y'],
    ['ado', 'x=y'],
    ['service', `x"y`],
    ['service', `x'y`],
    ['service', '=x'],
    ['jdbc', `x"y`],
    ['jdbc', 'x=y'],
    ['jtds', 'x{y'],
    ['jtds', `"x"`],
  ] as const)('of %s: %s is a value like others', (dialect, value) => {
    expect(parts(dialect, `a=1;b=${value};c=2`)).toEqual([
      ['a', '1'],
      ['b', value],
      ['c', '2'],
    ]);
  });

  it('of Redis are hosts where they have no `=`, up to the next comma', () => {
    expect(parts('redis', 'h1:6380,h2 , password=x,h3')).toEqual([
      ['', 'h1:6380'],
      ['', 'h2'],
      ['password', 'x'],
      ['', 'h3'],
    ]);
    expect(parts('redis', 'h1,=x'.slice(0, 2))).toEqual([['', 'h1']]);
    expect(saidOf(() => elementsOf('h1,=x', 'redis'))).toMatch(/Element 2 /);
    expect(saidOf(() => elementsOf('a=1;b;c=2', 'ado'))).toMatch(/Element 2 /);
    expect(saidOf(() => elementsOf('a=1;b', 'ado'))).toMatch(/Element 2 /);
  });

  it('of ADO.NET in quotes: the quote doubled is one, the other is itself, nothing is nothing', () => {
    expect(parts('ado', `a="x""y'z";b='x''y"z' ;c="";d=''`)).toEqual([
      ['a', `x"y'z`],
      ['b', `x'y"z`],
      ['c', ''],
      ['d', ''],
    ]);
    expect(saidOf(() => elementsOf(`a=1;b="x"y`, 'ado'))).toMatch(/Element 2 .* goes on/);
  });

  it.each([
    ['service', 'ab+/=', undefined],
    ['service', 'a b', 'refused'],
    ['service', 'a;b', 'refused'],
    ['service', 'a,b', 'refused'],
    ['service', 'a"b', 'refused'],
    ['odbc', 'a b', '{a b}'],
    ['odbc', 'a}b', '{a}}b}'],
    ['ado', 'a b', '"a b"'],
    ['ado', 'a"b', `'a"b'`],
    ['ado', `a'b`, `"a'b"`],
    ['ado', `a"'b`, `"a""'b"`],
    ['jtds', 'a b', undefined],
    ['jtds', ' a', 'refused'],
    ['jtds', 'a;b', 'refused'],
    ['prisma', 'a:b', '{a:b}'],
    ['prisma', 'a}b', 'refused'],
  ] as const)('of %s: %s is written as its readers read it', (dialect, next, as) => {
    const [, part] = elementsOf('a=1;b=x', dialect);
    const written = saidOf(() => part?.write(next)) === undefined ? part?.write(next) : 'refused';
    expect(written).toBe(as ?? next);
    if (written !== 'refused')
      expect(parts(dialect, `a=1;b=${written};c=2`)[1]).toEqual(['b', next]);
  });
});

describe('beside a credential in a document', () => {
  const login = (server: 'mysql' | 'postgresql'): FormSpec => ({
    kind: 'login',
    server,
    required: false,
  });
  const storage: FormSpec = { kind: 'key', dialects: ['storage'] };
  const bus: FormSpec = { kind: 'key', dialects: ['jaas', 'messaging'] };
  const filled = (
    text: string,
    field: string,
    spec: FormSpec,
    hosts: readonly string[],
    next: string,
  ) => openForm(new Secret(text), { spec, field }, hosts).fill(new Secret(next)).reveal();

  it('a string of Rails or Spring with another credential is refused, with blanks around it too', () => {
    const other = `postgresql://app_a:${OTHER}@${PG}/app`;
    const yaml = (url: string) => `production:\n  password: ${P}\n  url: "${url}"\n`;
    for (const url of [other, ` ${other}`, `${other} `])
      expect(
        saidOf(() => filled(yaml(url), '/production/password', login('postgresql'), [PG], NEXT)),
      ).toMatch(/another credential/);
    // In JSON nobody takes one for the other.
    const json = JSON.stringify({ password: P, url: other });
    expect(JSON.parse(filled(json, 'password', login('postgresql'), [PG], NEXT))).toEqual({
      password: NEXT,
      url: other,
    });
  });

  it('an environment of Rails is refused for the same member alone, at the same depth', () => {
    const open = (text: string) =>
      saidOf(() => filled(text, '/production/password', login('postgresql'), [PG], NEXT));
    expect(open(`production:\n  password: ${P}\nstaging:\n  password: ${OTHER}\n`)).toMatch(
      /one environment/,
    );
    for (const fine of [
      `production:\n  password: ${P}\nstaging:\n  password: ${P}\n`,
      `production:\n  password: ${P}\nstaging:\n  password:\n    of: ${OTHER}\n`,
      `production:\n  password: ${P}\nstaging:\n  other: ${OTHER}\n`,
      `production:\n  password: ${P}\n  other: ${OTHER}\n`,
      `production:\n  password: ${P}\nmachines:\n  password: ${OTHER}\n`,
    ])
      expect([fine, open(fine)]).toEqual([fine, undefined]);
  });

  it("Kafka's servers are the target's, whatever the port; other kinds of keys have none", () => {
    const connection = `Endpoint=sb://${BUS}/;SharedAccessKeyName=send;SharedAccessKey=${K}`;
    const open = (servers: string, hosts = [BUS]) =>
      saidOf(() =>
        filled(
          JSON.stringify({ key: connection, 'bootstrap.servers': servers }),
          'key',
          bus,
          hosts,
          NEXT_KEY,
        ),
      );
    for (const servers of [`${BUS}:9093`, BUS, `${BUS}:1, ${BUS.toUpperCase()}:65535`])
      expect(open(servers)).toBeUndefined();
    expect(open(`${BUS}:9093`, [`${BUS}:443`, BUS])).toBeUndefined();
    for (const servers of [
      'evil.example:9093',
      `${BUS}:9093,evil.example`,
      `${BUS}:123456`,
      `x${BUS}`,
      `${BUS}:9093:1`,
    ])
      expect([servers, open(servers)]).toEqual([servers, expect.stringMatching(/^foreign-host: /)]);
    const other = JSON.stringify({ key: K, 'bootstrap.servers': 'kafka.example:9092' });
    expect(JSON.parse(filled(other, 'key', storage, [], NEXT_KEY))).toMatchObject({
      key: NEXT_KEY,
    });
  });
});

describe('a value alone', () => {
  const bare: FormSpec = { kind: 'login', server: 'postgresql', required: false };

  it('keeps the blanks around it, and can be asked for with them', () => {
    const form = openForm(new Secret(` ${P}\n`), { spec: bare }, [PG]);
    expect(form.bare.reveal()).toBe(P);
    expect(form.fill(new Secret(NEXT)).reveal()).toBe(` ${NEXT}\n`);
    expect(form.exact?.bare.reveal()).toBe(` ${P}\n`);
    expect(form.exact?.fill(new Secret(NEXT)).reveal()).toBe(NEXT);
    expect(form.exact?.elsewhere(new Secret(P))).toBeUndefined();
    expect(openForm(new Secret(P), { spec: bare }, [PG]).exact).toBeUndefined();
    const string = ` postgresql://app_a:${P}@${PG}/app\n`;
    expect(openForm(new Secret(string), { spec: bare }, [PG]).exact).toBeUndefined();
  });

  it('has nothing elsewhere; a document tells where', () => {
    expect(openForm(new Secret(P), { spec: bare }, [PG]).elsewhere(new Secret(P))).toBeUndefined();
    const document = openForm(
      new Secret(JSON.stringify({ password: P, note: `was ${OTHER}` })),
      { spec: bare, field: 'password' },
      [PG],
    );
    expect([OTHER, NEXT].map((each) => document.elsewhere(new Secret(each)))).toEqual([
      '/note',
      undefined,
    ]);
  });
});

describe('a document is read as', () => {
  const spec: FormSpec = { kind: 'login', server: 'postgresql', required: false };
  const fill = (text: string, field: string) =>
    openForm(new Secret(text), { spec, field }, [PG]).fill(new Secret(NEXT)).reveal();

  it.each([
    ['lines', `PASSWORD=${P}\n`, 'PASSWORD'],
    ['lines with blanks', `  PASSWORD = ${P}\n`, 'PASSWORD'],
    ['lines of a shell', `export PASSWORD=${P}\n`, 'PASSWORD'],
    ['properties', `db.password[0]=${P}\n`, 'db.password[0]'],
    ['lines below comments', `# a: b\n! c: d\n\n  # e\nPASSWORD=${P}\n`, 'PASSWORD'],
    ['YAML', `password: ${P}\n`, '/password'],
    ['YAML with an equals sign further on', `note: a=b\npassword: ${P}\n`, '/password'],
    ['YAML below a comment', `# a=b\npassword: ${P}\n`, '/password'],
  ])('%s', (_, text, field) => {
    expect(fill(text, field)).toBe(text.replace(P, NEXT));
  });
});
