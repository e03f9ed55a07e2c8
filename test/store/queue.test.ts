import { QueueClient } from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Look } from '../../src/core/look.ts';
import { lookQueue } from '../../src/store/queue.ts';
import type { LookQueue } from '../../src/store/store.ts';
import { type Account, startAccount } from './store.fixtures.ts';

describe('the queue of looks', () => {
  let account: Account;
  let raw: QueueClient;
  let queue: LookQueue;
  const look: Look = { vault: 'kv1', name: 'st-a', cause: 'event' };

  beforeAll(async () => {
    account = await startAccount();
    raw = new QueueClient(account.own.connectionString, 'keyturn-work');
    queue = lookQueue(account.own);
  });
  afterAll(() => account.azurite.stop());
  afterEach(() => raw.clearMessages());

  it('is made on first use, and holds base64 JSON that never expires', async () => {
    await queue.put(look);
    const [message] = (await raw.receiveMessages()).receivedMessageItems;
    expect(JSON.parse(Buffer.from(message?.messageText ?? '', 'base64').toString())).toEqual(look);
    expect(message?.expiresOn.getUTCFullYear()).toBe(9999);
  });

  it('hides a message for the delay', async () => {
    await queue.put(look, 3600);
    expect((await raw.receiveMessages()).receivedMessageItems).toEqual([]);
    expect((await raw.getProperties()).approximateMessagesCount).toBe(1);
  });

  it('hides it for seven days at most, and takes any delay', async () => {
    for (const delay of [1e9, 604_801, 0.2, -5]) await queue.put(look, delay);
    expect((await raw.getProperties()).approximateMessagesCount).toBe(4);
  });

  it('SEC-05: puts nothing on the queue but a look', async () => {
    const more = { ...look, override: ['too-soon'] } as Look;
    await expect(queue.put(more)).rejects.toThrow(/override/);
    expect((await raw.getProperties()).approximateMessagesCount).toBe(0);
  });
});
