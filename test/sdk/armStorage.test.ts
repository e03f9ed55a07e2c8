/** Facts about `@azure/arm-storage` (azure-facts 4.1, 8.2; case SEC-01). */
import { StorageManagementClient } from '@azure/arm-storage';
import { describe, expect, it } from '@jest/globals';
import { SINGLE_SEND } from '../../src/core/pipeline.ts';
import { wireFailure } from '../../src/core/wire.ts';
import { credential, type Sent, service } from './service.fixtures.ts';

const subscription = '0b1f6471-1bf0-4dda-aec3-cb9272f09590';
const keys = {
  status: 200,
  body: { keys: [{ keyName: 'key1', value: 'a2V5', permissions: 'FULL' }] },
};
const called = ({ url }: Sent): string => new URL(url).pathname;

describe('the storage management SDK', () => {
  it('lets dot segments walk away with the token: why ids are parsed first', async () => {
    const { httpClient, sent } = service(keys);
    const client = new StorageManagementClient(credential, subscription, { httpClient });
    await client.storageAccounts.listKeys('g', '..');
    const expected = `/subscriptions/${subscription}/resourceGroups/g/providers/Microsoft.Storage/listKeys`;
    expect(sent.map(called)).toEqual([expected]);
  });

  it('reads a list without creation times', async () => {
    const { httpClient } = service(keys);
    const client = new StorageManagementClient(credential, subscription, { httpClient });
    expect((await client.storageAccounts.listKeys('g', 'acct1')).keys?.[0]).toMatchObject({
      keyName: 'key1',
      value: 'a2V5',
    });
  });

  it('keeps code and message of an error where wireFailure looks for them', async () => {
    const body = { error: { code: 'ScopeLocked', message: 'locked' } };
    const { httpClient } = service({ status: 409, body });
    const client = new StorageManagementClient(credential, subscription, {
      httpClient,
      ...SINGLE_SEND,
    });
    const failure = await client.storageAccounts
      .listKeys('g', 'acct1')
      .then(() => undefined, wireFailure);
    expect(failure).toMatchObject({ status: 409, code: 'ScopeLocked', text: 'locked' });
  });

  it('takes endpoint and audience from us', async () => {
    const scopes: unknown[] = [];
    const { httpClient, sent } = service(keys);
    const watched = {
      async getToken(asked: string | string[]) {
        scopes.push(asked);
        return credential.getToken(asked);
      },
    };
    const client = new StorageManagementClient(watched, subscription, {
      httpClient,
      endpoint: 'https://management.usgovcloudapi.net',
      credentials: { scopes: ['https://management.usgovcloudapi.net/.default'] },
    });
    await client.storageAccounts.listKeys('g', 'acct1');
    expect(sent[0]?.url).toMatch(/^https:\/\/management\.usgovcloudapi\.net\//);
    expect(scopes).toEqual([['https://management.usgovcloudapi.net/.default']]);
  });
});
