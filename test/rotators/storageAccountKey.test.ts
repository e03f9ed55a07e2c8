/** `storage-account-key` over keys in memory. */
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import { storageAccountKey } from '../../src/rotators/storageAccountKey.ts';

const ID =
  '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acct1';
const ONE = new Secret('the first key of the account');
const TWO = new Secret('the second key of the account');

const bind = (keys: ReadonlyMap<string, Secret>) =>
  storageAccountKey({
    clock: systemClock,
    storageSuffix: 'core.windows.net',
    keys: {
      account: async () => ({ sharedKeys: true, endpoints: [] }),
      listKeys: async () => keys,
      regenerate: () => Promise.reject(new Error('not asked for here')),
    },
    probe: { tryKey: async () => 'accepted' },
  }).bind({ target: ID, options: {}, secret: { vault: 'kv1', name: 'st-a' } });

describe('the slot of a value', () => {
  it('is the one that holds it', async () => {
    const keys = new Map([
      ['key1', ONE],
      ['key2', TWO],
    ]);
    expect(await bind(keys).adopt(ONE)).toBe('key1');
    expect(await bind(keys).adopt(TWO)).toBe('key2');
    expect(await bind(keys).adopt(new Secret('of nobody, and long enough'))).toBeUndefined();
  });

  it('is not known where both hold it: whichever was named, the other one would go with it', async () => {
    expect(
      await bind(
        new Map([
          ['key1', ONE],
          ['key2', ONE],
        ]),
      ).adopt(ONE),
    ).toBeUndefined();
  });

  it('says nothing of a value where the list leaves a slot out', async () => {
    expect(await bind(new Map([['key1', ONE]])).check(TWO)).toBe('unknown');
    expect(
      await bind(
        new Map([
          ['key1', ONE],
          ['key2', ONE],
        ]),
      ).check(TWO),
    ).toBe('refused');
  });
});
