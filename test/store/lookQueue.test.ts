import { QueueClient } from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as clock from '../../local/clock.ts';
import type { Look } from '../../src/core/look.ts';
import type { LookQueue } from '../../src/ports/queue.ts';
import { lookQueue } from '../../src/store/lookQueue.ts';
import { type Account, startAccount } from './store.fixtures.ts';

describe('the queue of looks', () => {
  let account: Account;
  let raw: QueueClient;
  let queue: LookQueue;
  const look: Look = { vault: 'kv1', name: 'st-a', cause: 'event' };

  beforeAll(async () => {
    clock.install();
    account = await startAccount();
    raw = new QueueClient(account.own.connectionString, 'keyturn-work');
    queue = lookQueue(account.own);
  });
  afterAll(() => account.azurite.stop());
  afterEach(async () => {
    await raw.clearMessages();
    clock.reset();
  });

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

  describe('with looks of events that wait for their turn', () => {
    let marked: Look;
    let asked = 0;
    const turn = (seconds: number) => async () => {
      asked++;
      return seconds;
    };
    beforeEach(() => {
      asked = 0;
      marked = { ...look, name: `st-${crypto.randomUUID()}`, version: '0'.repeat(32) };
    });

    it('hides one until then, at whatever version is current by then, and lets it serve all events meanwhile', async () => {
      expect(await queue.offer(marked, turn(2400))).toBe(true);
      expect(await queue.offer({ ...marked, version: '1'.repeat(32) }, turn(0))).toBe(false);
      expect(asked).toBe(1);
      expect((await raw.receiveMessages()).receivedMessageItems).toEqual([]);
      clock.advance({ seconds: 2401 });
      const [message] = (await raw.receiveMessages()).receivedMessageItems;
      const { version: _, ...whole } = marked;
      expect(JSON.parse(Buffer.from(message?.messageText ?? '', 'base64').toString())).toEqual(
        whole,
      );
      clock.advance({ seconds: 61 });
      expect(await queue.offer(marked, turn(0))).toBe(true);
    });

    it('never makes a turn come sooner than a minute after the last look, nor later than an hour', async () => {
      const other = { ...marked, name: `${marked.name}b` };
      await queue.offer(marked, turn(0));
      await queue.offer(marked, turn(0));
      await queue.offer(other, turn(1e9));
      expect(await take()).toEqual([marked.name]);
      clock.advance({ seconds: 61 });
      expect(await take()).toEqual([marked.name]);
      clock.advance({ seconds: 3540 });
      expect(await take()).toEqual([other.name]);
    });

    async function take(): Promise<string[]> {
      const { receivedMessageItems } = await raw.receiveMessages({ numberOfMessages: 32 });
      for (const { messageId, popReceipt } of receivedMessageItems)
        await raw.deleteMessage(messageId, popReceipt);
      const texts = receivedMessageItems.map(({ messageText }) =>
        Buffer.from(messageText, 'base64').toString(),
      );
      return texts.map((text) => JSON.parse(text).name);
    }
  });
});
