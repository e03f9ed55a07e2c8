import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BusyError } from '../../src/core/errors.ts';
import {
  DISCOVERED_MAX,
  FORMER_MAX,
  VANISHED_MAX,
  type VaultList,
} from '../../src/core/vaultList.ts';
import { vaultListStore } from '../../src/store/vaultListTable.ts';
import { type Account, hasty, startAccount } from './store.fixtures.ts';

let account: Account;
let stopped = false;
beforeAll(async () => {
  account = await startAccount();
});
afterAll(async () => {
  if (!stopped) await account.azurite.stop();
});

const on = new Date('2027-01-01T00:00:00Z');
const longest = (at: number) =>
  `/subscriptions/11111111-2222-4333-8444-555555555555/resourcegroups/${'g'.repeat(90)}/providers/microsoft.keyvault/vaults/${`v${'x'.repeat(19)}`}${String(at).padStart(4, '0')}`;
const full = (kind: string): VaultList['served'] =>
  Array.from({ length: DISCOVERED_MAX }, (_, at) => `${longest(at)}`.replace('vx', kind));
const store = () => vaultListStore(account.own, hasty);

describe('the list of discovered vaults in the table', () => {
  it('is absent before there is one, and where nothing can be made of it', async () => {
    expect(await store().read()).toBeUndefined();
    await account.raw.createTable();
    expect(await store().read()).toBeUndefined();
    for (const json0 of [
      '{',
      '{"served":["x"]}',
      7,
      JSON.stringify({ triedOn: on, served: [1], noRbac: [], vanished: [] }),
    ]) {
      await account.raw.upsertEntity(
        { partitionKey: 'vaults', rowKey: 'discovered', json0 },
        'Replace',
      );
      expect(await store().read()).toBeUndefined();
    }
  });

  it('is read as it was saved, as a whole, also when it is as long as it may be', async () => {
    const small: VaultList = {
      triedOn: on,
      served: [longest(1)],
      noRbac: [],
      vanished: [],
      failure: 'refused',
    };
    await store().save(small);
    expect(await store().read()).toEqual(small);
    const served = full('va').slice(0, DISCOVERED_MAX / 2);
    const vanished = full('vb')
      .slice(0, VANISHED_MAX)
      .map((id) => ({ id, since: on }));
    const large: VaultList = {
      triedOn: on,
      foundOn: on,
      served,
      noRbac: full('vc').slice(DISCOVERED_MAX / 2),
      vanished,
      former: Object.fromEntries(
        Array.from({ length: FORMER_MAX }, (_, at) => [
          `kv${at}`.padEnd(24, 'x'),
          '0123456789abcdef',
        ]),
      ),
    };
    await store().save(large);
    expect(await store().read()).toEqual(large);
    await store().save(small);
    expect(await store().read()).toEqual(small);
  });

  it('is not known, and so nothing is refused, when the table does not answer', async () => {
    await account.azurite.stop();
    stopped = true;
    await expect(store().read()).rejects.toBeInstanceOf(BusyError);
    await expect(
      store().save({ triedOn: on, served: [], noRbac: [], vanished: [] }),
    ).rejects.toBeInstanceOf(BusyError);
  });
});
