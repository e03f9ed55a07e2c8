/** What looks like a credential is shown nowhere, and what does not is; nobody's value decides (finding ATK-07). */
import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MASK, mask } from '../../src/core/mask.ts';
import { quote, unquoted } from '../../src/core/quote.ts';
import { reasons } from '../../src/core/reasons.ts';
import { Secret } from '../../src/core/secret.ts';
import { newPassword } from '../../src/rotators/kit/password.ts';

const base64 = (bytes: number) => randomBytes(bytes).toString('base64');
const jwt = () =>
  [
    { alg: 'RS256', typ: 'JWT' },
    { aud: 'https://vault.azure.net', oid: crypto.randomUUID() },
    'signature-of-it',
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
const password = () => newPassword(['app_a']).reveal();

/** Kinds of credentials, each as the text that somebody pastes and the part of it that opens something. */
const CREDENTIALS: readonly (readonly [string, () => readonly [text: string, secret: string]])[] = [
  ['a password that Keyturn made', () => same(password())],
  ['the key of a storage account', () => same(base64(64))],
  ['the key of a search service', () => same(randomBytes(26).toString('base64url'))],
  ['a key of 32 hex digits', () => same(randomBytes(16).toString('hex'))],
  [
    'a client secret of Entra',
    () => same(`${base64(3).slice(0, 3)}8Q~${randomBytes(26).toString('base64url').slice(0, 34)}`),
  ],
  [
    'a GUID and a secret',
    () => within(`${crypto.randomUUID()}~`, randomBytes(24).toString('base64url')),
  ],
  ['a token', () => same(jwt())],
  ['a token with its scheme', () => within('Bearer ', jwt())],
  ['a SAS', () => sas('?sv=2024-11-04&ss=b&srt=sco&sp=rl&se=2027-01-05T10:00Z&sig=')],
  [
    'the address of a blob with a SAS',
    () => sas('https://acct1.blob.core.windows.net/c/b?sv=2024-11-04&sr=b&sig='),
  ],
  [
    'a storage connection string',
    () => within('DefaultEndpointsProtocol=https;AccountName=a1;AccountKey=', base64(64)),
  ],
  [
    'a connection string with a weak password',
    () => within('Server=tcp:s1,1433;User ID=app_a;Password=', 'sommer winter'),
  ],
  ['ODBC', () => within('Driver={ODBC Driver 18};Server=s1;Uid=a;Pwd=', '{correct horse}')],
  ['libpq', () => within('host=s1 user=app_a password=', 'correcthorse')],
  [
    'Service Bus',
    () => within('Endpoint=sb://n1/;SharedAccessKeyName=send;SharedAccessKey=', base64(32)),
  ],
  ['a URI with a user', () => within('postgresql://app_a:', 'correcthorse', '@s1.example/shop')],
  ['JSON', () => within('{"user":"app_a","password":"', 'correct horse', '"}')],
  ['a private key', () => within('-----BEGIN PRIVATE KEY-----\n', base64(300))],
  ['what a password manager makes', () => same('xK9p-Qw3r-Zt7m-Lb2v')],
  ['what a person makes', () => same('P@ssw0rd!2027')],
];
const same = (secret: string) => [secret, secret] as const;
const within = (before: string, secret: string, after = '') =>
  [before + secret + after, secret] as const;
const sas = (before: string) =>
  within(
    before,
    encodeURIComponent(createHmac('sha256', randomBytes(32)).update('x').digest('base64')),
  );

/** The longest piece of the secret that the text shows. */
function shownOf(secret: string, text: string): string {
  for (let length = secret.length; length > 0; length -= 1)
    for (let at = 0; at + length <= secret.length; at += 1)
      if (text.includes(secret.slice(at, at + length))) return secret.slice(at, at + length);
  return '';
}

describe('ATK-07: what looks like a credential', () => {
  it.each(CREDENTIALS)('ATK-07: %s: of it nothing is shown, wherever it stands', (_, make) => {
    for (let round = 0; round < 40; round += 1) {
      const [text, secret] = make();
      const options = `field=%2Fpassword;x=${encodeURIComponent(text)}`;
      const pasted = [
        text,
        `value: ${text}`,
        `${'a '.repeat(30)}${text}`,
        `${text} of app_a`,
        `"${text}"`,
        options,
      ];
      const shown = pasted.flatMap((each) => [
        mask(each),
        quote(each),
        unquoted(each),
        quote(mask(each)),
      ]);
      expect(
        shown
          .map((each) => shownOf(secret, each.replaceAll(MASK, '')))
          .filter(({ length }) => length > 4),
      ).toEqual([]);
    }
  });

  it('ATK-07: is hidden before anything is cut: no key shows its first 63 characters', () => {
    for (let before = 0; before < 70; before += 1) {
      const key = base64(64);
      expect(shownOf(key, quote(`${'x'.repeat(before)} ${key}`)).length).toBeLessThanOrEqual(4);
      expect(shownOf(key, quote(`${'word '.repeat(before * 5)}${key}`)).length).toBeLessThanOrEqual(
        4,
      );
    }
  });

  it('ATK-07: is hidden in the same way whether or not the process holds it: no answer tells a guess from a hit', () => {
    const texts = [
      password(),
      base64(64),
      'hunter2-hunter2',
      'team-orders',
      'every=60x',
      'an ordinary word',
      'db.example.net',
    ];
    const before = texts.map((text) => [mask(text), quote(text)]);
    for (const text of texts) new Secret(text).open();
    expect(texts.map((text) => [mask(text), quote(text)])).toEqual(before);
    expect(quote('team-orders')).toBe('"team-orders"');
  });
});

describe('ATK-07: what does not', () => {
  it.each([
    'team-orders',
    'Team Orders <orders@example.com>',
    'INC0012345',
    'CHG-2027-0042',
    '/subscriptions/3f2504e0-4f89-11d3-9a0c-0305e82c3301/resourceGroups/rg-Shop_2/providers/Microsoft.Storage/storageAccounts/st7f3a9c2b1d',
    '3f2504e0-4f89-11d3-9a0c-0305e82c3301/rg-shop/stshopprod01',
    'Microsoft.KeyVault.SecretNearExpiry',
    'kv-shop-prod-we.vault.azure.net',
    'https://kv1.vault.azure.net/secrets/db-password',
    'sql-shop.database.windows.net,1433',
    'window=Sat-Sun 01:00-05:00 Europe/Berlin',
    'every=60d;grace=48h;paused=true',
    'storage-account-key: kv1/st-a, kv1/db(app_a,app_b)',
    '2027-01-05T10:00:00.000Z',
    'logins=app_a,app_b;field=/password;login-field=/user',
    'AuthorizationFailed (403 ForbiddenByRbac)',
    'Zoë from Île-de-France',
    'servers/sql-shop-01/databases/ShopDb2',
    'Server=tcp:…;Password=…;Encrypt=True is what is expected, or Password=<value>',
  ])('stays as it is: %s', (text) => {
    expect(mask(text)).toBe(text);
  });

  it('the words of every reason', () => {
    for (const [code, { cause, remedy }] of Object.entries(reasons))
      for (const text of [code, cause, remedy]) expect(mask(text)).toBe(text);
  });

  it('ids of versions, in texts of our own alone', () => {
    const id = '0123456789abcdef0123456789abcdef';
    expect(mask(`Still owed: key1 of version ${id}.`, { versions: true })).toContain(id);
    expect(mask(id)).toBe(MASK);
    expect(mask(base64(64), { versions: true })).toBe(MASK);
  });
});

it('takes any string, gives printable text and finds no more to hide in what it gave', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect(quote(text)).toMatch(/^"[\x20-\x7e]{0,400}"$/);
      expect(mask(mask(text))).toBe(mask(text));
    }),
    { numRuns: 500 },
  );
});
