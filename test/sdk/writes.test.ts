/** Case SDK-01, SDK-02: why every client of ours is made with `SINGLE_SEND` and repeats reads by itself. */
import { StorageManagementClient } from '@azure/arm-storage';
import { SecretClient } from '@azure/keyvault-secrets';
import { describe, expect, it } from '@jest/globals';
import { SINGLE_SEND } from '../../src/core/pipeline.ts';
import { attempts, credential, type Reply, service } from './service.fixtures.ts';

const subscription = '0b1f6471-1bf0-4dda-aec3-cb9272f09590';
const writes = {
  'setSecret PUT': (options: object, signal: AbortSignal) =>
    new SecretClient('https://kv1.vault.azure.net', credential, options).setSecret('a', 'v', {
      abortSignal: signal,
    }),
  'updateSecretProperties PATCH': (options: object, signal: AbortSignal) =>
    new SecretClient('https://kv1.vault.azure.net', credential, options).updateSecretProperties(
      'a',
      'b',
      {
        enabled: false,
        abortSignal: signal,
      },
    ),
  'regenerateKey POST': (options: object, signal: AbortSignal) =>
    new StorageManagementClient(credential, subscription, options).storageAccounts.regenerateKey(
      'rg1',
      'acct1',
      { keyName: 'key1' },
      { abortSignal: signal },
    ),
};
const failures: [string, Reply | 'drop'][] = [
  ['a broken connection', 'drop'],
  ['500', { status: 500 }],
  ['503', { status: 503 }],
];
const table = Object.entries(writes).flatMap(([name, write]) =>
  failures.map(([failure, reply]) => ({ name, write, failure, reply })),
);

describe('SDK-01: writes', () => {
  it.each(table)(
    '$name is repeated silently after $failure by default',
    async ({ write, reply }) => {
      const { httpClient, sent } = service(reply);
      expect(await attempts(sent, 2, (signal) => write({ httpClient }, signal))).toBe(2);
    },
  );

  it.each(table)(
    '$name is sent once after $failure as we make clients',
    async ({ write, reply }) => {
      const { httpClient, sent } = service(reply);
      expect(
        await attempts(sent, 2, (signal) => write({ httpClient, ...SINGLE_SEND }, signal)),
      ).toBe(1);
    },
  );

  it.each(Object.entries(writes))(
    'SDK-02: %s is not repeated after 409, nor after 429 without Retry-After',
    async (_, write) => {
      for (const status of [409, 429]) {
        const { httpClient, sent } = service({ status });
        expect(await attempts(sent, 2, (signal) => write({ httpClient }, signal))).toBe(1);
      }
    },
  );

  it('follows no redirect as we make clients', async () => {
    const { httpClient, sent } = service({
      status: 307,
      headers: { location: 'https://kv1.vault.azure.net/elsewhere' },
    });
    const read = (abortSignal: AbortSignal) =>
      new SecretClient('https://kv1.vault.azure.net', credential, {
        httpClient,
        ...SINGLE_SEND,
      }).getSecret('a', {
        abortSignal,
      });
    expect(await attempts(sent, 2, read)).toBe(1);
  });
});
