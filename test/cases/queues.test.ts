/** What lies in the queues and is none of ours (findings HST-02, HST-03): nothing changes, and somebody sees it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import type { QueueName } from './ownStorage.ts';
import { eventAbout } from './person.ts';
import { due } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const raw = (text: string, queue: QueueName) =>
  tenant.own.queue(queue).sendMessage(text, { messageTimeToLive: -1 });
const VALUE = 'hunter2-hunter2-hunter2';
const unreadable: readonly [string, string][] = [
  ['plain text', `password=${VALUE}`],
  ['half of a JSON', `{"vault":"kv1","password":"${VALUE}`],
  ['base64 with a hole', `${Buffer.from(VALUE).toString('base64').slice(0, 9)}!`],
  ['base64 without its end', Buffer.from(VALUE).toString('base64').replace(/=+$/, '')],
  ['base64 that is no UTF-8', Buffer.from([0xff, 0xfe, 0x41, 0xc3]).toString('base64')],
  ['base64 of gzip', Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0xab]).toString('base64')],
  ['blanks', '   '],
];

describe.each<QueueName>([
  'keyturn-work',
  'keyturn-events',
  'keyturn-work-poison',
  'keyturn-events-poison',
])('the queue %s', (queue) => {
  it.each(unreadable)(
    'HST-02: %s is taken away, recorded and alerted, and changes nothing',
    async (_title, text) => {
      await due(tenant, 'st-a', { account: 'acct1' });
      await raw(text, queue);
      await tenant.settle();
      expect(await tenant.own.waiting()).toBe(0);
      const [alert, ...others] = tenant.alerts();
      expect(alert).toMatchObject({ by: 'operator', remedy: expect.any(String) });
      expect([String(alert?.queue).replace(/-poison$/, ''), others]).toEqual([
        queue.replace(/-poison$/, ''),
        [],
      ]);
      expect(JSON.stringify(tenant.logs())).not.toContain('hunter2');
      expect(tenant.versions('st-a')).toHaveLength(1);
      await tenant.check();
    },
  );

  it('HST-02: many are one alert an hour, and what is good between them is done', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    for (let count = 0; count < 10; count++) await raw(`junk ${count}`, queue);
    await tenant.event('st-a');
    await tenant.settle();
    expect(tenant.alerts().filter((alert) => alert.queue !== undefined)).toHaveLength(1);
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.advance({ minutes: 61 });
    await raw('more junk', queue);
    await tenant.settle();
    expect(tenant.alerts().filter((alert) => alert.queue !== undefined)).toHaveLength(2);
  });
});

it('HST-02: an event that lies on its queue as plain JSON is taken like one in base64', async () => {
  await due(tenant, 'st-a', { account: 'acct1' });
  await raw(JSON.stringify(eventAbout(tenant.azure, 'st-a', {})), 'keyturn-events');
  await tenant.settle();
  expect(tenant.versions('st-a')).toHaveLength(2);
  expect(tenant.alerts()).toEqual([]);
  await tenant.check();
});

it('HST-02: what stays in a poison queue is alerted by the sweep', async () => {
  const poison = tenant.own.queue('keyturn-events-poison');
  await tenant.sweepAndSettle();
  expect(tenant.alerts()).toEqual([]);
  // Hidden, as the host leaves what a poison function fails of.
  await poison.sendMessage('e30=', { visibilityTimeout: 600, messageTimeToLive: -1 });
  await tenant.sweepAndSettle();
  expect(tenant.alerts()).toMatchObject([
    { queue: 'keyturn-events-poison', reason: 'poison-left', by: 'operator', count: 1 },
  ]);
});

it('HST-03: poison queues that a deployment did not make are there after the next sweep', async () => {
  for (const queue of ['keyturn-work-poison', 'keyturn-events-poison'] as const)
    await tenant.own.queue(queue).delete();
  await tenant.sweepAndSettle();
  for (const queue of ['keyturn-work-poison', 'keyturn-events-poison'] as const)
    expect(await tenant.own.queue(queue).exists()).toBe(true);
  expect(tenant.alerts()).toEqual([]);
});
