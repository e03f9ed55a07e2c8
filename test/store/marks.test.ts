/** Looks of events on the queue: how many, from when they can be seen, and which of them may be left out. */
import { createHash } from 'node:crypto';
import { QueueClient } from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as clock from '../../local/clock.ts';
import type { Look } from '../../src/core/look.ts';
import type { LookQueue } from '../../src/ports/queue.ts';
import { lookQueue } from '../../src/store/lookQueue.ts';
import { pruneMarks } from '../../src/store/marks.ts';
import { type Account, hasty, startAccount } from './store.fixtures.ts';
import { startWire, type Wire } from './wire.fixtures.ts';

let account: Account;
let raw: QueueClient;
let queue: LookQueue;
let look: Look;
let count = 0;

beforeAll(async () => {
  clock.install();
  account = await startAccount();
  raw = new QueueClient(account.own.connectionString, 'keyturn-work');
  await raw.createIfNotExists();
  queue = lookQueue(account.own, hasty);
});
afterAll(() => account.azurite.stop());
beforeEach(() => {
  look = { vault: 'kv1', name: `st-${++count}`, version: '0'.repeat(32), cause: 'event' };
});
afterEach(async () => {
  await raw.clearMessages();
  clock.reset();
});

const waiting = async () => (await raw.getProperties()).approximateMessagesCount;
/** Looks that can be seen now, which a worker would take. */
async function take(): Promise<unknown[]> {
  const { receivedMessageItems } = await raw.receiveMessages({ numberOfMessages: 32 });
  for (const { messageId, popReceipt } of receivedMessageItems)
    await raw.deleteMessage(messageId, popReceipt);
  return receivedMessageItems.map(({ messageText }) =>
    JSON.parse(Buffer.from(messageText, 'base64').toString()),
  );
}

/** The row of this secret's mark, as a stranger with the account's key would change it. */
async function mark(): Promise<{ partitionKey: string; rowKey: string; secret: unknown }> {
  const rowKey = createHash('sha256').update(`kv1/${look.name}`).digest('hex').slice(0, 4);
  const row = await account.raw.getEntity<{ secret: unknown }>('marks', rowKey);
  return { partitionKey: 'marks', rowKey, secret: row.secret };
}

describe('looks of events', () => {
  it('are one at once and one a minute later for 50 events in the same moment', async () => {
    const queued = await Promise.all(Array.from({ length: 50 }, () => queue.offer(look)));
    expect(queued.filter((each) => each)).toHaveLength(2);
    expect(await take()).toEqual([look]);
    clock.advance({ seconds: 61 });
    expect(await take()).toHaveLength(1);
    expect(await waiting()).toBe(0);
  });

  it('lead to a look after the pass that was running when the event came, whatever version it names', async () => {
    await queue.offer(look);
    expect(await take()).toEqual([look]);
    expect(await queue.offer({ ...look, version: '1'.repeat(32) })).toBe(true);
    expect(await queue.offer({ ...look, version: '2'.repeat(32) })).toBe(false);
    expect(await take()).toEqual([]);
    clock.advance({ seconds: 61 });
    // No version: the third event's is served, too, where the first one's would be superseded.
    expect(await take()).toEqual([{ vault: 'kv1', name: look.name, cause: 'event' }]);
  });

  it('are never more than one per minute, and the last event always has a look after it', async () => {
    const seen: number[] = [];
    let lastEvent = 0;
    for (let second = 0; second < 300; second += 7) {
      lastEvent = second;
      await queue.offer(look);
      if ((await take()).length > 0) seen.push(second);
      clock.advance({ seconds: 7 });
    }
    clock.advance({ seconds: 61 });
    const last = await take();
    expect(seen.length + last.length).toBeLessThanOrEqual(7);
    expect(last.length === 1 || (seen.at(-1) ?? -1) >= lastEvent).toBe(true);
    expect(await waiting()).toBe(0);
  });

  it('go at once again after a quiet minute', async () => {
    for (let turn = 0; turn < 3; turn++) {
      expect(await queue.offer(look)).toBe(true);
      expect(await take()).toEqual([look]);
      clock.advance({ seconds: 61 });
    }
  });

  it('of one secret say nothing of another', async () => {
    expect(await queue.offer(look)).toBe(true);
    expect(await queue.offer({ ...look, name: `${look.name}b` })).toBe(true);
    expect(await take()).toHaveLength(2);
  });

  it('leave what is put for people and passes alone', async () => {
    for (let turn = 0; turn < 3; turn++) {
      await queue.offer(look);
      await queue.put({ ...look, cause: 'http' });
    }
    expect(await take()).toHaveLength(4);
  });
});

describe('ATK-15: marks', () => {
  const marks = async () => {
    const found: string[] = [];
    const filter = "PartitionKey eq 'marks'";
    for await (const { rowKey = '' } of account.raw.listEntities({ queryOptions: { filter } }))
      found.push(rowKey);
    return found.length;
  };

  it('ATK-15: of events that are long over are removed, a thousand at a time, and no other row is', async () => {
    const prune = pruneMarks(account.own, { ...hasty, now: () => new Date(clock.now()) });
    await account.raw.createEntity({ partitionKey: 'swept', rowKey: 'kv1' });
    for (let number = 0; number < 130; number += 1)
      await queue.offer({ ...look, name: `old-${number}` });
    clock.advance({ hours: 20 });
    await prune();
    expect(await marks()).toBeGreaterThan(120);
    clock.advance({ hours: 6 });
    await queue.offer(look);
    await prune();
    expect(await marks()).toBe(1);
    expect(await queue.offer(look)).toBe(true); // in its minute, so later
    expect(await account.raw.getEntity('swept', 'kv1')).toBeDefined();
    await prune();
    expect(await marks()).toBe(1);
  });

  it('ATK-15: that cannot be removed now do no harm', async () => {
    const silent = {
      connectionString: account.own.connectionString.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:1'),
    };
    await expect(pruneMarks(silent, hasty)()).resolves.toBeUndefined();
  });
});

describe('a mark in doubt costs a look, no event', () => {
  it.each<[string, object]>([
    [
      'says a later time than Keyturn would',
      { later: true, visibleOn: '2099-01-01T00:00:00.000Z' },
    ],
    ['is another secret in the same row', { secret: 'f'.repeat(64), later: true }],
    ['has columns of a stranger', { later: true, until: 'for ever' }],
    ['is no mark at all', { later: 'yes' }],
  ])('when the row %s (SEC-07)', async (_title, columns) => {
    await queue.offer(look);
    await take();
    await account.raw.updateEntity({ ...(await mark()), ...columns }, 'Replace');
    expect(await queue.offer(look)).toBe(true);
    expect(await take()).toEqual([look]);
  });

  it('when whoever set it died before the message: the event that comes again is queued', async () => {
    await queue.offer(look);
    await take();
    await account.raw.updateEntity({ ...(await mark()), later: true }, 'Replace');
    expect(await queue.offer(look)).toBe(false);
    clock.advance({ seconds: 10 }); // Event Grid's first repetition
    expect(await queue.offer(look)).toBe(true);
    clock.advance({ seconds: 51 });
    expect(await take()).toHaveLength(1);
  });

  describe('when the table', () => {
    let wire: Wire;
    let cut: LookQueue;
    beforeAll(async () => {
      const { table } = account.azurite.ports;
      wire = await startWire(table);
      const connectionString = account.own.connectionString.replace(`:${table}/`, `:${wire.port}/`);
      cut = lookQueue({ connectionString }, hasty);
      await cut.offer({ vault: 'kv1', name: 'warm', cause: 'event' });
      await raw.clearMessages();
    });
    afterAll(() => wire.stop());

    it('does not answer', async () => {
      wire.dropRequests('GET', 100);
      expect([await cut.offer(look), await cut.offer(look)]).toEqual([true, true]);
      wire.dropRequests('GET', 0);
      expect(await take()).toEqual([look, look]);
    });

    it('sets the mark of a later look and the answer is lost: that look is put all the same', async () => {
      await cut.offer(look);
      await take();
      wire.dropAnswers('PUT', 100);
      expect(await cut.offer(look)).toBe(true);
      wire.dropAnswers('PUT', 0);
      expect(await cut.offer(look)).toBe(false);
      expect(await take()).toEqual([]);
      clock.advance({ seconds: 61 });
      expect(await take()).toHaveLength(1);
    });
  });
});
