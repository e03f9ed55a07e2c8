/** Connection strings of services with access keys, for every row of the table that has one (case SEC-02). */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyturnError } from '../../src/core/errors.ts';
import { type FormSpec, type KeyPair, pairOf } from '../../src/core/formSpec.ts';
import { Secret } from '../../src/core/secret.ts';
import { type Form, openForm } from '../../src/form/form.ts';
import { twoKeyTable } from '../../src/rotators/twoKeyTable.ts';
import { walk } from '../jest/form.ts';
import { refusalOf } from '../jest/refusal.ts';

type KeySpec = Extract<FormSpec, { kind: 'key' }>;
const specOf = (type: string): KeySpec => {
  const row = twoKeyTable.find((each) => each.type === type);
  if (!row?.strings) throw new Error(`${type} has no connection string.`);
  return { kind: 'key', dialects: row.strings, ...(row.pair ? { pair: row.pair } : {}) };
};
const separatorOf = (type: string) => (type.startsWith('redis') ? ',' : ';');
const keyNames: Readonly<Record<string, string>> = {
  ...{ 'cosmos-db-key': 'AccountKey', 'signalr-key': 'AccessKey', 'web-pubsub-key': 'AccessKey' },
  ...{
    'communication-services-key': 'accesskey',
    'redis-key': 'password',
    'redis-enterprise-key': 'password',
  },
  ...{ 'cognitive-services-key': 'Key', 'search-admin-key': 'Key' },
};
const keyNameOf = (type: string) => keyNames[type] ?? 'SharedAccessKey';
const ID: KeyPair = { name: 'id', key: 'secret' };
const KEY = 'aB3+/9xQmZ0tY7uE1wKc5dHs8vNf2gRj4pLi6oXyTzA=';
const NEW_KEY = 'Zz9+/1aQmZ0tY7uE1wKc5dHs8vNf2gRj4pLi6oXyTzB=';
const HOST = 'target.example.net';

const open = (text: string, spec: KeySpec, hosts: readonly string[], field?: string): Form =>
  openForm(new Secret(text), { spec, ...(field === undefined ? {} : { field }) }, hosts);

const refusal = (text: string, spec: KeySpec, hosts: readonly string[]) =>
  refusalOf(() => open(text, spec, hosts));

/** As the services hand them out [recordings and portal, azure-facts 7]. */
const strings: readonly (readonly [type: string, hosts: readonly string[], text: string])[] = [
  ['cosmos-db-key', [HOST], `AccountEndpoint=https://${HOST}:443/;AccountKey=${KEY};`],
  ['redis-key', [`${HOST}:6380`], `${HOST}:6380,password=${KEY},ssl=True,abortConnect=False`],
  [
    'redis-enterprise-key',
    [`${HOST}:10000`],
    `${HOST}:10000,password=${KEY},ssl=True,abortConnect=False`,
  ],
  [
    'service-bus-key',
    [HOST],
    `Endpoint=sb://${HOST}/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=${KEY};EntityPath=q1`,
  ],
  [
    'event-hubs-key',
    [HOST],
    `Endpoint=sb://${HOST}/;SharedAccessKeyName=send;SharedAccessKey=${KEY};EntityPath=hub`,
  ],
  [
    'relay-key',
    [HOST],
    `Endpoint=sb://${HOST}/;SharedAccessKeyName=listen;SharedAccessKey=${KEY};EntityPath=hc`,
  ],
  [
    'notification-hubs-key',
    [HOST],
    `Endpoint=sb://${HOST}/;SharedAccessKeyName=full;SharedAccessKey=${KEY}`,
  ],
  ['signalr-key', [HOST], `Endpoint=https://${HOST};AccessKey=${KEY};Version=1.0;`],
  ['web-pubsub-key', [HOST], `Endpoint=https://${HOST};AccessKey=${KEY};Version=1.0;`],
  ['cognitive-services-key', [HOST], `Endpoint=https://${HOST}/;Key=${KEY};Deployment=chat`],
  ['search-admin-key', [HOST], `Endpoint=https://${HOST};Key=${KEY}`],
  ['communication-services-key', [HOST], `endpoint=https://${HOST}/;accesskey=${KEY}`],
];

it('there is an example of every connection string of the table', () => {
  const listed = [...strings.map(([type]) => type), 'app-configuration-key'].sort();
  expect(listed).toEqual(
    twoKeyTable
      .filter((row) => row.strings)
      .map((row) => row.type)
      .sort(),
  );
});

describe.each(strings)('a connection string of %s', (type, hosts, text) => {
  const spec = specOf(type);
  const separator = separatorOf(type);

  it('opens at its key and gets another one, everything else byte for byte', () => {
    const form = open(text, spec, hosts);
    expect([form.form, form.bare.reveal()]).toEqual(['connection-string', KEY]);
    expect(form.fill(new Secret(NEW_KEY)).reveal()).toBe(text.replace(KEY, NEW_KEY));
  });

  it('may stand in a JSON document', () => {
    const document = JSON.stringify({ connection: text, other: 1 });
    const form = open(document, spec, hosts, 'connection');
    expect(form.bare.reveal()).toBe(KEY);
    expect(JSON.parse(form.fill(new Secret(NEW_KEY)).reveal())).toEqual({
      connection: text.replace(KEY, NEW_KEY),
      other: 1,
    });
  });

  it('may be the bare key instead, also the placeholder of one', () => {
    for (const bare of [KEY, 'keyturn:new']) {
      expect(open(bare, spec, hosts).form).toBe('bare');
      expect(open(bare, spec, hosts).fill(new Secret(NEW_KEY)).reveal()).toBe(NEW_KEY);
    }
  });

  it.each([
    ['another host', text.replace(HOST, 'evil.example'), 'foreign-host'],
    ['a host that only begins like it', text.replace(HOST, `${HOST}.evil.example`), 'foreign-host'],
    ['a host that only ends like it', text.replace(HOST, `evil-${HOST}`), 'foreign-host'],
    ['another port', text.replace(/(target\.example\.net)(:\d+)?/, '$1:8443'), 'foreign-host'],
    ['an element that it does not know', `${text}${separator}Proxy=evil.example`, 'bad-value'],
    ['a key that stands there twice', `${text}${separator}${keyNameOf(type)}=${KEY}`, 'bad-value'],
    ['no host', `${keyNameOf(type)}=${KEY}`, 'bad-value'],
    ['no key', text.replace(KEY, ''), 'bad-value'],
    ['a user in the address', text.replace(HOST, `${HOST}@evil.example`), undefined],
    ['a backslash in the address', text.replace(HOST, `${HOST}\\evil.example`), undefined],
    ['a URI', `rediss://:${KEY}@evil.example:6380`, 'bad-value'],
    ['several lines', `${KEY}\nEndpoint=https://evil.example`, 'bad-value'],
  ])('SEC-02: is refused with %s, and shows nothing of itself', (_, wrong, reason) => {
    const error = refusal(wrong, spec, hosts);
    expect(['bad-value', 'foreign-host']).toContain(error.reason);
    if (reason !== undefined) expect(error.reason).toBe(reason);
    expect(error.detail).not.toContain(KEY);
    expect(error.detail).not.toContain('evil');
  });

  it('takes no credential that would break out of it', () => {
    for (const next of ['a;b', 'a,b', 'a b', 'a\nb', '']) {
      expect(() => open(text, spec, hosts).fill(new Secret(next))).toThrow(KeyturnError);
    }
  });
});

describe('a connection string of Redis', () => {
  it('is refused without TLS', () => {
    const text = `${HOST}:6380,password=${KEY},ssl=False`;
    expect(refusal(text, specOf('redis-key'), [`${HOST}:6380`])).toMatchObject({
      reason: 'bad-value',
    });
  });

  it('has every one of its hosts checked', () => {
    const text = `${HOST}:6380,evil.example:6380,password=${KEY}`;
    expect(refusal(text, specOf('redis-key'), [`${HOST}:6380`]).reason).toBe('foreign-host');
  });
});

describe('a connection string of App Configuration', () => {
  const spec = specOf('app-configuration-key');
  const text = `Endpoint=https://${HOST};Id=y8/z-l0-s0:5Ytw9v;Secret=${KEY}`;
  const next = new Secret(pairOf(ID, 'jKMW-l0-s0:Nz6JZX', NEW_KEY));

  it('gets the new Id with the new Secret, since both change', () => {
    const form = open(text, spec, [HOST]);
    expect(form.bare.reveal()).toBe(`Id=y8/z-l0-s0:5Ytw9v;Secret=${KEY}`);
    expect(form.fill(next).reveal()).toBe(
      `Endpoint=https://${HOST};Id=jKMW-l0-s0:Nz6JZX;Secret=${NEW_KEY}`,
    );
  });

  it('may name the Secret first, and stand without an endpoint', () => {
    const turned = `Secret=${KEY};Endpoint=https://${HOST};Id=a`;
    expect(open(turned, spec, [HOST]).fill(next).reveal()).toBe(
      `Secret=${NEW_KEY};Endpoint=https://${HOST};Id=jKMW-l0-s0:Nz6JZX`,
    );
    const alone = open(`Id=a;Secret=${KEY}`, spec, []);
    expect([alone.form, alone.fill(next).reveal()]).toEqual(['bare', next.reveal()]);
  });

  it('V1.1: is refused with a mark in it that cannot be seen, as every other string', () => {
    for (const mark of ['\u200b', '\u2060']) {
      const error = refusal(text.replace(KEY, `${KEY.slice(0, 9)}${mark}${KEY.slice(9)}`), spec, [
        HOST,
      ]);
      expect(error).toMatchObject({
        reason: 'bad-value',
        detail: expect.stringContaining('cannot be seen'),
      });
    }
  });

  it('is measured by a text that is no pair', () => {
    expect(open(text, spec, [HOST]).fill(new Secret('x'.repeat(99))).bytes).toBeGreaterThan(2 * 99);
  });

  it('makes of the placeholder both', () => {
    expect(open('keyturn:new', spec, [HOST]).fill(next).reveal()).toBe(next.reveal());
  });

  it('is refused as a lone secret, saying why', () => {
    expect(refusal(KEY, spec, [HOST])).toMatchObject({
      reason: 'bad-value',
      detail: expect.stringContaining('changes'),
    });
  });

  it('is refused without an Id, with another host, and twice', () => {
    expect(refusal(`Endpoint=https://${HOST};Secret=${KEY}`, spec, [HOST]).reason).toBe(
      'bad-value',
    );
    expect(refusal(text, spec, ['other.example.net']).reason).toBe('foreign-host');
    expect(refusal(`${text};Id=b`, spec, [HOST]).reason).toBe('bad-value');
  });
});

describe('properties', () => {
  const key = fc.base64String({ minLength: 8, maxLength: 88 }).filter((text) => text !== '');
  const blanks = fc.constantFrom('', ' ', '  ');

  it('any order, casing and blanks: the key alone is replaced, and opening again gives the new one', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...strings),
        key,
        key,
        fc.infiniteStream(fc.nat()),
        blanks,
        fc.boolean(),
        ([type, hosts, example], first, second, order, blank, upper) => {
          const spec = specOf(type);
          const parts = example.split(separatorOf(type)).filter((part) => part !== '');
          const shuffled = parts
            .map((part) => ({ part, at: order.next().value }))
            .sort((one, other) => one.at - other.at)
            .map(({ part }) => {
              const [name = '', ...rest] = part.split('=');
              const spelt = rest.length > 0 && upper ? name.toUpperCase() : name;
              return `${blank}${[spelt, ...rest].join('=')}${blank}`;
            });
          const text = shuffled.join(separatorOf(type)).replace(KEY, () => first);
          const form = open(text, spec, hosts);
          expect(form.bare.reveal()).toBe(first);
          const filled = form.fill(new Secret(second)).reveal();
          expect(open(filled, spec, hosts).bare.reveal()).toBe(second);
          expect(open(filled, spec, hosts).fill(new Secret(first)).reveal()).toBe(text);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('SEC-02: whatever is opened names hosts of the target alone', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'Endpoint',
        'AccessKey',
        '=',
        ';',
        ',',
        'https://',
        'sb://',
        HOST,
        'evil.example',
        ':',
        '@',
        '/',
        '\\',
      ),
      fc.constantFrom(
        '%',
        '#',
        '?',
        ' ',
        '\t',
        KEY,
        'SharedAccessKey',
        'AccountEndpoint',
        'password',
      ),
      fc.string({ maxLength: 4 }),
    );
    const hostile = fc.array(piece, { maxLength: 14 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.constantFrom(...strings), hostile, ([type, hosts], text) => {
        const spec = specOf(type);
        let form: Form;
        try {
          form = open(text, spec, hosts);
        } catch (error) {
          if (error instanceof KeyturnError) return;
          throw error;
        }
        if (form.form === 'bare') expect(form.bare.reveal()).not.toMatch(/[;,\s]|:\/\//);
        else expect(form.fill(new Secret('k')).reveal()).not.toContain('evil');
      }),
      { numRuns: walk({ whole: 10_000, short: 2_000 }) },
    );
  });
});
