/** Connection strings, quote by quote: what their client reads as login and password, what is written in that place, or why nothing is. */
import { describe, expect, it } from '@jest/globals';
import { KeyturnError } from '../../src/core/errors.ts';
import type { FormSpec, KeyDialect } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import { openForm } from '../../src/form/form.ts';

const HOST = 'target.example.net';
const KEY = Buffer.from([...Array(32).keys()].map((at) => (at * 89 + 250) % 256)).toString(
  'base64',
);
const login = (server: 'sqlserver' | 'postgresql' | 'mysql'): FormSpec => ({
  kind: 'login',
  server,
  required: true,
});
const key = (...dialects: KeyDialect[]): FormSpec => ({ kind: 'key', dialects });
const [SQL, PG, MY] = [login('sqlserver'), login('postgresql'), login('mysql')];
const open = (text: string, spec: FormSpec, hosts: readonly string[] = [HOST]) =>
  openForm(new Secret(text), { spec }, hosts);
function words<T>(act: () => T): T | string {
  try {
    return act();
  } catch (error) {
    if (error instanceof KeyturnError) return `${error.reason}: ${error.detail}`;
    throw error;
  }
}
/** The password, or why it is refused. */
const held = (text: string, spec: FormSpec, hosts?: readonly string[]) =>
  words(() => open(text, spec, hosts).bare.reveal());
/** The text with another password (and login), or why it is not written. */
const filled = (text: string, spec: FormSpec, next: string, to?: string) =>
  words(() => open(text, spec).fill(new Secret(next), to).reveal());
const NOT_WRITTEN =
  /^bad-value: The new (?:credential|login)(?: or (?:login|password))? cannot be written into/;

describe('ADO.NET', () => {
  const ado = (password: string, more = '') =>
    `Server=${HOST};User ID=app_a;Password=${password}${more}`;

  it.each([
    ['plain-1.~', 'plain-1.~'],
    ['"a;b"', 'a;b'],
    ["'a;b'", 'a;b'],
    ['"a""b"', 'a"b'],
    ["'a''b'", "a'b"],
    [`"a'b"`, "a'b"],
    ['" a "', ' a '],
    ['a b', 'a b'],
    ['  a  ', 'a'],
    ['"a"  ', 'a'],
    ['a=b', 'a=b'],
    ['""', ''],
  ])('the password %s is %j', (spelt, value) => {
    expect(held(ado(spelt, ';Database=x'), SQL)).toBe(value);
    expect(held(ado(spelt), SQL)).toBe(value);
    expect(held(`Password=${spelt};Server=${HOST};User ID=app_a`, SQL)).toBe(value);
  });

  it.each(["a'", '=a', '{a', 'a"', 'a"b', '"a', "'a"])(
    'the password %s is refused: a quote does not close',
    (spelt) => {
      expect(held(ado(spelt), SQL)).toMatch(
        /Element 3 of the connection string has a quote that does not close/,
      );
    },
  );

  it.each(['"a"b', "'a'b", '"a" b', '"a"=b'])(
    'the password %s is refused: it goes on behind its quote',
    (spelt) => {
      expect(held(ado(spelt), SQL)).toContain(
        'Element 3 of the connection string goes on behind its closing quote',
      );
    },
  );

  it.each([
    ['Database', 'is not of the form name=value'],
    ['=x', 'is not of the form name=value'],
    ['-a=x', 'is not of the form name=value'],
    ['a*b=x', 'is not of the form name=value'],
    ['a', 'Element 4'],
  ])('an element %s is refused by its number', (element, why) => {
    expect(held(ado('x', `;${element}`), SQL)).toContain(why);
    expect(held(ado('x', `;${element};b=c`), SQL)).toContain(why);
  });

  it.each(['$a=x', 'a.b=x', 'a b=x', 'a-b=x'])('an element %s stays', (element) => {
    expect(filled(ado('x', `;${element}`), SQL, 'y')).toBe(ado('y', `;${element}`));
  });

  it.each([
    ['x', 'a;b', '"a;b"'],
    ['x', 'a"b', `'a"b'`],
    ['x', "a'b", `"a'b"`],
    ['x', `a"'b`, `"a""'b"`],
    ['x', 'a b', '"a b"'],
    ['x', '=a', '"=a"'],
    ['x', '{a}', '"{a}"'],
    ['x', 'plain', 'plain'],
    ['"x"', 'plain', '"plain"'],
    ['"x"', 'a"b', '"a""b"'],
    ["'x'", "a'b", "'a''b'"],
    ["'x'", 'a"b', `'a"b'`],
  ])('in the place of %s, %s is written %s', (spelt, next, written) => {
    expect(filled(ado(spelt, ';Database=x'), SQL, next)).toBe(ado(written, ';Database=x'));
    const text = `Server=${HOST};User ID=${spelt};Password=z`;
    expect(filled(text, SQL, 'z', next)).toBe(`Server=${HOST};User ID=${written};Password=z`);
  });

  it('blanks and empty elements between stay', () => {
    const text = `; ;Server = ${HOST} ;; User ID = app_a ;\n Password = x ;;`;
    expect(filled(text, SQL, 'y', 'app_b')).toBe(
      text.replace('= x', '= y').replace('app_a', 'app_b'),
    );
  });
});

describe('ODBC', () => {
  const odbc = (password: string) =>
    `Driver={x};Server=${HOST};Uid=app_a;Pwd=${password};Database=y`;

  it.each([
    ['a', 'a'],
    ['{a;b}', 'a;b'],
    ['{a}}b}', 'a}b'],
    ['{ a }', ' a '],
    ['a=b', 'a=b'],
    ['{}', ''],
  ])('the password %s is %j', (spelt, value) => expect(held(odbc(spelt), SQL)).toBe(value));

  it.each(['"a', "'a", '{a', '=a', 'a"', "a'", '{a}b', '{a}}'])(
    'the password %s is refused',
    (spelt) =>
      expect(held(odbc(spelt), SQL)).toMatch(/has a quote that does not close|goes on behind/),
  );

  it.each([
    ['a', 'plain-1.~', 'plain-1.~'],
    ...[
      'a;b',
      'a{b',
      'a[b',
      'a(b',
      'a,b',
      'a?b',
      'a*b',
      'a=b',
      'a!b',
      'a b',
      'a"b',
      "a'b",
      'a]b',
      'a)b',
    ].map((next) => ['a', next, `{${next}}`] as const),
    ['a', 'a}b', '{a}}b}'],
    ['{a}', 'plain', '{plain}'],
  ])('in the place of %s, %s is written %s', (spelt, next, written) =>
    expect(filled(odbc(spelt), SQL, next)).toBe(odbc(written)),
  );
});

describe('JDBC and its kin', () => {
  const jdbc = (password: string) =>
    `jdbc:sqlserver://${HOST}:1433;user=app_a;password=${password};database=y`;
  const jtds = (password: string) =>
    `jdbc:jtds:sqlserver://${HOST}:1433/d;user=app_a;password=${password};ssl=require`;
  const prisma = (password: string) =>
    `sqlserver://${HOST}:1433;user=app_a;password=${password};database=y`;

  it.each([
    [jdbc, 'a', 'a'],
    [jdbc, '{a;b}}c}', 'a;b}c'],
    [jtds, 'a"b\'c{d', 'a"b\'c{d'],
    [prisma, '{a;b}', 'a;b'],
    [prisma, 'a', 'a'],
  ])('%# reads %s as %j', (text, spelt, value) => expect(held(text(spelt), SQL)).toBe(value));

  it.each([
    [jdbc, 'a{b'],
    [jdbc, '"a'],
    [jdbc, "a'"],
    [jtds, '{a'],
    [jtds, ' a'],
    [jtds, 'a '],
    ...['a:b', 'a=b', 'a/b', 'a\\b', 'a[b', 'a]b', 'a{b', 'a}b', 'aé'].map(
      (spelt) => [prisma, spelt] as const,
    ),
  ])('%# refuses %s', (text, spelt) => expect(held(text(spelt), SQL)).toMatch(/^bad-value/));

  it.each([
    [jdbc, 'a b', '{a b}'],
    [jdbc, 'a}b', '{a}}b}'],
    [jdbc, 'plain', 'plain'],
    [jtds, 'a b', 'a b'],
    [jtds, 'a"b', 'a"b'],
    [jtds, 'a', 'a'],
    [prisma, 'plain~', 'plain~'],
    [prisma, 'a;b', '{a;b}'],
    [prisma, 'a:b', '{a:b}'],
  ])('%#: %s is written %s', (text, next, written) =>
    expect(filled(text('x'), SQL, next)).toBe(text(written)),
  );

  it.each([
    [jtds, 'a;b'],
    [jtds, ' a'],
    [jtds, 'a '],
    [jtds, '{a'],
    [prisma, 'a{b'],
    [prisma, 'a}b'],
    [prisma, 'é'],
    [prisma, 'a\nb'],
  ])('%# does not take %j', (text, next) =>
    expect(filled(text('x'), SQL, next)).toMatch(/^bad-value/),
  );

  it('wants elements behind its host, and its scheme in small letters', () => {
    expect(held(`jdbc:sqlserver://${HOST}:1433`, SQL)).toContain('has no `;` behind its host');
    expect(held(jdbc('x').replace('jdbc', 'jDbc'), SQL)).toContain('in small letters');
    expect(held(`jdbc:jtds:sqlserver://${HOST}:1433/d;user=a;password=x`, SQL)).toContain(
      'does without TLS: add `ssl`',
    );
    expect(held(`jdbc:sqlserver://${HOST}:1433/inst;user=a;password=x`, SQL)).toBe('x');
  });
});

describe('libpq keywords', () => {
  const pq = (password: string) => `host=${HOST} user=app_a password=${password} dbname=y`;

  it.each([
    ['a', 'a'],
    ["'a b'", 'a b'],
    ["'a\\'b'", "a'b"],
    ["'a\\\\b'", 'a\\b'],
    ['a\\ b', 'a b'],
    ["''", ''],
    ['a=b', 'a=b'],
    ['"a"', '"a"'],
  ])('the password %s is %j', (spelt, value) => {
    expect(held(pq(spelt), PG)).toBe(value);
    expect(held(`host=${HOST}\tuser=app_a\n password = ${spelt}`, PG)).toBe(value);
  });

  it.each(["'a", "a'b", "'a'b", 'a\\', "a'"])('the password %s is refused', (spelt) =>
    expect(held(`host=${HOST} user=app_a password=${spelt}`, PG)).toMatch(
      /Element [34] of the connection string is not of/,
    ),
  );

  it.each(['User', 'PASSWORD', 'Host', 'HostAddr', 'Port', 'DBName'])(
    '%s is refused: libpq reads small letters',
    (name) => {
      const text = `host=${HOST} user=app_a password=x port=5432 dbname=y hostaddr=${HOST}`;
      expect(held(text.replace(new RegExp(`\\b${name}=`, 'i'), `${name}=`), PG)).toContain(
        'in small letters alone',
      );
    },
  );

  it.each([
    ['a', 'b', 'b'],
    ['a', 'a b', "'a b'"],
    ['a', "a'b", "'a\\'b'"],
    ['a', 'a\\b', "'a\\\\b'"],
    ["'a'", 'b', "'b'"],
    ["'a'", "a'\\b", "'a\\'\\\\b'"],
  ])('in the place of %s, %s is written %s', (spelt, next, written) =>
    expect(filled(pq(spelt), PG, next)).toBe(pq(written)),
  );
});

describe('Go for MySQL', () => {
  const go = (password: string, user = 'app_a') =>
    `${user}:${password}@tcp(${HOST}:3306)/db?tls=true&a=1`;

  it.each([
    ['a', 'a'],
    ['a:b', 'a:b'],
    ['a@b', 'a@b'],
    ['a?b&c=d', 'a?b&c=d'],
    ['a(b)', 'a(b)'],
  ])('the password %s is %j', (spelt, value) => expect(held(go(spelt), MY)).toBe(value));

  it.each([
    [go('x').replace('tcp', 'unix'), 'by tcp(host:port)'],
    [go('x').replace(':3306', ':x'), 'by tcp(host:port)'],
    [go('x').replace('app_a:x', 'app_a'), 'not of the form login:password@tcp(host)/'],
    [go('x').replace(HOST, 'evil.example'), 'foreign-host'],
    [go('x').replace('tls=true', 'tls=skip-verify'), 'does without TLS'],
  ])('%s is refused', (text, why) => expect(held(text, MY)).toContain(why));

  it.each([
    ['b', 'app_b'],
    ['a:b', 'app_b'],
    ['b?&=', 'app.b'],
  ])('%s and %s are written as they are', (next, to) =>
    expect(filled(go('x'), MY, next, to)).toBe(go(next, to)),
  );

  it.each([
    ['a/b', 'app_b'],
    ['a@b', 'app_b'],
    ['', 'app_b'],
    ['b', 'app:b'],
    ['b', 'app/b'],
    ['b', 'app@b'],
  ])('%s and %s are not', (next, to) => expect(filled(go('x'), MY, next, to)).toMatch(NOT_WRITTEN));

  it('has no options, no port and no database, where it needs none', () => {
    expect(filled(`app_a:x@tcp(${HOST})/`, MY, 'y', 'app_b')).toBe(`app_b:y@tcp(${HOST})/`);
    expect(filled(`app_a:x@tcp(${HOST})/?parseTime`, MY, 'y')).toBe(
      `app_a:y@tcp(${HOST})/?parseTime`,
    );
  });
});

describe('JAAS of Kafka', () => {
  const bus = `Endpoint=sb://${HOST}/;SharedAccessKeyName=send;SharedAccessKey=${KEY}`;
  const MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule';
  const jaas = (password: string, user = '"$ConnectionString"') =>
    `${MODULE} required username=${user} password=${password};`;
  const spec = key('jaas', 'messaging');

  it.each([`"${bus}"`, `'${bus}'`])('%s holds the key', (spelt) =>
    expect(held(jaas(spelt), spec)).toBe(KEY),
  );
  it.each(['required', 'requisite', 'sufficient', 'optional', 'REQUIRED'])(
    'with the flag %s',
    (flag) => expect(held(jaas(`"${bus}"`).replace('required', flag), spec)).toBe(KEY),
  );

  it.each([
    [jaas(`"${bus}"`).slice(0, -1), 'with a `;` at its end'],
    [`${jaas(`"${bus}"`)};`, 'with a `;` at its end'],
    [`${jaas(`"${bus}"`)} x`, 'with a `;` at its end'],
    [jaas(bus), 'with a `;` at its end'],
    [jaas(`"${bus}'`), 'with a `;` at its end'],
    [
      jaas(`"${bus}"`).replace(MODULE, 'org.apache.kafka.common.security.scram.ScramLoginModule'),
      'with the module',
    ],
    [jaas(`"${bus}"`).replace(MODULE, `${MODULE}s`), 'with the module'],
    [jaas(`"${bus}"`).replace(MODULE, `x${MODULE}`), 'with the module'],
    [jaas(`"${bus}"`, '"send"'), 'is not `$ConnectionString`'],
    [jaas(`"${bus}"`).replace(/ username=\S+/, ''), 'is not `$ConnectionString`'],
    [jaas(`"${bus}"`).replace(/ password=.*;$/, ';'), 'has no password'],
  ])('%# is refused', (text, why) => expect(held(text, spec)).toContain(why));

  it('another key is written in its place, everything else as it stands', () => {
    const next = Buffer.alloc(32, 9).toString('base64');
    for (const text of [jaas(`"${bus}"`), jaas(`'${bus}'`, "'$ConnectionString'")])
      expect(filled(text, spec, next)).toBe(text.replace(KEY, next));
    expect(filled(jaas(`"${bus}"`), spec, 'a;b')).toMatch(/^bad-value/);
  });
});

describe('the connection string of a storage account', () => {
  const hosts = [
    'acct1.blob.core.windows.net',
    'acct1.file.core.windows.net',
    'acct1.z12.web.core.windows.net',
  ];
  const of = (text: string, own: readonly string[] = hosts) =>
    held(`${text};AccountKey=${KEY}`, key('storage'), own);

  it.each([
    'AccountName=acct1',
    'AccountName=ACCT1',
    'AccountName=acct1;EndpointSuffix=core.windows.net',
    'AccountName=acct1;EndpointSuffix=CORE.windows.net:443',
    'AccountName=acct1;BlobEndpoint=https://acct1.blob.core.windows.net/',
    'AccountName=acct1;BlobEndpoint=https://acct1.blob.core.windows.net/;EndpointSuffix=core.windows.net',
    'AccountName=acct1.z12',
  ])('%s is that of the target', (text) => expect(of(text)).toBe(KEY));

  it.each([
    ['AccountName=acct2', 'AccountName of the connection string leads'],
    ['AccountName=acc', 'AccountName of the connection string leads'],
    [
      'AccountName=acct1;EndpointSuffix=core.chinacloudapi.cn',
      'EndpointSuffix of the connection string leads',
    ],
    [
      'AccountName=acct1;EndpointSuffix=core.windows.net:8443',
      'EndpointSuffix of the connection string leads',
    ],
    [
      'AccountName=acct1;BlobEndpoint=https://acct1.blob.core.windows.net/;EndpointSuffix=evil.example',
      'EndpointSuffix of the connection string leads',
    ],
    ['AccountName=acct1.z13', 'EndpointSuffix of the connection string leads'],
    [
      'AccountName=acct1;BlobEndpoint=https://evil.example/',
      "leads to a host that is not the target's",
    ],
    ['AccountName=', 'has no AccountName'],
    ['AccountName=ac', 'has no AccountName'],
    ['AccountName=a-ct1', 'has no AccountName'],
    ['AccountName=acct1.x12', 'has no AccountName'],
    ['AccountName=acct1.z1234', 'has no AccountName'],
    ['AccountName=acct1.xz12', 'has no AccountName'],
    [`AccountName=${'a'.repeat(25)}`, 'has no AccountName'],
    ['EndpointSuffix=core.windows.net', 'has no AccountName'],
  ])('%s is not: %s', (text, why) => expect(of(text)).toContain(why));

  it('names the hosts that it knows, or that it knows none', () => {
    expect(of('AccountName=acct2')).toContain(`("${hosts.join('", "')}")`);
    expect(of('AccountName=acct1', [])).toContain('(none known)');
  });
});

describe("V4.2: a login as Azure's servers once wanted it, with the server behind", () => {
  const ado = (user: string) => `Server=${HOST};User ID=${user};Password=x`;
  it.each([
    [`app_a@target`, 'app_a', `app_b@target`],
    [`app_a@${HOST}`, 'app_a', `app_b@${HOST}`],
    [`app_a@TARGET`, 'app_a', `app_b@TARGET`],
    ['app_a@other', 'app_a@other', 'app_b'],
    ['app_a@targets', 'app_a@targets', 'app_b'],
    ['@target', '@target', 'app_b'],
    ['a@b@target', 'a@b', 'app_b@target'],
  ])('%s is %s, and becomes %s', (spelt, name, written) => {
    expect(open(ado(spelt), SQL).login).toBe(name);
    expect(filled(ado(spelt), SQL, 'y', 'app_b')).toBe(
      `Server=${HOST};User ID=${written};Password=y`,
    );
  });
});

describe('what a string has twice, or lacks', () => {
  it.each([
    [
      `Server=${HOST};User ID=a;Password=x;password=y`,
      SQL,
      'Element 4 of the connection string is there twice',
    ],
    [`Server=${HOST};User ID=a;Password=x;Pwd=y`, SQL, 'has its password twice'],
    [`Server=${HOST};User ID=a;UID=b;Password=x`, SQL, 'has its login twice'],
    [`Server=${HOST};User ID=a`, SQL, 'has no password'],
    [`User ID=a;Password=x`, SQL, 'names no host'],
    [`Server=${HOST};Password=x`, SQL, 'has no login'],
    [`Server=${HOST};User ID=;Password=x`, SQL, 'has no login'],
    [`Host=${HOST};Username=a;Password=x;Port=5432;portnumber=5432`, PG, 'has its port twice'],
    [`AccountKey=;AccountName=a`, key('storage'), 'has no accountkey'],
    [`AccountKey=a b;AccountName=a`, key('storage'), 'is no key'],
    [`Endpoint=sb://${HOST};SharedAccessKey=a,b`, key('messaging'), 'is no key'],
    [`Server=${HOST};User ID=a;Password=x;Database=a=b`, SQL, 'is itself a connection string'],
    [
      `Server=${HOST};User ID=a;Password=x;Initial Catalog=x://y`,
      SQL,
      'is itself a connection string',
    ],
    [
      `jdbc:sqlserver://${HOST};user=a;password=x;hostNameInCertificate=evil.example`,
      SQL,
      'hostNameInCertificate',
    ],
    [
      `jdbc:sqlserver://${HOST};user=a;password=x;hostNameInCertificate=*.net`,
      SQL,
      'hostNameInCertificate',
    ],
  ])('%s: %#', (text, spec, why) => expect(held(text, spec)).toContain(why));

  it.each([HOST, HOST.toUpperCase(), '*.example.net'])(
    "hostNameInCertificate=%s is the target's",
    (name) =>
      expect(
        held(`jdbc:sqlserver://${HOST};user=a;password=x;hostNameInCertificate=${name}`, SQL),
      ).toBe('x'),
  );
});
