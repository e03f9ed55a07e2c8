import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { cloudChoice } from '../../src/azure/cloud.ts';
import type { Environment } from '../../src/core/ownStorage.ts';
import { readSettings, SettingsError } from '../../src/core/settings.ts';
import { aboutSetting, settingsSchema } from '../../src/core/settingsSchema.ts';

const guid = (last: number) => `00000000-0000-4000-8000-00000000000${last}`;
const vault = (name: string) =>
  `/subscriptions/${guid(4)}/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/${name}`;
const good: Environment = {
  KEYTURN_TENANT_ID: guid(1),
  KEYTURN_IDENTITY_CLIENT_ID: guid(2),
  KEYTURN_IDENTITY_PRINCIPAL_ID: guid(3),
  KEYTURN_VAULTS: `${vault('kv1')}, ${guid(4)}/rg1/KV2`,
  KEYTURN_AUDIENCE: 'api://keyturn',
  KEYTURN_SWEEP_SCHEDULE: '0 7 * * * *',
  AzureWebJobsStorage__accountName: 'keyturnapp',
};
const endpoints = {
  authority: 'https://login.keyturn.localhost:8443',
  arm: 'https://management.keyturn.localhost:8443',
  armAudience: 'https://management.azure.com',
  vaultSuffix: '.vault.keyturn.localhost:8443',
  storageSuffix: 'core.keyturn.localhost:8443',
  graph: 'https://graph.keyturn.localhost:8443',
  graphAudience: 'https://graph.microsoft.com',
  sqlSuffix: '.database.windows.net',
  sqlAudience: 'https://database.windows.net',
};
const read = (over: Environment = {}) => readSettings({ ...good, ...over }, cloudChoice);

function problems(env: Environment): readonly string[] {
  try {
    readSettings(env, cloudChoice);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  throw new Error('was accepted');
}

describe('settings', () => {
  it('need seven names; everything else has a default that changes nothing anywhere', () => {
    const settings = read();
    expect(settings).toMatchObject({
      instance: 'keyturn',
      mode: 'observe',
      rate: { perVault: 5, overall: 50 },
      rotators: [],
      consent: {},
      policy: 'every=60d;grace=48h',
      limits: { everyMaxHours: 2160, graceMinHours: 24 },
      cloud: { name: 'AzureCloud' },
      hostStorage: { accountName: 'keyturnapp' },
    });
    expect(settings.vaults.map(({ name }) => name)).toEqual(['kv1', 'kv2']);
    expect(settings).not.toHaveProperty('capDays');
  });

  it('are read from lists, numbers and JSON', () => {
    const settings = read({
      KEYTURN_MODE: 'run',
      KEYTURN_RATE: '2/9',
      KEYTURN_ROTATORS: 'storage-account-key, sql-login,sql-login',
      KEYTURN_VALIDITY_CAP: '88d',
      KEYTURN_EVERY_MAX: '120d',
      KEYTURN_GRACE_MIN: '36h',
      KEYTURN_CONSENT: `{"${vault('x')}":"storage-account-key: kv1/*"}`,
      KEYTURN_CLOUD: 'custom',
      KEYTURN_CUSTOM_CLOUD: 'accepted',
      KEYTURN_CLOUD_ENDPOINTS: JSON.stringify(endpoints),
    });
    expect(settings).toMatchObject({
      mode: 'run',
      rate: { perVault: 2, overall: 9 },
      rotators: ['storage-account-key', 'sql-login'],
      capDays: 88,
      limits: { everyMaxHours: 2880, graceMinHours: 36 },
      cloud: { custom: endpoints },
    });
  });

  it('take vaults for the sample tags by name or by id, of those that are served', () => {
    const sampleVaults = (KEYTURN_SAMPLE_TAGS: string, over: Environment = {}) =>
      read({ KEYTURN_SAMPLE_TAGS, ...over }).sampleVaults;
    expect(read().sampleVaults).toEqual([]);
    expect(sampleVaults(`KV2, ${vault('kv1')}`)).toEqual(['kv2', 'kv1']);
    expect(problems({ ...good, KEYTURN_SAMPLE_TAGS: 'kv1,kv3' })).toEqual([
      expect.stringMatching(/^KEYTURN_SAMPLE_TAGS names "kv3", which KEYTURN_VAULTS does not/),
    ]);
    expect(sampleVaults('kv3', { KEYTURN_SUBSCRIPTIONS: guid(4) })).toEqual(['kv3']);
    for (const wrong of ['kv_1', '/subscriptions/x', 'kv1/secrets/a'])
      expect(problems({ ...good, KEYTURN_SAMPLE_TAGS: wrong })).toEqual([
        expect.stringMatching(/^KEYTURN_SAMPLE_TAGS is /),
      ]);
  });

  it.each<[string, Environment, string[], number]>([
    ['one entry is a name', { KEYTURN_VAULTS: `kv9, ${vault('kv1')}` }, ['kv1'], 1],
    ['one walks up', { KEYTURN_VAULTS: `${vault('kv1')},${guid(4)}/../kv2,` }, ['kv1'], 1],
    [
      'a vault of the sample tags is none',
      { KEYTURN_SAMPLE_TAGS: `${vault('a_b')}, kv1` },
      ['kv1', 'kv2'],
      1,
    ],
    [
      'all are none, and discovery finds others',
      { KEYTURN_VAULTS: 'x,y', KEYTURN_SUBSCRIPTIONS: guid(4) },
      [],
      2,
    ],
  ])(
    'VAL-09: leave out the ids of vaults that cannot be read, where asked to: %s',
    (_, over, names, left) => {
      const settings = readSettings({ ...good, ...over }, cloudChoice, { lenient: true });
      expect(settings.vaults.map(({ name }) => name)).toEqual(names);
      expect(settings.unreadVaults).toHaveLength(left);
      expect(settings.unreadVaults[0]?.detail).toMatch(
        /^KEYTURN_(VAULTS|SAMPLE_TAGS) holds what is no id: an entry is "/,
      );
      expect(() => read(over)).toThrow(SettingsError);
    },
  );

  it('VAL-09: are wrong where no vault is left, and where another setting is', () => {
    const lenient = (over: Environment) => () =>
      readSettings({ ...good, ...over }, cloudChoice, { lenient: true });
    expect(lenient({ KEYTURN_VAULTS: 'kv1' })).toThrow('KEYTURN_VAULTS is "kv1"');
    expect(lenient({ KEYTURN_VAULTS: `${vault('kv1')},x`, KEYTURN_MODE: 'on' })).toThrow(
      'KEYTURN_MODE',
    );
    expect(lenient({ KEYTURN_VAULTS: `${vault('kv1')},${vault('kv1')},x` })).toThrow('twice');
  });

  it('take vaults by name, by the subscriptions in which they are found, or both', () => {
    const KEYTURN_SUBSCRIPTIONS = ` ${guid(4).toUpperCase()},${guid(5)}, ${guid(4)} `;
    expect(read({ KEYTURN_SUBSCRIPTIONS }).subscriptions).toEqual([guid(4), guid(5)]);
    expect(read({ KEYTURN_SUBSCRIPTIONS, KEYTURN_VAULTS: '' })).toMatchObject({ vaults: [] });
    expect(read()).toMatchObject({ subscriptions: [] });
  });

  it('ATK-16: take a custom cloud only from somebody who says that its hosts may have the tokens', () => {
    const custom = {
      ...good,
      KEYTURN_CLOUD: 'custom',
      KEYTURN_CLOUD_ENDPOINTS: JSON.stringify(endpoints),
    };
    const wanted = [
      expect.stringMatching(/^KEYTURN_CUSTOM_CLOUD is not set; expected `accepted`: .* tokens /),
    ];
    expect(problems(custom)).toEqual(wanted);
    expect(problems({ ...good, KEYTURN_CLOUD: 'custom' })).toEqual([
      'KEYTURN_CLOUD_ENDPOINTS is not set; a custom cloud needs it.',
      ...wanted,
    ]);
    // Wherever it runs: nothing that a platform sets, or does not, makes up for it.
    for (const place of [
      { WEBSITE_INSTANCE_ID: 'a' },
      { AZURE_FUNCTIONS_ENVIRONMENT: 'Development' },
      { KEYTURN_CUSTOM_CLOUD: '' },
    ])
      expect(problems({ ...custom, ...place })).toEqual(wanted);
    for (const word of ['yes', 'true', 'Accepted', ' accepted'])
      expect(problems({ ...custom, KEYTURN_CUSTOM_CLOUD: word })).toEqual([
        expect.stringMatching(/^KEYTURN_CUSTOM_CLOUD is .*; expected `accepted`/),
      ]);
    expect(
      readSettings({ ...custom, KEYTURN_CUSTOM_CLOUD: 'accepted' }, cloudChoice).cloud,
    ).toEqual({
      custom: endpoints,
    });
    // One that stays behind would speak for the next custom cloud.
    for (const KEYTURN_CLOUD of ['', 'AzureCloud', 'AzureChinaCloud'])
      expect(problems({ ...good, KEYTURN_CLOUD, KEYTURN_CUSTOM_CLOUD: 'accepted' })).toEqual([
        'KEYTURN_CUSTOM_CLOUD is set, but KEYTURN_CLOUD is not `custom`: remove it.',
      ]);
  });

  it('names everything that is missing at once', () => {
    const names = [...Object.keys(good)];
    const said = problems({ KEYTURN_MODE: '' });
    expect(said).toHaveLength(names.length);
    for (const name of names)
      expect(said).toContainEqual(expect.stringMatching(`^${name} is not set; expected `));
  });

  it.each([
    ['KEYTURN_MODE', 'go', 'KEYTURN_MODE is "go"; expected `observe`, `run` or `drain`.'],
    ['KEYTURN_TENANT_ID', 'contoso', 'expected a GUID'],
    ['KEYTURN_RATE', '5', 'expected `<per vault>/<overall>`'],
    ['KEYTURN_VAULTS', `${vault('kv1')},kv2`, '(an entry is "kv2"; expected'],
    ['KEYTURN_VAULTS', `${vault('kv1')},${vault('KV1')}`, 'KEYTURN_VAULTS names "kv1" twice'],
    ['KEYTURN_VAULTS', `${guid(4)}/rg1/../kv1`, 'an entry is '],
    ['KEYTURN_SUBSCRIPTIONS', `${guid(4)},*`, 'expected a list of subscription GUIDs'],
    ['KEYTURN_VAULTS', ' , ', 'KEYTURN_VAULTS is not set; expected'],
    ['KEYTURN_CONSENT', '{', 'KEYTURN_CONSENT does not fit; expected JSON'],
    ['KEYTURN_CONSENT', '{"a":1}', 'at "a"'],
    ['KEYTURN_POLICY', 'sometimes', 'KEYTURN_POLICY is "sometimes"'],
    ['KEYTURN_VALIDITY_CAP', '88', 'expected days as `88d`'],
    ['KEYTURN_EVERY_MAX', '0d', 'expected days or hours as `90d`'],
    ['KEYTURN_GRACE_MIN', '1w', 'expected hours or days as `24h`'],
    ['KEYTURN_GRACE_MIN', '90d', 'must be shorter than KEYTURN_EVERY_MAX'],
    ['KEYTURN_SWEEP_SCHEDULE', '0 * * * *', 'six fields'],
    ['KEYTURN_CLOUD_ENDPOINTS', JSON.stringify({ ...endpoints, arm: 'http://x' }), 'at "arm"'],
    [
      'KEYTURN_CLOUD_ENDPOINTS',
      JSON.stringify({ ...endpoints, more: 1 }),
      'KEYTURN_CLOUD_ENDPOINTS does not fit',
    ],
    ['KEYTURN_ROTATOR', 'storage-account-key', 'KEYTURN_ROTATOR is no setting of Keyturn.'],
    [
      'AzureWebJobsStorage__accountName',
      'https://x',
      'AzureWebJobsStorage__accountName is not set',
    ],
  ])('%s=%.20s is one problem, with what was expected', (name, value, words) => {
    const said = problems({ ...good, [name]: value });
    expect(said).toEqual([expect.stringContaining(words)]);
  });

  it('name the first wrong entries of a list, not thousands of them', () => {
    const wrong = Array.from({ length: 5_000 }, (_, at) => `kv-${at}`).join(',');
    const told = problems({ ...good, KEYTURN_VAULTS: wrong });
    expect(told.length).toBeLessThanOrEqual(12);
    expect(told.join('\n')).toMatch(/KEYTURN_VAULTS.*"kv-0".*"kv-9".*and more entries/);
    expect(told.join('\n')).not.toContain('an entry is "kv-10"');
  });

  it('show no value of a setting that may be secret', () => {
    const key = 'AccountKey=c2VjcmV0LXNlY3JldC1zZWNyZXQ=';
    const text = problems({
      KEYTURN_PASSWORD: 'hunter2',
      AzureWebJobsStorage: key,
      KEYTURN_CONSENT: `{"key": ${key}}`,
    }).join();
    expect(text).not.toMatch(/hunter2|c2VjcmV0/);
  });

  it("know the app's own storage by name, address and connection string (ST-07)", () => {
    const settings = read({
      AzureWebJobsStorage__accountName: 'Hostacct',
      AzureWebJobsStorage__queueServiceUri: 'https://queueacct.queue.core.windows.net',
      WEBSITE_CONTENTAZUREFILECONNECTIONSTRING:
        'DefaultEndpointsProtocol=https;AccountName=shareacct;AccountKey=eA==',
      DEPLOYMENT_STORAGE_CONNECTION_STRING: 'AccountName=zipacct;AccountKey=eA==',
      OTHER_STORAGE: 'AccountName=other',
    });
    expect([...settings.ownStorage].sort()).toEqual([
      'hostacct',
      'queueacct',
      'shareacct',
      'zipacct',
    ]);
  });

  it('default to what their documentation says', () => {
    for (const schema of Object.values(settingsSchema(cloudChoice).shape)) {
      const { fallback } = aboutSetting(schema);
      if (fallback !== undefined) expect(schema.parse(undefined)).toEqual(schema.parse(fallback));
    }
  });

  it('are all right in the sample that one starts from', () => {
    const { Values } = JSON.parse(readFileSync('local.settings.sample.json', 'utf8'));
    expect(readSettings(Values, cloudChoice).mode).toBe('observe');
  });
});

describe('the host storage by its service addresses, as clouds outside the public one have it', () => {
  const at = (blob: string, queue: string, table: string): Environment => ({
    ...good,
    AzureWebJobsStorage__accountName: undefined,
    AzureWebJobsStorage__blobServiceUri: blob,
    AzureWebJobsStorage__queueServiceUri: queue,
    AzureWebJobsStorage__tableServiceUri: table,
  });
  const us = (service: string, account = 'keyturnapp') =>
    `https://${account}.${service}.core.usgovcloudapi.net`;

  it('is the one account that all three name', () => {
    const { hostStorage, ownStorage } = readSettings(
      at(us('blob'), `${us('queue')}/`, us('table')),
      cloudChoice,
    );
    expect([hostStorage, ownStorage]).toEqual([{ accountName: 'keyturnapp' }, ['keyturnapp']]);
  });

  it.each([
    ['another account', at(us('blob'), us('queue', 'other'), us('table'))],
    ['another cloud', at(us('blob'), us('queue'), 'https://keyturnapp.table.core.windows.net')],
    ['a service twice', at(us('blob'), us('blob'), us('table'))],
    ['no TLS', at(us('blob').replace('https', 'http'), us('queue'), us('table'))],
  ])('is refused with %s', (_, env) => {
    expect(problems(env).join(' ')).toContain('AzureWebJobsStorage__accountName is not set');
  });
});
