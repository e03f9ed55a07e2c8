import { describe, expect, it } from '@jest/globals';
import { CustomCloud, cloudChoice, cloudNamed, clouds, vaultUrl } from '../../src/azure/cloud.ts';
import { settingsSchema } from '../../src/core/settingsSchema.ts';

const local = {
  authority: 'https://login.keyturn.localhost:8443',
  arm: 'https://management.keyturn.localhost:8443/',
  armAudience: 'https://management.azure.com',
  vaultSuffix: '.vault.keyturn.localhost:8443',
  storageSuffix: 'core.keyturn.localhost:8443',
  graph: 'https://graph.keyturn.localhost:8443',
  graphAudience: 'https://graph.microsoft.com',
  sqlSuffix: '.database.windows.net',
  sqlAudience: 'https://database.windows.net',
};

describe('clouds', () => {
  it('listed ones pass the schema of a custom one', () => {
    for (const cloud of Object.values(clouds)) expect(CustomCloud.parse(cloud)).toEqual(cloud);
  });

  it('are rows and nothing else: each is a value of KEYTURN_CLOUD, and what the app builds addresses from', () => {
    expect(cloudChoice.names).toEqual(Object.keys(clouds));
    for (const name of cloudChoice.names) {
      const { vaultSuffix } = cloudNamed(name);
      expect(settingsSchema(cloudChoice).shape.KEYTURN_CLOUD.parse(name)).toBe(name);
      expect(vaultUrl(cloudNamed(name), 'KV-shop')).toBe(`https://kv-shop${vaultSuffix}`);
    }
    const more = { ...cloudChoice, names: [...cloudChoice.names, 'AzureElsewhere'] };
    expect(settingsSchema(more).shape.KEYTURN_CLOUD.parse('AzureElsewhere')).toBe('AzureElsewhere');
    expect(settingsSchema(cloudChoice).shape.KEYTURN_CLOUD.safeParse('AzureElsewhere').success).toBe(false);
  });

  it('takes ports, and drops a slash at the end', () => {
    expect(CustomCloud.parse(local)).toEqual({ ...local, arm: 'https://management.keyturn.localhost:8443' });
  });

  it.each([
    ['arm', 'http://management.azure.com'],
    ['arm', 'https://management.azure.com/path'],
    ['arm', 'https://user:pass@management.azure.com'],
    ['arm', 'https://management.azure.com?x'],
    ['authority', 'login.microsoftonline.com'],
    ['graph', ''],
    ['vaultSuffix', 'vault.azure.net'],
    ['vaultSuffix', '.vault.azure.net/evil'],
    ['vaultSuffix', '.vault.azure.net@evil.example'],
    ['storageSuffix', '.core.windows.net'],
    ['armAudience', 'not an address'],
  ])('refuses %s = %j', (name, value) => {
    const result = CustomCloud.safeParse({ ...local, [name]: value });
    expect(result.success).toBe(false);
    expect(result.error?.issues[0]?.path).toEqual([name]);
  });

  it('refuses an unknown member', () => {
    expect(CustomCloud.safeParse({ ...local, arn: 'x' }).success).toBe(false);
  });

  it('builds the address of a vault from its name', () => {
    expect(vaultUrl(clouds.AzureCloud, 'KV1')).toBe('https://kv1.vault.azure.net');
  });

  it.each([
    ['AzureCloud', /(?:\.azure\.(?:com|net)|\.loganalytics\.io|\.windows\.net|\.microsoft(?:online)?\.com)$/],
    ['AzureUSGovernment', /(?:\.usgovcloudapi\.net|\.azure\.us|\.loganalytics\.us|\.microsoft(?:online)?\.us)$/],
    ['AzureChinaCloud', /(?:\.chinacloudapi\.cn|\.azure\.cn)$/],
  ] as const)('%s has no address of another cloud', (name, own) => {
    const addresses = Object.values(clouds[name]).filter((each) => typeof each === 'string');
    expect(addresses.length).toBeGreaterThan(9);
    expect(addresses.filter((each) => !own.test(`.${each}`))).toEqual([]);
  });
});
