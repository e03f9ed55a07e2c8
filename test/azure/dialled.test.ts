/** Where nothing is asked and no value is sent: paths that are none of a resource, hosts that are none of the cloud (cases SEC-01, SEC-02). */
import { describe, expect, it } from '@jest/globals';
import { createArm } from '../../src/azure/arm.ts';
import { systemClock } from '../../src/core/clock.ts';
import { parseResourceId } from '../../src/core/ids.ts';
import { Secret } from '../../src/core/secret.ts';
import { storageAccountKey } from '../../src/rotators/storageAccountKey.ts';
import { databaseServers, POSTGRESQL_TYPE } from '../../src/targets/databaseServers.ts';

const GROUP = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg';

describe('Resource Manager', () => {
  it.each([
    `${GROUP}/providers/Microsoft.Storage/storageAccounts/../../other`,
    `${GROUP}/providers/./x`,
    `${GROUP}/providers/x?api-version=1`,
    `${GROUP}/providers/x#y`,
    `${GROUP}/providers/x%2e%2e/y`,
    `${GROUP}//x`,
    '/providers/Microsoft.Authorization/roleAssignments',
    'https://stranger.example/subscriptions',
  ])('is not asked for %s', async (path) => {
    let tokens = 0;
    const getToken = async () => {
      tokens += 1;
      return null;
    };
    const cloud = { arm: 'https://127.0.0.1:1', armAudience: 'https://127.0.0.1' };
    const arm = createArm({ cloud, credential: { getToken }, clock: systemClock });
    await expect(arm.get(path, {}, 'show it')).rejects.toMatchObject({
      detail: 'Not a path of a resource.',
    });
    expect(tokens).toBe(0);
  });
});

describe('a database server', () => {
  const id = parseResourceId(
    `${GROUP}/providers/${POSTGRESQL_TYPE}/db1`,
    POSTGRESQL_TYPE,
    'The tag',
  );
  const facts = (name: string) =>
    databaseServers({
      arm: { get: async () => ({ properties: { fullyQualifiedDomainName: name } }) },
      suffixes: { [POSTGRESQL_TYPE]: '.postgres.database.azure.com' },
    }).facts(id);

  it('is known by a host of the cloud', async () => {
    expect(await facts('DB1.postgres.database.azure.com')).toMatchObject({
      host: 'db1.postgres.database.azure.com',
    });
  });

  it.each([
    'db1.stranger.example',
    'db1.postgres.database.azure.com.stranger.example',
    'postgres.database.azure.com',
    'db1/x.postgres.database.azure.com',
    '',
  ])('of the host %j is none', async (name) => {
    await expect(facts(name)).rejects.toMatchObject({ reason: 'failed' });
  });
});

describe('a storage account', () => {
  const value = new Secret('the key of the account, as it is listed');
  const check = async (blobEndpoint: string) => {
    const tried: string[] = [];
    const rotator = storageAccountKey({
      clock: systemClock,
      storageSuffix: 'core.windows.net',
      keys: {
        account: async () => ({ sharedKeys: true, endpoints: [blobEndpoint], blobEndpoint }),
        listKeys: async () => new Map([['key1', value]]),
        regenerate: () => Promise.reject(new Error('not asked for here')),
      },
      probe: {
        tryKey: async (endpoint) => {
          tried.push(endpoint);
          return 'accepted';
        },
      },
    });
    const id = `${GROUP}/providers/Microsoft.Storage/storageAccounts/acct1`;
    const target = rotator.bind({
      target: id,
      options: {},
      secret: { vault: 'kv1', name: 'st-a' },
    });
    return [await target.check(value), tried];
  };

  it('has its key tried at a host of the cloud', async () => {
    const endpoint = 'https://acct1.blob.core.windows.net/';
    expect(await check(endpoint)).toEqual(['accepted', [endpoint]]);
  });

  it.each([
    'https://acct1.blob.stranger.example/',
    'https://acct1.blob.core.windows.net.stranger.example/',
    'https://evilcore.windows.net/',
    'http://acct1.blob.core.windows.net/',
    'no address',
  ])('has it tried nowhere else: %s', async (endpoint) => {
    expect(await check(endpoint)).toEqual(['vouched', []]);
  });
});
