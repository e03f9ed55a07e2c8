/** The private classes of Azurite 3.37.0 that `local/azurite.ts` builds on (azure-facts 4.3): a version bump fails here first. */
import { createRequire } from 'node:module';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { describe, expect, it } from '@jest/globals';
import { newKey, startAzurite } from '../../local/azurite.ts';

const load = createRequire(import.meta.url);
const classOf = (file: string): { length: number } =>
  (load(`azurite/dist/src/${file}.js`) as { default: { length: number } }).default;

describe('Azurite', () => {
  it('is the version that was measured', () => {
    expect((load('azurite/package.json') as { version: string }).version).toBe('3.37.0');
  });

  it.each(['blob/Blob', 'queue/Queue', 'table/Table'])('%sServer takes a configuration', (name) => {
    expect(classOf(`${name}Server`).length).toBeLessThanOrEqual(1);
    expect(classOf(`${name}Configuration`)).toBeInstanceOf(Function);
  });

  it('takes two keys for an account, and refuses the old one with 403 as soon as it is replaced', async () => {
    const [key1, key2, key3] = [newKey(), newKey(), newKey()];
    const azurite = await startAzurite({ accounts: { acct1: { key1, key2 } } });
    const status = async (key: string): Promise<number | undefined> => {
      const url = `http://127.0.0.1:${azurite.ports.blob}/acct1`;
      const client = new BlobServiceClient(url, new StorageSharedKeyCredential('acct1', key));
      return client.getAccountInfo().then(
        (answer) => answer._response.status,
        (error: { statusCode?: number }) => error.statusCode,
      );
    };
    expect([await status(key1), await status(key2), await status(key3)]).toEqual([200, 200, 403]);
    azurite.setKeys('acct1', key3, key2);
    expect([await status(key1), await status(key2), await status(key3)]).toEqual([403, 200, 200]);
    await azurite.stop();
  });
});
