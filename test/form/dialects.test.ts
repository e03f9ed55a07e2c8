/**
 * Every dialect of the table (issue: values): the vendor's documented spellings, ten more of each, and what clients read after a rotation.
 * Sources stand in the rows of src/form/dialects.ts; which client reads which text in test/form/clients.ts.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyturnError } from '../../src/core/errors.ts';
import type { FormSpec, KeyDialect } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Dialect } from '../../src/form/dialect.ts';
import { keyDialects, loginDialects } from '../../src/form/dialects.ts';
import { type Form, openForm } from '../../src/form/form.ts';
import { clients } from './clients.ts';

const KEY = Buffer.from([...Array(32).keys()].map((at) => (at * 89 + 250) % 256)).toString(
  'base64',
);
const NEW_KEY = Buffer.from([...Array(32).keys()].map((at) => (at * 57 + 251) % 256)).toString(
  'base64',
);
const HOSTS: Readonly<Record<string, readonly string[]>> = {
  storage: ['acct1.blob.core.windows.net', 'acct1.queue.core.windows.net'],
  redis: ['redis1.redis.cache.windows.net:6380'],
  redisAddress: ['redis1.redis.cache.windows.net:6380'],
  sqlserver: ['sql1.database.windows.net'],
  postgresql: ['pg1.postgres.database.azure.com'],
  mysql: ['my1.mysql.database.azure.com'],
};
const hostsOf = (id: string) => HOSTS[id] ?? ['target.example.net'];

interface Row {
  readonly id: string;
  readonly dialect: Dialect;
  readonly spec: FormSpec;
}
const rows: readonly Row[] = [
  ...Object.entries(keyDialects).map(([id, dialect]): Row => {
    const pair = id === 'appConfiguration' ? { pair: { name: 'id', key: 'secret' } } : {};
    return { id, dialect, spec: { kind: 'key', dialects: [id as KeyDialect], ...pair } };
  }),
  ...Object.entries(loginDialects).flatMap(([server, dialects]) =>
    dialects.map(
      (dialect): Row => ({
        id: server,
        dialect,
        spec: { kind: 'login', server: server as keyof typeof loginDialects, required: true },
      }),
    ),
  ),
];
const isAddress = (text: string) => /^[a-z+]+:\/\//.test(text) && !text.includes(';');
const isEncoded = ({ dialect }: Row, text: string) =>
  isAddress(text) ||
  dialect.title.startsWith('JDBC for P') ||
  dialect.title.startsWith('JDBC for M');

/** An example of the vendor with a credential in it, as its dialect spells it. */
function written(row: Row, example: string, credential: string, login = 'app_a'): string {
  const encode =
    isEncoded(row, example) || row.dialect.title.includes('odbc_connect')
      ? encodeURIComponent
      : (text: string) => text;
  const texts = {
    host: hostsOf(row.id)[0] ?? '',
    account: 'acct1',
    ID: 'y8/z-l0-s0:5Ytw9v',
    L: encode(login),
    K: encode(credential),
    PW: encode(credential),
  };
  const plain = Object.entries(texts).reduce(
    (so, [name, text]) => so.replaceAll(`{${name}}`, () => text),
    example,
  );
  return plain.replace(/:6380:\d+/, ':6380');
}
const open = (row: Row, text: string, field?: string): Form =>
  openForm(
    new Secret(text),
    { spec: row.spec, ...(field === undefined ? {} : { field }) },
    hostsOf(row.id),
  );
const credentialIn = (row: Row, form: Form) =>
  row.id === 'appConfiguration'
    ? /;Secret=(.*)$/.exec(form.bare.reveal())?.[1]
    : form.bare.reveal();
const credentialOf = (row: Row) => (row.spec.kind === 'login' ? 'Old-pass~1' : KEY);
const nextOf = (row: Row) =>
  row.id === 'appConfiguration'
    ? `Id=jKMW;Secret=${NEW_KEY}`
    : row.spec.kind === 'login'
      ? 'nEw-Pass_2.~'
      : NEW_KEY;
const examples = rows.flatMap((row) =>
  row.dialect.examples.map(
    (example) => [`${row.dialect.title}: ${example}`, row, example] as const,
  ),
);

it('every dialect has an example, a source and a client that reads it', () => {
  for (const { dialect } of rows) {
    expect(dialect.examples.length).toBeGreaterThan(0);
    expect(dialect.source).not.toBe('');
    expect(clients[dialect.title]).toBeDefined();
  }
});

/** Texts with a text inside are written otherwise than `name=value;` is. */
const ofNested: Readonly<Record<string, (text: string) => (readonly [string, string])[]>> = {
  'Kafka JAAS': (text) => [
    ['another flag', text.replace(' required ', ' requisite ')],
    ['single quotes around the user', text.replace('"$ConnectionString"', "'$ConnectionString'")],
    ['two blanks', text.replaceAll(' required ', '  required  ')],
    ['a blank before its end', text.replace(/;$/, ' ;')],
    ['one more pair', text.replace(/;$/, ' futureOption="7";')],
    ['the password in single quotes', text.replace(/password="([^"]*)"/, "password='$1'")],
  ],
  'Entity Framework': (text) => [
    ['single quotes', text.replace(/"([^"]*)"$/, "'$1'")],
    [
      'names in upper case',
      text.replace('metadata=', 'METADATA=').replace('provider connection', 'PROVIDER CONNECTION'),
    ],
    ['blanks behind the separators', text.replace(';provider=', '; provider=')],
    ['another order', text.replace(/^(metadata=[^;]*);(provider=[^;]*);/, '$2;$1;')],
    ['a separator at its end', `${text};`],
    ['one more inner option', text.replace(/"$/, ';MultipleActiveResultSets=True"')],
  ],
  'SQLAlchemy with': (text) => [
    ['a plus for blanks', text.replaceAll('%20', '+')],
    ['another driver', text.replace('mssql+pyodbc', 'mssql')],
    ['one more parameter', `${text}&fast_executemany=true`],
    ['a separator at the end inside', `${text}%3B`],
    ['small escapes', text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())],
    ['one more inner option', `${text}%3BMARS_Connection%3Dyes`],
  ],
  'Go for MySQL': (text) => [
    ['no port', text.replace(':3306', '')],
    ['no options', text.replace(/\?.*$/, '')],
    ['one more option', `${text}&parseTime=true`],
    ['an encoded option', `${text}&loc=Europe%2FParis`],
    ['no database', text.replace('/app', '/')],
    ['an option that nobody knows', `${text}&futureOption=7`],
  ],
};

describe.each(examples)('%s', (_, row, example) => {
  const text = written(row, example, credentialOf(row));
  const read = clients[row.dialect.title];

  it('is read as its client reads it, and after a rotation the client reads the new one', () => {
    const form = open(row, text);
    expect(form.form).toBe('connection-string');
    expect(read?.(text).credential).toBe(credentialIn(row, form));
    const filled = form
      .fill(new Secret(nextOf(row)), form.login === undefined ? undefined : 'app_b')
      .reveal();
    const again = open(row, filled);
    expect(again.bare.reveal()).toBe(nextOf(row));
    expect(read?.(filled).credential).toBe(credentialIn(row, again));
    if (form.login !== undefined) expect(read?.(filled).login).toBe('app_b');
  });

  it('keeps everything else byte for byte', () => {
    const form = open(row, text);
    const filled = form.fill(new Secret(nextOf(row)));
    expect(open(row, filled.reveal()).fill(form.bare).reveal()).toBe(text);
  });

  it.each(spellings(row, text))('is taken with %s, which stays', (_name, spelt) => {
    const form = open(row, spelt);
    const filled = open(row, form.fill(new Secret(nextOf(row))).reveal());
    expect(filled.bare.reveal()).toBe(nextOf(row));
    expect(filled.fill(form.bare).reveal()).toBe(spelt);
  });

  it('stands in a JSON document, a line and a YAML scalar', () => {
    const form = open(row, JSON.stringify({ a: { cs: text }, more: [1, null] }), '/a/cs');
    expect(JSON.parse(form.fill(new Secret(nextOf(row))).reveal())).toEqual({
      a: {
        cs: open(row, text)
          .fill(new Secret(nextOf(row)))
          .reveal(),
      },
      more: [1, null],
    });
  });

  it('takes 200 odd credentials so that the client reads them, or refuses before anything is written', () => {
    const odd = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'ABCXYZabcxyz0189-_.~'), minLength: 40, maxLength: 40 }),
      fc
        .uint8Array({ minLength: 32, maxLength: 64 })
        .map((bytes) => Buffer.from(bytes).toString('base64')),
      fc.string({
        unit: fc.constantFrom(...`ab]['"\\;={}()@%+&?#:/,! $\`é漢🔑`),
        minLength: 1,
        maxLength: 40,
      }),
    );
    fc.assert(
      fc.property(odd, (next) => {
        const put = row.id === 'appConfiguration' ? `Id=x;Secret=${next}` : next;
        let filled: string;
        try {
          filled = open(row, text).fill(new Secret(put)).reveal();
        } catch (error) {
          if (!(error instanceof KeyturnError) || error.reason !== 'bad-value') throw error;
          if (next.length > 8) expect(error.detail).not.toContain(next);
          if (row.spec.kind === 'login')
            expect(next).not.toMatch(/^[A-Za-z0-9._~][A-Za-z0-9._~-]{39}$/);
          else
            expect(next).not.toMatch(
              /^(?:[A-Za-z0-9+/]{4}){8,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
            );
          return;
        }
        expect(read?.(filled).credential).toBe(next);
      }),
      { numRuns: 200 },
    );
  });
});

/** Ways in which people write the same text; none changes what its client does. */
function spellings(row: Row, text: string): (readonly [string, string])[] {
  const around: [string, string][] = [
    ['a line feed behind', `${text}\n`],
    ['a carriage return and a line feed', `${text}\r\n`],
    ['a byte order mark', `\ufeff${text}`],
    ['blanks around', `  ${text} \t`],
  ];
  if (isEncoded(row, text)) {
    const mark = text.includes('?') ? '&' : '?';
    return [
      ...around,
      ['one more option', `${text}${mark}application_name=shop`],
      ['an option that nobody knows', `${text}${mark}futureOption=7`],
      ['an encoded option', `${text}${mark}options=a%20b`],
      ['lower-case escapes', text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())],
      [
        'another case of the host',
        text.replace(hostsOf(row.id)[0] ?? '', (host) => host.toUpperCase()),
      ],
      ['two options', `${text}${mark}a=1&b=2`],
    ];
  }
  const { title } = row.dialect;
  const nested = Object.entries(ofNested).find(([name]) => title.startsWith(name))?.[1];
  if (nested) return [...around, ...nested(text)];
  const separator = title === 'StackExchange.Redis' ? ',' : title === 'libpq keywords' ? ' ' : ';';
  const head = /^(?:[a-z:]+:\/\/[^;]*;|odbc:)/.exec(text)?.[0] ?? '';
  const parts = text
    .slice(head.length)
    .split(separator)
    .filter((part) => part !== '');
  const joined = (list: readonly string[]) => head + list.join(separator);
  const named = (change: (name: string) => string) =>
    joined(
      parts.map((part) =>
        part.includes('=')
          ? change(part.slice(0, part.indexOf('='))) + part.slice(part.indexOf('='))
          : part,
      ),
    );
  return [
    ...around,
    ['one more option', joined([...parts, 'futureOption=7'])],
    ['an option in front', joined(['futureOption=7', ...parts])],
    ['another order', joined([...parts].reverse())],
    ...(title === 'libpq keywords'
      ? []
      : ([
          ['names in upper case', named((name) => name.toUpperCase())],
          ['names in lower case', named((name) => name.toLowerCase())],
        ] as [string, string][])),
    ...(separator === ' '
      ? ([
          ['two blanks', parts.join('  ')],
          ['quotes', text.replace(/password=(\S+)/, "password='$1'")],
          ['blanks around the sign', text.replace('user=', 'user = ')],
        ] as [string, string][])
      : ([
          // jTDS keeps blanks: they would be a part of the name.
          ...(title === 'jTDS'
            ? []
            : [['blanks behind the separators', head + parts.join(`${separator} `)] as const]),
          ['no separator at the end', joined(parts)],
        ] as [string, string][])),
  ];
}
