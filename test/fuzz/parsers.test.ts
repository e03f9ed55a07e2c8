/**
 * Whatever strangers write where the product reads: tags, ids, values, events, messages, rows, requests, settings. Nothing
 * comes of it but what the reader says or its documented error, and the time is in proportion to the text (ATK-05, ATK-08).
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseBody } from '../../src/api/body.ts';
import { HoldRequest } from '../../src/api/calls/holdSecret.ts';
import { fromInventoryQuery } from '../../src/api/calls/listSecrets.ts';
import { RevokeRequest } from '../../src/api/calls/revokeOwed.ts';
import { RotateRequest } from '../../src/api/calls/rotateSecret.ts';
import { fromEvent, fromEventMessage } from '../../src/api/inbox/event.ts';
import { fromQueue } from '../../src/api/inbox/queueMessage.ts';
import { problem } from '../../src/api/problem.ts';
import { refuseQuery } from '../../src/api/query.ts';
import { fromIdempotencyKey, fromPath } from '../../src/api/receive.ts';
import { fromArm } from '../../src/azure/armErrors.ts';
import { cloudChoice, clouds } from '../../src/azure/cloud.ts';
import { KeyturnError } from '../../src/core/errors.ts';
import { parseGrants } from '../../src/core/grants.ts';
import { parseResourceId } from '../../src/core/ids.ts';
import { mask } from '../../src/core/mask.ts';
import { quote, unquoted } from '../../src/core/quote.ts';
import { remember, scrub, spellings } from '../../src/core/scrub.ts';
import { Secret } from '../../src/core/secret.ts';
import { readSettings, SettingsError } from '../../src/core/settings.ts';
import { facts, said, wireFailure } from '../../src/core/wire.ts';
import { openForm } from '../../src/form/form.ts';
import { loginPair } from '../../src/rotators/kit/loginNames.ts';
import { allRotators, registry } from '../../src/rotators/registry.ts';
import * as schemas from '../../src/store/schemas.ts';
import { readExemption } from '../../src/tags/exempt.ts';
import { readOptIn, readOptions, samplePolicy, wantedOf } from '../../src/tags/optIn.ts';
import { stateOrNone } from '../../src/tags/owed.ts';
import { mergePolicy } from '../../src/tags/policy.ts';
import { parseState, readState } from '../../src/tags/state.ts';
import { parseWindow } from '../../src/tags/window.ts';
import { hoursAllowed, hoursDeclared } from '../../src/targets/sasPeriod.ts';
import { kv1 } from '../api/bodies.ts';
import { walk } from '../jest/form.ts';
import { pumped, tooSteep } from './linear.ts';

const rotators = registry(
  allRotators({
    cloud: clouds.AzureCloud,
    credential: { getToken: async () => Promise.reject(new Error('Nothing is asked for.')) },
    clock: { now: () => new Date(0), sleep: async () => undefined },
    tenantId: '',
    databaseUser: 'keyturn',
  }),
);
const secret = { vault: 'kv1', name: 'st-a' };
const ID =
  '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts/acct1';
const vaults = [parseResourceId(kv1, 'Microsoft.KeyVault/vaults', 'The vault')];
const HOSTS = [
  'acct1.blob.core.windows.net',
  'sql1.database.windows.net',
  'pg1.example',
  'my1.example',
];
const data = {
  Id: 'https://kv1.vault.azure.net/secrets/db',
  VaultName: 'kv1',
  ObjectType: 'Secret',
  ObjectName: 'db',
};
const event = { eventType: 'Microsoft.KeyVault.SecretNearExpiry', topic: kv1, data };
const tagged = (tags: Record<string, string>) => ({
  ...{ rotator: 'storage-account-key', 'rotator-target': ID },
  ...tags,
});
const optIn = (type: string, tags: Record<string, string>) =>
  readOptIn(tagged({ rotator: type, ...tags }), secret, rotators, rotators.types);

type Reader = readonly [name: string, read: (text: string) => unknown, samples: readonly string[]];

const VALUES = [
  'DefaultEndpointsProtocol=https;AccountName=acct1;AccountKey=a2V5a2V5;EndpointSuffix=core.windows.net',
  'Server=tcp:sql1.database.windows.net,1433;User ID=app_a;Password="a""b";Encrypt=True;;',
  'Driver={ODBC Driver 18};Server=sql1.database.windows.net;Uid=a;Pwd={a}}b}',
  'jdbc:sqlserver://sql1.database.windows.net:1433;user=a;password={b}',
  "host=pg1.example port=5432 user=app_a password='a\\'b' sslmode=verify-full",
  'postgresql://app_a:p%20w@pg1.example,pg1.example:5432/shop?sslmode=require&user=a',
  'Endpoint=sb://ns1.servicebus.windows.net/;SharedAccessKeyName=a;SharedAccessKey=a2V5',
  'redis1.redis.cache.windows.net:6380,password=abc=,ssl=True',
  'a b',
  ' ;',
  '?sig=a',
  '={',
  '}}',
  '"a" b',
];
const DOCUMENTS = [
  '{"u":"app_a","p":"a\\"b\\\\"}',
  '[[[1]]]',
  '{"a":{"b":1},"p":"x"}',
  '{"p":"a","p":"b"}',
  ' { } ',
  '"',
  '{"\\u',
  '\\"',
];
const OPTIONS = [
  'field=%2Fa;login-field=b',
  'logins=app_a,app_b;host=10.%25',
  'longest-sas=7d',
  'database=a;;',
  '=%',
  'a=b',
];

/** Kinds that hold their values in the same forms are read by the same code: one of them stands for all. */
const formsRead = new Set<string>();
const ofValues = rotators.types.flatMap((type): Reader[] => {
  const spec = rotators.get(type)?.form;
  if (!spec) return [];
  const tags: Reader[] = [
    [`rotator-options of ${type}`, (text) => optIn(type, { 'rotator-options': text }), OPTIONS],
    [
      `rotator-target of ${type}`,
      (text) => optIn(type, { 'rotator-target': text }),
      [ID, 'a/b/c', kv1],
    ],
  ];
  if (formsRead.has(JSON.stringify(spec))) return tags;
  formsRead.add(JSON.stringify(spec));
  const open = (text: string, more: object) => {
    const opened = openForm(Secret.unopened(text), { spec, ...more }, HOSTS);
    opened.fill(new Secret('x'.repeat(40)), opened.login === undefined ? undefined : 'app_b');
  };
  const login = spec.kind === 'login' ? { loginField: '/u' } : {};
  return [
    [`value of ${type}`, (text) => open(text, {}), VALUES],
    [`document of ${type}`, (text) => open(text, { field: '/p', ...login }), DOCUMENTS],
    [
      `member of ${type}`,
      (text) => open(JSON.stringify({ u: 'app_a', p: text }), { field: '/p' }),
      VALUES,
    ],
    ...tags,
  ];
});
const bodies = {
  rotate: (body: string) => parseBody(body, RotateRequest),
  hold: (body: string) => parseBody(body, HoldRequest),
  revoke: (body: string) => parseBody(body, RevokeRequest),
};
const ROWS = [
  ...[schemas.readSecret, schemas.readSharer, schemas.readOperation, schemas.readCounted],
  ...[schemas.readAlertHour, schemas.readMark, schemas.readSwept, schemas.readFailures],
];
const COLUMNS = ['name', 'on', 'type'];
const thrown = (text: string) => ({
  statusCode: 409,
  details: {
    error: {
      code: text.length < 64 ? text : 'ScopeLocked',
      message: text,
      innerError: { code: text },
    },
  },
  response: { headers: { get: () => text } },
});
const failure = (text: string) => wireFailure(thrown(text));
const SETTINGS = [
  ...[
    'INSTANCE',
    'MODE',
    'RATE',
    'TENANT_ID',
    'ROTATORS',
    'VAULTS',
    'SUBSCRIPTIONS',
    'SAMPLE_TAGS',
    'CONSENT',
    'POLICY',
  ],
  ...[
    'EVERY_MAX',
    'GRACE_MIN',
    'VALIDITY_CAP',
    'OWNER_TAG',
    'SWEEP_SCHEDULE',
    'AUDIENCE',
    'CLOUD_ENDPOINTS',
  ],
].map((name) => `KEYTURN_${name}`);
function never(): never {
  throw new Error('There is such a kind.');
}

const readers: readonly Reader[] = [
  ...ofValues,
  ['tag rotator', (text) => optIn(text, {}), ['sql-login']],
  ['tag rotator-options', readOptions, OPTIONS],
  [
    'tag rotator-options of a form',
    (text) => wantedOf({ 'rotator-options': text }, rotators.get('sql-login') ?? never()),
    OPTIONS,
  ],
  [
    'tag rotator-policy',
    (text) => mergePolicy([{ where: 'x', text }]),
    ['every=60d;grace=48h', 'window=Sat-Sun 01:00-05:00 UTC', ' ; ='],
  ],
  ['window', parseWindow, ['Sat-Sun 01:00-05:00 Europe/Berlin', '01:00-05:00 UTC', 'Sat  ']],
  [
    'tag rotator-state',
    (text) => readState({ 'rotator-state': text }),
    ['v=1;tgt=0123abcd;cred=key2;after=2027-01-05T10:00Z', 'v=2;;', '%'],
  ],
  ['state', parseState, ['v=1;tgt=0123abcd;x=%41']],
  [
    'state of an older version',
    (text) => stateOrNone({ 'rotator-state': text }),
    ['v=1;tgt=0123abcd'],
  ],
  [
    'tag rotator-exempt',
    (text) => readExemption({ rotator: 'none', 'rotator-exempt': text }),
    ['reason=a%20b;until=2027-03-31;ticket=A-1'],
  ],
  [
    'tags of the samples',
    (text) =>
      samplePolicy({ provideraddress: ID, validityperioddays: text }, secret, {
        sampleVaults: ['kv1'],
      }),
    ['60'],
  ],
  ['names of logins', (text) => loginPair(text, () => undefined), ['app_a,app_b']],
  [
    'consent',
    parseGrants,
    [
      'keyturn sql-login: kv1/db(app_a,app_b), kv2/*',
      'keyturn storage-account-key: kv1/a; x: y',
      '(((',
      ', ,',
    ],
  ],
  [
    'consent of the settings',
    (text) => parseGrants(text, { bare: true }),
    ['sql-login: kv1/db(a,b); sql-single-login: kv1/j(j)'],
  ],
  [
    'resource id',
    (text) => parseResourceId(text, 'Microsoft.Storage/storageAccounts', 'It'),
    [ID, 'a/b/c'],
  ],
  ['SAS period', hoursAllowed, ['7.00:00:00']],
  ['declared SAS', hoursDeclared, ['45d']],
  ['queue message', fromQueue, ['{"vault":"kv1","name":"db","cause":"event"}', 'e30=', 'ew==']],
  [
    'queue message, parsed',
    (text) => fromQueue({ vault: text, name: text, cause: 'event', [text]: text }),
    ['kv1', 'a--b-'],
  ],
  [
    'event message',
    (text) => fromEventMessage(text, vaults),
    [JSON.stringify(event), JSON.stringify([event])],
  ],
  ...(['eventType', 'topic', 'data'] as const).map(
    (name): Reader => [
      `event ${name}`,
      (text) => fromEvent({ ...event, [name]: text }, vaults),
      [kv1, 'Microsoft.KeyVault.x'],
    ],
  ),
  ...(['Id', 'VaultName', 'ObjectType', 'ObjectName', 'Version', ' id '] as const).map(
    (name): Reader => [
      `event data ${name}`,
      (text) => fromEvent({ ...event, data: { ...data, [name]: text } }, vaults),
      ['https://kv1.vault.azure.net/secrets/db/0', 'a-'],
    ],
  ),
  [
    'event with strange members',
    (text) => fromEvent({ ...event, [text]: text, data: { [text]: text } }, vaults),
    ['id', ' Id'],
  ],
  ...(['rotate', 'hold', 'revoke'] as const).map(
    (name): Reader => [
      `request ${name}`,
      (text) => bodies[name](text),
      [
        '{"dryRun":true,"note":"a","ticket":"b"}',
        '{"until":"2027-01-01T00:00:00Z"}',
        '{"at":"now"}',
        '[[',
        '{"a":',
      ],
    ],
  ),
  ...(['rotate', 'hold', 'revoke'] as const).map(
    (name): Reader => [
      `fields of ${name}`,
      (text) =>
        bodies[name](
          JSON.stringify({
            [text]: text,
            note: text,
            ticket: text,
            until: text,
            at: text,
            revoke: text,
          }),
        ),
      ['until', '2027-01-01T00:00:00+01:00', '1h'],
    ],
  ),
  ['path', (text) => fromPath({ vault: text, name: text }), ['kv1', 'a--b', '%2F']],
  ['Idempotency-Key', fromIdempotencyKey, ['a-b_c']],
  [
    'query',
    (text) => fromInventoryQuery(new URLSearchParams(text)),
    ['vault=kv1&state=ok,due&due=7d', 'continuation=a3Yx', 'owner=a+b'],
  ],
  ...(['vault', 'state', 'due', 'owner', 'continuation'] as const).map(
    (name): Reader => [
      `query ${name}`,
      (text) => fromInventoryQuery(new URLSearchParams({ [name]: text })),
      ['ok,due', '7d', 'a3YxL2Ri', 'kv1'],
    ],
  ),
  ['query of a change', (text) => refuseQuery(new URLSearchParams({ [text]: text })), ['code']],
  ...ROWS.flatMap((read): Reader[] => [
    ['row', read, ['{"vault":"kv1","name":"db","failures":0}']],
    [
      'members of a row',
      (text) => read(JSON.stringify(Object.fromEntries(COLUMNS.map((column) => [column, text])))),
      ['kv1', '2027-01-01T00:00:00.000Z', '0123456789abcdef'],
    ],
  ]),
  ['row of a holder', (text) => schemas.readRef({ vault: text, name: text }), ['kv1']],
  [
    'settings',
    (text) => readSettings(Object.fromEntries(SETTINGS.map((name) => [name, text])), cloudChoice),
    ['a,b', ID, '{"a":"b"}', 'every=60d;grace=48h', 'https://a/'],
  ],
  [
    'name of a setting',
    (text) => readSettings({ [`KEYTURN_${text}`]: 'x' }, cloudChoice),
    ['MODE'],
  ],
  [
    "a service's error",
    (text) => [facts(failure(text)), said(failure(text))],
    ['ForbiddenByRbac', '403'],
  ],
  [
    "Resource Manager's error",
    (text) => fromArm(thrown(text), 'look', { write: false }),
    [`scope(s) are locked: '${ID}'`],
  ],
  ['problem', (text) => problem(new KeyturnError('bad-request', { detail: text })), ['a b']],
  [
    'mask',
    mask,
    [...VALUES, 'Bearer a', 'password: a', '%41%2520', 'https://a:b@c/d?sig=e', '-----BEGIN'],
  ],
  ['quote', quote, VALUES],
  ['plain', unquoted, VALUES],
  ['scrub', scrub, ['value']],
  ['remember', remember, ['value']],
  ['spellings', spellings, ['value', '%']],
  ['Secret', (text) => new Secret(text).equals(Secret.unopened(text)), ['value']],
];

/** Runs a reader; throws what is no documented error. */
function reading(read: (text: string) => unknown): (text: string) => void {
  return (text) => {
    try {
      read(text);
    } catch (error) {
      if (!(error instanceof KeyturnError || error instanceof SettingsError)) throw error;
    }
  };
}

const EDGES = [
  '',
  '\0',
  '\ud800',
  '\udfff\ud800',
  '\u0000'.repeat(300),
  '__proto__',
  'constructor',
  '%',
  '%ff',
  '\u2028',
  '{"__proto__":{}}',
];
const LONG = [' ', 'a', '\ud800', '\0', '[', '"', '}}', '=;', '%41', '\\', "''", '{"a":', ','].map(
  (piece) => piece.repeat(25_000 / piece.length),
);
/** Any UTF-16, and texts that are nearly right. */
const texts = (samples: readonly string[]) => {
  const units = fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 })
    .map((codes) => String.fromCharCode(...codes));
  const piece = fc.oneof(
    units,
    fc.constantFrom(...samples, ...EDGES),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
  const broken = fc
    .tuple(fc.constantFrom(...samples), fc.nat(80), fc.nat(80), piece)
    .map(
      ([sample, from, to, put]) => sample.slice(0, from) + put + sample.slice(Math.max(from, to)),
    );
  return fc.oneof(
    units,
    broken,
    fc.array(piece, { maxLength: 4 }).map((all) => all.join('')),
  );
};

describe('fuzz: nothing but the documented errors', () => {
  it.each(readers.map(([name, read, samples]) => [name, read, samples] as const))(
    'ATK-05, ATK-08: %s',
    (_, read, samples) => {
      const run = reading(read);
      for (const text of [...EDGES, ...LONG, ...samples]) run(text);
      fc.assert(fc.property(texts(samples), run), { numRuns: 150 });
    },
  );
});

describe('fuzz: time in proportion to the text', () => {
  it.each(readers.map(([name, read, samples]) => [name, read, samples] as const))(
    'ATK-08: %s',
    (_, read, samples) => {
      const run = reading(read);
      const every = walk({ whole: 1, short: 6 });
      for (const [at, make] of [...pumped([...samples, ' ', 'a', '"', '\ud800'])].entries()) {
        if (at % every !== 0) continue;
        const steep = tooSteep(run, make);
        if (steep !== undefined)
          throw new Error(`${JSON.stringify(make(80))} and so on: ${steep}.`);
      }
    },
  );
});

it('ATK-08: no value of 25 kB keeps the worker for a tenth of a second', () => {
  for (const [, read] of ofValues)
    for (const text of LONG) {
      const rounds = [1, 2, 3].map(() => {
        const from = performance.now();
        reading(read)(text);
        return performance.now() - from;
      });
      expect(Math.min(...rounds)).toBeLessThan(100);
    }
});
