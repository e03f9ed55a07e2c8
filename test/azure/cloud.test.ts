import { describe, expect, it } from '@jest/globals';
import { CustomCloud, cloudChoice, cloudNamed, clouds, vaultUrl } from '../../src/azure/cloud.ts';
import { placeOf } from '../../src/azure/dataPlane.ts';
import { settingsSchema } from '../../src/core/settingsSchema.ts';
import { mysqlPlane, postgresqlPlane } from '../../src/targets/databaseServers.ts';

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
    expect(
      settingsSchema(cloudChoice).shape.KEYTURN_CLOUD.safeParse('AzureElsewhere').success,
    ).toBe(false);
  });

  it('takes ports, and drops a slash at the end', () => {
    expect(CustomCloud.parse(local)).toEqual({
      ...local,
      arm: 'https://management.keyturn.localhost:8443',
    });
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

  it('has the data planes that kinds declare, each in its clouds, and by its name in a custom one', () => {
    const audience = 'https://ossrdbms-aad.database.usgovcloudapi.net';
    const suffix = '.postgres.database.usgovcloudapi.net';
    expect(placeOf(postgresqlPlane, cloudNamed('AzureUSGovernment'))).toEqual({ suffix, audience });
    expect(placeOf(mysqlPlane, cloudNamed('AzureChinaCloud'))?.suffix).toBe(
      '.mysql.database.chinacloudapi.cn',
    );
    expect(placeOf({ name: 'mysql', clouds: {} }, clouds.AzureCloud)).toBeUndefined();
    const planes = {
      postgresql: { suffix: '.pg.example', audience: 'https://pg.example' },
      other: { suffix: '.o.example' },
    };
    const custom = CustomCloud.parse({ ...local, planes });
    expect([postgresqlPlane, mysqlPlane].map((each) => placeOf(each, custom))).toEqual([
      planes.postgresql,
      undefined,
    ]);
    // A custom cloud has what it says, whatever addresses it shares with a listed one.
    expect(placeOf(mysqlPlane, CustomCloud.parse({ ...clouds.AzureCloud }))).toBeUndefined();
  });

  it('takes the earlier names of two of them', () => {
    const earlier = {
      postgresqlSuffix: '.pg.example',
      mysqlSuffix: '.my.example',
      databaseAudience: 'https://db.example',
    };
    const place = (suffix: string) => ({ suffix, audience: 'https://db.example' });
    expect(CustomCloud.parse({ ...local, ...earlier })).toMatchObject({
      planes: { postgresql: place('.pg.example'), mysql: place('.my.example') },
    });
    const both = CustomCloud.parse({
      ...local,
      ...earlier,
      planes: { mysql: { suffix: '.new.example' } },
    });
    expect(placeOf(mysqlPlane, both)).toEqual({ suffix: '.new.example' });
  });

  it.each([
    { postgresql: { suffix: 'pg.example' } },
    { postgresql: { suffix: '.pg.example/evil' } },
    { postgresql: { suffix: '.pg.example', audience: 'no address' } },
    { postgresql: { suffix: '.pg.example', port: 5432 } },
    { 'Not a name': { suffix: '.pg.example' } },
    { postgresql: '.pg.example' },
  ])('refuses planes = %j', (planes) => {
    expect(CustomCloud.safeParse({ ...local, planes }).error?.issues[0]?.path[0]).toBe('planes');
  });

  it('refuses an unknown member', () => {
    expect(CustomCloud.safeParse({ ...local, arn: 'x' }).success).toBe(false);
  });

  it('builds the address of a vault from its name', () => {
    expect(vaultUrl(clouds.AzureCloud, 'KV1')).toBe('https://kv1.vault.azure.net');
  });

  it.each([
    [
      'AzureCloud',
      /(?:\.azure\.(?:com|net)|\.loganalytics\.io|\.windows\.net|\.microsoft(?:online)?\.com)$/,
    ],
    [
      'AzureUSGovernment',
      /(?:\.usgovcloudapi\.net|\.azure\.us|\.loganalytics\.us|\.microsoft(?:online)?\.us)$/,
    ],
    ['AzureChinaCloud', /(?:\.chinacloudapi\.cn|\.azure\.cn)$/],
  ] as const)('%s has no address of another cloud', (name, own) => {
    const places = [postgresqlPlane, mysqlPlane].map((plane) => placeOf(plane, cloudNamed(name)));
    const planes = places.flatMap((place) => [place?.suffix, place?.audience]);
    const addresses = [...Object.values(clouds[name]), ...planes].filter(
      (each) => typeof each === 'string',
    );
    expect(addresses.length).toBeGreaterThan(12);
    expect(addresses.filter((each) => !own.test(`.${each}`))).toEqual([]);
  });
});
