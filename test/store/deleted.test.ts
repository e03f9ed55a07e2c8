/** SRV-10: somebody deletes the app's own table or queue while it runs: both are made again at the next call, without a restart. */
import { QueueClient } from '@azure/storage-queue';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Rows, SecretRow, SharerRow } from '../../src/ports/rows.ts';
import { tableLocks } from '../../src/store/lockTable.ts';
import { lookQueue } from '../../src/store/lookQueue.ts';
import { tableRows } from '../../src/store/rowTable.ts';
import { type Account, hasty, startAccount } from './store.fixtures.ts';

const ROW: SecretRow = { vault: 'kv1', name: 'st-a', failures: 0 };
const held = (name: string): SharerRow => ({
  vault: 'kv1',
  name,
  target: '/t',
  handle: 'key1',
  owes: [],
});

let account: Account;
let rows: Rows;
beforeAll(async () => {
  account = await startAccount();
  rows = tableRows(account.own, hasty);
});
afterAll(() => account.azurite.stop());
beforeEach(async () => {
  await rows.saveSecret(ROW);
  await account.raw.deleteTable();
});

it('SRV-10: a row is written, and one that is gone reads as absent', async () => {
  expect(await rows.secret(ROW)).toBeUndefined();
  await account.raw.deleteTable();
  await rows.saveSecret(ROW);
  expect(await rows.secret(ROW)).toEqual(ROW);
});

it('SRV-10: several rows of one transaction are written', async () => {
  await rows.addSharers([held('st-a'), held('st-b'), held('st-c')]);
  expect((await rows.sharers('/t')).map(({ name }) => name).sort()).toEqual([
    'st-a',
    'st-b',
    'st-c',
  ]);
});

it('SRV-10: a list is empty, a compare-and-set has its turn', async () => {
  expect(await rows.secretsOf('kv1')).toEqual([]);
  await account.raw.deleteTable();
  expect(await rows.takeProbe('storage-account-key', 'kv1', new Date(), 15)).toBe(true);
});

it('SRV-10: a lock is taken, renewed and given back, whenever the table goes', async () => {
  const locks = tableLocks(account.own, hasty);
  const lock = await locks.take('secret/kv1/st-a');
  expect(lock).toBeDefined();
  await lock?.release();
  await account.raw.deleteTable();
  expect(await locks.take('secret/kv1/st-a')).toBeDefined();
});

it('SRV-10: a look is put, with table and queue gone', async () => {
  const queue = lookQueue(account.own, hasty);
  await queue.put({ vault: 'kv1', name: 'st-a', cause: 'sweep' });
  await new QueueClient(account.own.connectionString, 'keyturn-work').delete();
  await queue.put({ vault: 'kv1', name: 'st-a', cause: 'sweep' });
  expect(await queue.offer({ vault: 'kv1', name: 'st-b', cause: 'event' })).toBe(true);
});
