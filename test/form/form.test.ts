import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyturnError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { type Form, openForm } from '../../src/form/form.ts';
import { tooSteep } from '../fuzz/linear.ts';
import { refusalOf } from '../jest/refusal.ts';

const KEY = Buffer.alloc(64, 7).toString('base64');
const NEW_KEY = Buffer.alloc(64, 9).toString('base64');
const hosts = [
  'acct1.blob.core.windows.net',
  'acct1.queue.core.windows.net',
  'acct1.blob.core.keyturn.localhost:8443',
];
const open = (text: string, field?: string): Form =>
  openForm(
    new Secret(text),
    { spec: { kind: 'key', dialects: ['storage'] }, ...(field === undefined ? {} : { field }) },
    hosts,
  );
const filled = (text: string, field?: string): string =>
  open(text, field).fill(new Secret(NEW_KEY)).reveal();
const connection = `DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=${KEY};EndpointSuffix=core.windows.net`;

const refusal = (text: string, field?: string) => refusalOf(() => open(text, field));

function opened(text: string, field: string | undefined): Form | undefined {
  try {
    return open(text, field);
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

describe('the form of a value', () => {
  it('takes what is neither document nor connection string as bare', () => {
    expect(open(KEY)).toMatchObject({ form: 'bare' });
    expect(open(KEY).bare.reveal()).toBe(KEY);
    expect(filled(KEY)).toBe(NEW_KEY);
  });

  it('replaces the key of a connection string and nothing else', () => {
    expect(open(connection).form).toBe('connection-string');
    expect(open(connection).bare.reveal()).toBe(KEY);
    expect(filled(connection)).toBe(connection.replace(KEY, NEW_KEY));
  });

  it.each([
    [
      'another order and casing',
      `accountkey=${KEY};ENDPOINTSUFFIX=core.windows.net;AccountName=ACCT1`,
    ],
    [
      'blanks and a line end',
      ` AccountName = acct1 ; AccountKey = ${KEY} ;EndpointSuffix=core.windows.net\n`,
    ],
    ['a trailing semicolon', `${connection};`],
    ['endpoints of the account', `${connection};BlobEndpoint=https://acct1.blob.core.windows.net/`],
    ['no suffix', `AccountName=acct1;AccountKey=${KEY}`],
    [
      'a port',
      `AccountName=acct1;AccountKey=${KEY};BlobEndpoint=https://acct1.blob.core.keyturn.localhost:8443`,
    ],
    [
      'a suffix with a port',
      `AccountName=acct1;AccountKey=${KEY};EndpointSuffix=core.keyturn.localhost:8443`,
    ],
  ])('keeps %s byte for byte', (_, text) => {
    expect(open(text).bare.reveal()).toBe(KEY);
    expect(filled(text)).toBe(text.replace(KEY, NEW_KEY));
  });

  it.each([
    ['a member', `{"user":"u", "key" : "${KEY}"}`, 'key'],
    ['a pointer', `{"a":{"b":["x","${KEY}"]}}`, '/a/b/1'],
    ['an escaped pointer', `{"a/b":{"~":"${KEY}"}}`, '/a~1b/~0'],
    ['odd spacing and numbers', `\n{ "n": 1.50e+3,\t"key":"${KEY}" , "u":"\\u00e9" }\n`, 'key'],
    ['the same name deeper down', `{"deep":{"key":"other"},"key":"${KEY}"}`, 'key'],
    ['a connection string inside', `{"cs":"${connection}","x":1}`, 'cs'],
  ])('keeps a JSON document with %s byte for byte', (_, text, field) => {
    expect(open(text, field).form).toBe('json');
    expect(open(text, field).bare.reveal()).toBe(KEY);
    expect(filled(text, field)).toBe(text.replace(KEY, NEW_KEY));
  });

  it('gives the very same text back for the same credential', () => {
    const spelled = `{"key":"\\u0061bcdefgh"}`;
    const form = open(spelled, 'key');
    expect(form.bare.reveal()).toBe('abcdefgh');
    expect(form.fill(new Secret('abcdefgh')).reveal()).toBe(spelled);
  });

  it.each([
    ['BlobEndpoint=https://evil.example/', 'foreign-host'],
    ['BlobEndpoint=https://acct1.blob.core.windows.net.evil.example/', 'foreign-host'],
    ['BlobEndpoint=https://acct1.blob.core.windows.net:444/', 'foreign-host'],
    ['QueueEndpoint=https://acct2.queue.core.windows.net/', 'foreign-host'],
    ['TableSecondaryEndpoint=https://evil.example/', 'foreign-host'],
    ['BlobEndpoint=http://acct1.blob.core.windows.net/', 'bad-value'],
    ['BlobEndpoint=https://acct1.blob.core.windows.net@evil.example/', 'bad-value'],
    ['BlobEndpoint=https://evil.example\\@acct1.blob.core.windows.net/', 'bad-value'],
    ['BlobEndpoint=https://acct1.blob.core.windows.net/?sig=x', 'bad-value'],
    ['BlobEndpoint=https://acct1.blob.core.windows.net/path', 'bad-value'],
    ['BlobEndpoint=', 'bad-value'],
    ['AccountKey=c2Vjb25k', 'bad-value'],
    ['ACCOUNTNAME=acct1', 'bad-value'],
    ['SharedAccessSignature=sv=2024&sig=abc', 'bad-value'],
    ['UseDevelopmentStorage=true', 'bad-value'],
    ['DevelopmentStorageProxyUri=http://evil.example', 'bad-value'],
    ['AccountEndpoint=https://evil.example/', 'bad-value'],
    ['noequals', 'bad-value'],
  ])('SEC-02: a connection string with %s besides is %s', (element, reason) => {
    expect(refusal(`${connection};${element}`).reason).toBe(reason);
    expect(refusal(`${element};${connection}`).reason).toBe(reason);
  });

  it.each([
    [
      'another suffix',
      `AccountName=acct1;AccountKey=${KEY};EndpointSuffix=evil.example`,
      'foreign-host',
    ],
    [
      'another account',
      `AccountName=acct2;AccountKey=${KEY};EndpointSuffix=core.windows.net`,
      'foreign-host',
    ],
    [
      'a suffix that leads on',
      `AccountName=acct1;AccountKey=${KEY};EndpointSuffix=core.windows.net.evil.example`,
      'foreign-host',
    ],
    [
      'a suffix with a path',
      `AccountName=acct1;AccountKey=${KEY};EndpointSuffix=core.windows.net/evil`,
      'foreign-host',
    ],
    [
      'a foreign endpoint for its own',
      `AccountName=acct1;AccountKey=${KEY};BlobEndpoint=https://evil.example`,
      'foreign-host',
    ],
    ['plain http', connection.replace('=https', '=http'), 'bad-value'],
    ['no account', `AccountKey=${KEY};EndpointSuffix=core.windows.net`, 'bad-value'],
    ['an account that is a path', `AccountName=a/../b;AccountKey=${KEY}`, 'bad-value'],
    ['no key', 'AccountName=acct1;EndpointSuffix=core.windows.net', 'bad-value'],
    ['an empty key', 'AccountName=acct1;AccountKey=;EndpointSuffix=core.windows.net', 'bad-value'],
    [
      'a key that is none',
      'AccountName=acct1;AccountKey=<b>;EndpointSuffix=core.windows.net',
      'bad-value',
    ],
    ['the emulator', 'UseDevelopmentStorage=true', 'bad-value'],
    ['an SQL server', 'Server=sql1.evil.example;User ID=a;Password=longenough', 'bad-value'],
    [
      'an SQL server by its other name',
      'Data Source=tcp:sql1,14330;Uid=a;Pwd=longenough',
      'bad-value',
    ],
    ['a signature', 'sv=2024-01-01&ss=b&sig=abcdefghijkl', 'bad-value'],
    [
      'a signed address',
      'https://acct1.blob.core.windows.net/c?sv=2024&sig=abcdefghijkl',
      'bad-value',
    ],
    ['nothing', '', 'bad-value'],
  ])('SEC-02: refuses %s', (_, text, reason) => {
    expect(refusal(text).reason).toBe(reason);
  });

  it.each([
    ['a document without the option', `{"key":"${KEY}"}`, undefined],
    ['a member that is not there', `{"key":"${KEY}"}`, 'other'],
    ['a member that is there twice', `{"key":"${KEY}","key":"x"}`, 'key'],
    ['a member that is twice in other spelling', `{"key":"${KEY}","\\u006bey":"x"}`, 'key'],
    ['a member that is no string', '{"key":7}', 'key'],
    ['a member of the prototype', '{}', '__proto__'],
    ['no document', KEY, 'key'],
    ['a broken document', `{"key":"${KEY}"`, 'key'],
    ['a deep document', `${'['.repeat(9_000)}${']'.repeat(9_000)}`, 'key'],
    [
      'a foreign connection string inside',
      `{"cs":"${connection};BlobEndpoint=https://evil.example"}`,
      'cs',
    ],
  ])('refuses %s', (_, text, field) => {
    expect(['bad-value', 'foreign-host']).toContain(refusal(text, field).reason);
  });

  it('shows nothing of the value in a refusal', () => {
    for (const text of [
      `{"key":"${KEY}"}x;AccountKey=${KEY}`,
      `AccountName=acct1;AccountKey=${KEY};x`,
      `AccountKey=${KEY};AccountName=acct9`,
    ]) {
      for (const field of [undefined, 'key']) {
        const error = refusal(text, field);
        expect(`${error.message}${error.stack}${error.cause}`).not.toContain(KEY.slice(0, 20));
      }
    }
  });

  const slow = [
    ' ',
    '=',
    ';',
    '"',
    '\\',
    '{"a":',
    '[',
    'a=',
    ' =',
    ';Server',
    'Endpoint',
    '\u00a0',
    'sig=',
  ];
  it.each(slow)(
    'SEC-02: judges a value made to be slow of %j in time that grows as its length does',
    (piece) => {
      const judge = (length: number) => {
        const filler = piece.repeat(length / piece.length);
        const texts = [
          filler,
          `${connection};${filler}`,
          `AccountKey=${filler}`,
          `{"key":${JSON.stringify(filler)}}`,
        ];
        for (const text of texts) for (const field of [undefined, 'key']) opened(text, field);
      };
      expect(tooSteep(judge, (length) => length)).toBeUndefined();
    },
  );

  it('refuses to write what would break out of a connection string', () => {
    const form = open(connection);
    expect(() => form.fill(new Secret('abc;BlobEndpoint=https://evil.example'))).toThrow(
      KeyturnError,
    );
  });
});

describe('every form', () => {
  const key = fc
    .uint8Array({ minLength: 3, maxLength: 80 })
    .map((bytes) => Buffer.from(bytes).toString('base64'));
  const strings = key.chain((value) =>
    fc
      .shuffledSubarray([
        'DefaultEndpointsProtocol=https',
        'BlobEndpoint=https://acct1.blob.core.windows.net',
      ])
      .chain((more) =>
        fc.shuffledSubarray(
          [...more, 'AccountName=acct1', `AccountKey=${value}`, 'EndpointSuffix=core.windows.net'],
          {
            minLength: more.length + 3,
          },
        ),
      )
      .map((parts) => parts.join(';')),
  );
  const documents = fc
    .tuple(
      fc.json(),
      fc.oneof(fc.string({ unit: 'grapheme', minLength: 1 }), key, strings),
      fc.boolean(),
    )
    .map(([other, value, first]) =>
      first
        ? `{"field":${JSON.stringify(value)},"other":${other}}`
        : `{ "other" : ${other} , "field" : ${JSON.stringify(value)} }`,
    );
  const values = fc.oneof(
    fc.tuple(key, fc.constant(undefined)),
    fc.tuple(strings, fc.constant(undefined)),
    fc.tuple(documents, fc.constant('field')),
    fc.tuple(fc.string({ unit: 'binary' }), fc.option(fc.constant('field'), { nil: undefined })),
  );
  it('filled with what it held is what it was', () => {
    fc.assert(
      fc.property(values, ([text, field]) => {
        const form = opened(text, field);
        if (form) expect(form.fill(new Secret(form.bare.reveal())).reveal()).toBe(text);
      }),
    );
  });

  it('filled with another credential holds that one, and filled back is what it was in meaning', () => {
    fc.assert(
      fc.property(values, key, ([text, field], next) => {
        const form = opened(text, field);
        if (!form) return;
        const filled = form.fill(new Secret(next)).reveal();
        const again = open(filled, field);
        expect(again.bare.reveal()).toBe(next);
        expect(again.form).toBe(form.form);
        const back = again.fill(form.bare).reveal();
        if (form.form === 'json') expect(JSON.parse(back)).toEqual(JSON.parse(text));
        else expect(back).toBe(text);
      }),
    );
  });

  it('opens every connection string that leads to the account', () => {
    fc.assert(fc.property(strings, (text) => open(text).form === 'connection-string'));
  });
});
