import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyturnError } from '../../src/core/errors.ts';
import {
  canonicalId,
  parseResourceId,
  rotationId,
  tagOf,
  targetHash,
  withTag,
} from '../../src/core/ids.ts';
import { walk } from '../jest/form.ts';

const TYPE = 'Microsoft.Storage/storageAccounts';
const NAME = /^[a-z0-9]{3,24}$/i;
const S = '0b1f6471-1bf0-4dda-aec3-cb9272f09590';
const parse = (text: string) => parseResourceId(text, TYPE, 'The tag rotator-target', NAME);
const full = `/subscriptions/${S}/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts/acct1`;

describe('resource ids', () => {
  it.each([
    ['the short form', `${S}/rg1/acct1`],
    ['the long form', full],
    ['any casing', full.toUpperCase()],
  ])('parses %s into one text', (_, text) => {
    expect(parse(text).text).toBe(full.toLowerCase());
    expect(parse(text)).toMatchObject({ subscription: S, name: 'acct1' });
  });

  it('keeps the casing of the group for the address, and not for comparisons', () => {
    expect(parse(`${S}/RG-One/acct1`)).toMatchObject({
      group: 'RG-One',
      text: expect.stringContaining('/rg-one/'),
    });
  });

  it.each([
    ['rg-Instruktører', 'rg-instruktører'],
    ['rg-INSTRUKTØRER', 'rg-instruktører'],
    ['Grüße(ß).1', 'grüße(ß).1'],
    ['ΛΌΓΟΣ', 'λόγοσ'],
    ['λόγος', 'λόγοσ'],
    ['データ_実験', 'データ_実験'],
    ['नमस्ते', 'नमस्ते'],
    ['экспорт-٣', 'экспорт-٣'],
  ])('VAL-09: takes the group %j that Azure allows', (group, lower) => {
    const id = parse(`${S}/${group}/acct1`);
    const encoded = encodeURIComponent(lower).toLowerCase();
    expect(id.text).toBe(full.toLowerCase().replace('rg1', encoded));
    expect(canonicalId(id.group)).toBe(encoded);
    expect(new URL(`https://management.azure.com${id.text}`).pathname).toBe(id.text);
    for (const again of [
      id.text,
      full.replace('rg1', group),
      `${S}/${encodeURIComponent(group)}/acct1`,
    ])
      expect(parse(again).text).toBe(id.text);
    expect(canonicalId(full.replace('rg1', group))).toBe(id.text);
  });

  it.each([
    '\u212a',
    '\u212b',
    '\u2126',
    'ſ',
    'ı',
    'İ',
    'µ',
    'ẞ',
    'ǅ',
    '\u{1d51e}',
    '\u200d',
    '\u00ad',
    '\u0903',
    '①',
    '・',
    '．．',
    '%C3',
    '%C3%28',
    '%41',
    '%2e',
    '%EF%BC%8F',
    '%E2%80%AE',
    'a\u2028b',
  ])(
    'SEC-01: refuses %j in the name of a group: two names must never be one, nor one two',
    (letters) => {
      expect(() => parse(`${S}/rg-${letters}/acct1`)).toThrow(KeyturnError);
      expect(() => parse(`${S}/${letters}/acct1`)).toThrow(KeyturnError);
    },
  );

  it('SEC-01: of all letters that a group may have, no two are one in lower case but those that differ in case', () => {
    const seen = new Map<string, string>();
    for (let code = 0x80; code < 0x10000; code += 1) {
      const letter = String.fromCharCode(code);
      const id = tried(() => parse(`${S}/${letter}/acct1`));
      if (id === undefined || letter === 'ς') continue;
      const lower = decodeURIComponent(id.text.split('/')[4] ?? '');
      const twin = seen.get(lower);
      expect([
        letter,
        twin === undefined || twin.toLowerCase() === letter || letter.toLowerCase() === twin,
      ]).toEqual([letter, true]);
      seen.set(lower, twin ?? letter);
      if (/[a-z0-9]/.test(lower)) throw new Error(`${letter} became ${lower}`);
    }
    expect(seen.size).toBeGreaterThan(40_000);
  });

  it.each([
    `${S}/rg1/..`,
    `${S}/../acct1`,
    `${S}/./acct1`,
    `${S}/rg1/acct1/../acct2`,
    `${S}/rg1/%2e%2e`,
    `${S}/%2e%2e/acct1`,
    `${S}/rg1/acct1%2f..%2facct2`,
    '@evil.example/rg1/acct1',
    '//evil.example/rg1/acct1',
    `${S}@evil.example/rg1/acct1`,
    `${S}/rg1/acct1?x`,
    `${S}/rg1/acct1#`,
    `${S}/rg1?x=/acct1`,
    'my-subscription/rg1/acct1',
    `${S}\\rg1\\acct1`,
    `${S}/rg1/acct1/`,
    `/${S}/rg1/acct1`,
    ` ${S}/rg1/acct1`,
    `${S}/rg1/acct1\n`,
    `${S}/rg1\u0000/acct1`,
    `${S}/rg1/acct\u2024\u2024`,
    `${S}/rg1./acct1`,
    `/subscriptions/${S}/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/acct1`,
    `/subscriptions/${S}/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts/acct1/blobServices/default`,
    `/subscriptions/${S}/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts/acct1/listKeys`,
    `/subscriptions/../subscriptions/${S}/resourceGroups/rg1`,
    `https://management.azure.com${full}`,
    '',
    '/',
    '//',
  ])('SEC-01: refuses %j, naming the tag', (text) => {
    const attempt = () => parse(text);
    expect(attempt).toThrow(KeyturnError);
    expect(attempt).toThrow(/rotator-target/);
  });

  it('SEC-01: shows no more than 64 printable characters of what it refuses', () => {
    const error = caught(() =>
      parse(`<img src=x onerror=alert(1)>\u202e\u001b[2J${'A'.repeat(10_000)}`),
    );
    expect(error.detail.length).toBeLessThan(400);
    expect(error.detail).toMatch(/^[\x20-\x7e]+$/);
  });

  /** Text made of the pieces that walk, fold or cut. */
  const piece = fc.oneof(
    fc.constantFrom(
      '..',
      '.',
      '/',
      '\\',
      '%2e',
      '%2f',
      '@',
      ':',
      '?',
      '#',
      ';',
      ' ',
      '\t',
      '\n',
      '\u0000',
      'rg1',
      'acct1',
      S,
    ),
    fc.string({ maxLength: 8 }),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );
  const hostile = fc.oneof(
    fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.tuple(piece, piece, piece).map((parts) => parts.join('/')),
    fc.tuple(piece, piece).map(([group, name]) => `${S}/${group}/${name}`),
    fc
      .tuple(piece, piece)
      .map(
        ([group, name]) => `/subscriptions/${S}/resourceGroups/${group}/providers/${TYPE}/${name}`,
      ),
  );

  it('SEC-01: of 10,000 random ids, each is refused or leads exactly where its segments say', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const id = tried(() => parse(text));
        if (id === undefined) return;
        const url = new URL(`https://management.azure.com${id.text}/listKeys?api-version=1`);
        expect(url.host).toBe('management.azure.com');
        expect(url.pathname).toBe(`${id.text}/listKeys`);
        expect(url.pathname.split('/')).toHaveLength(10);
        expect(url.pathname.startsWith(`/subscriptions/${S}/resourcegroups/`)).toBe(true);
        expect(parse(id.text)).toEqual({ ...id, group: id.group.toLowerCase() });
      }),
      { numRuns: walk({ whole: 10_000, short: 2_000 }) },
    );
  });
});

describe('ids of resources below others', () => {
  const RULE = 'Microsoft.ServiceBus/namespaces/queues/authorizationRules';
  const start = `/subscriptions/${S}/resourceGroups/rg1/providers/Microsoft.ServiceBus`;
  const rule = `${start}/namespaces/ns1/queues/q1/authorizationRules/Send`;
  const nested = (text: string) => parseResourceId(text, RULE, 'The tag rotator-target');

  it('are parsed in any casing, and know what they stand below', () => {
    for (const text of [rule, rule.toUpperCase()]) {
      expect(nested(text)).toMatchObject({
        name: 'send',
        text: rule.toLowerCase(),
        above: [`${start}/namespaces/ns1`, `${start}/namespaces/ns1/queues/q1`].map((id) =>
          id.toLowerCase(),
        ),
      });
    }
    expect(parse(full).above).toEqual([]);
  });

  it.each([
    `${S}/rg1/ns1`,
    `${S}/rg1/ns1/q1/Send`,
    `${start}/namespaces/ns1/queues/q1`,
    `${start}/namespaces/ns1/topics/q1/authorizationRules/Send`,
    `${start}/namespaces/../queues/q1/authorizationRules/Send`,
    `${start}/namespaces/ns1/queues/../authorizationRules/Send`,
    `${start}/namespaces/ns1/queues/q1/authorizationRules/..`,
    `${start}/namespaces/ns1/queues/%2e%2e/authorizationRules/Send`,
    `${start}/namespaces/ns1/queues/q1/authorizationRules/Send/listKeys`,
    `${start}/namespaces/ns1/queues/q1/authorizationRules/Send?x`,
    `${start}/namespaces/ns1/queues//authorizationRules/Send`,
    `${start}/queues/namespaces/ns1/q1/authorizationRules/Send`,
    rule.replace('ServiceBus', 'EventHub'),
  ])('SEC-01: refuses %j, naming the tag', (text) => {
    expect(() => nested(text)).toThrow(/rotator-target/);
  });

  it('SEC-01: of 10,000 random ids, each is refused or leads exactly where its segments say', () => {
    const part = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '%2e',
        '%2f',
        '@',
        '?',
        '#',
        'ns1',
        'q1',
        'queues',
        'authorizationRules',
        '',
      ),
      fc.string({ maxLength: 5 }),
    );
    const id = fc.tuple(part, part, part).map(([one, two, three]) => {
      return `${start}/namespaces/${one}/queues/${two}/authorizationRules/${three}`;
    });
    fc.assert(
      fc.property(id, (text) => {
        const parsed = tried(() => nested(text));
        if (parsed === undefined) return;
        for (const each of [...parsed.above, parsed.text]) {
          const url = new URL(`https://management.azure.com${each}/listKeys?api-version=1`);
          expect(url.host).toBe('management.azure.com');
          expect(url.pathname).toBe(`${each}/listKeys`);
        }
        expect(parsed.text).toBe(text.toLowerCase());
      }),
      { numRuns: walk({ whole: 10_000, short: 2_000 }) },
    );
  });
});

describe('hashes and tags', () => {
  it('gives one rotation id whatever the casing, and another for another version', () => {
    const id = rotationId({ vault: 'kv1', name: 'a' }, 'AB'.repeat(16));
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(rotationId({ vault: 'KV1', name: 'A' }, 'ab'.repeat(16))).toBe(id);
    expect(rotationId({ vault: 'kv1', name: 'a' }, 'cd'.repeat(16))).not.toBe(id);
  });

  it('tells targets apart by type and id', () => {
    expect(targetHash('a', 'x')).not.toBe(targetHash('b', 'x'));
    expect(targetHash('a', 'X')).toBe(targetHash('a', 'x'));
  });

  it('finds and replaces a tag in any casing', () => {
    const tags = { Rotator: 'a', owner: 'x' };
    expect(tagOf(tags, 'rotator')).toBe('a');
    expect(withTag(tags, 'rotator', 'b')).toEqual({ owner: 'x', rotator: 'b' });
    expect(withTag(tags, 'rotator', undefined)).toEqual({ owner: 'x' });
  });
});

function caught(attempt: () => unknown): KeyturnError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof KeyturnError) return error;
    throw error;
  }
  throw new Error('It went well.');
}

function tried<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof KeyturnError && error.reason === 'bad-tags') return undefined;
    throw error;
  }
}
