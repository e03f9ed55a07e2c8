/** Both doors for events, requests beside them, and what the host gave up on: what comes in much changes little. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { eventAbout } from './person.ts';
import { due } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));
const put = (message: unknown) => tenant.own.put(JSON.stringify(message), 'keyturn-events');
const skips = () => tenant.logs('event skipped').map(({ reason }) => reason);

describe('the queue keyturn-events', () => {
  it('rotates for an event as Event Grid delivers it to a queue, without a call to the webhook', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    await put(eventAbout(tenant.azure, 'st-a', {}));
    await tenant.settle();
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.regenerations('acct1')).toBe(1);
    await tenant.check();
  });

  it('takes a list, and does what is good in it beside what is not (EG-08)', async () => {
    for (const [name, account] of [
      ['st-a', 'acct1'],
      ['st-b', 'acct2'],
    ] as const)
      tenant.seed(name, { account });
    await tenant.goTo(tenant.dueOn('st-b'));
    const topic = tenant.azure.vault('kv1').id.replace(/kv1$/, 'kv9');
    await put([
      eventAbout(tenant.azure, 'st-a', {}),
      eventAbout(tenant.azure, 'st-a', { body: { topic } }),
      null,
      eventAbout(tenant.azure, 'st-b', {}),
    ]);
    await tenant.settle();
    expect([tenant.versions('st-a').length, tenant.versions('st-b').length]).toEqual([2, 2]);
    expect(skips()).toEqual(['not-allowed', 'bad-request']);
    await tenant.check();
  });

  it.each<[string, string]>([
    ['text that is no JSON', 'not an event'],
    [
      'another type',
      JSON.stringify({ eventType: 'Microsoft.Storage.BlobCreated', topic: 'x', data: {} }),
    ],
    [
      'a look, as it belongs on the other queue',
      JSON.stringify({ vault: 'kv1', name: 'st-a', cause: 'http' }),
    ],
  ])(
    'records %s and is done with it: no second try, nothing in the poison queue (EG-08)',
    async (_title, text) => {
      await due(tenant, 'st-a', { account: 'acct1' });
      await tenant.own.put(text, 'keyturn-events');
      expect(await tenant.settle()).toBe(0);
      expect(skips()).toEqual(['bad-request']);
      expect(tenant.versions('st-a')).toHaveLength(1);
      expect(await tenant.own.waiting('keyturn-events', 'keyturn-events-poison')).toBe(0);
      await tenant.check();
    },
  );
});

describe('the same event over and over', () => {
  it('makes one rotation of 50 events over both doors and 20 requests of different people; each of these gets its answer', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    const event = eventAbout(tenant.azure, 'st-a', {});
    const body = { ...event };
    const events = times(50, (at) => (at % 2 === 0 ? tenant.event('st-a', { body }) : put(event)));
    const requests = times(20, (at) => tenant.rotate('st-a', {}, { oid: caller(at) }));
    const answered = await Promise.all(events);
    const answers = await Promise.all(requests);
    // Looks that meet the lock come again 20 s later, all of them: one or two are done each time.
    expect(await tenant.settle(1200)).toBe(0);

    expect(answered.filter((answer) => answer && answer.status !== 202)).toEqual([]);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.versions('st-a')).toHaveLength(2);
    // A request that came after the rotation is told what is owed.
    expect(
      answers.map(({ status }) => status).filter((status) => status !== 202 && status !== 409),
    ).toEqual([]);
    const accepted = answers.flatMap((answer, at) =>
      answer.status === 202 ? [{ answer, at }] : [],
    );
    expect(accepted.length).toBeGreaterThan(0);
    for (const { answer, at } of accepted) {
      const pathname = answer.headers.get('operation-location') ?? '';
      const operation = (await (
        await tenant.request(pathname, { oid: caller(at) })
      ).json()) as Record<string, unknown>;
      expect(operation).toMatchObject({
        phase: expect.stringMatching(/^(proved|settled|failed)$/),
        done: true,
      });
      if (operation.phase === 'failed')
        expect(operation).toMatchObject({
          error: { reason: expect.any(String), remedy: expect.any(String) },
        });
    }
    await tenant.check();
  });

  it('has two looks at a secret for 50 events in one minute, whichever door they take', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    const event = eventAbout(tenant.azure, 'st-a', {});
    await Promise.all(
      times(50, (at) => (at % 2 === 0 ? tenant.event('st-a', { body: { ...event } }) : put(event))),
    );
    await tenant.settle();
    expect(
      tenant.logs('decided').filter(({ cause }) => cause === 'event').length,
    ).toBeLessThanOrEqual(2);
    expect(tenant.logs('event served by a look that waits')).toHaveLength(48);
    await tenant.check();
  });

  it('sees what the last event tells of, though a look was queued for the version before', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.event('st-a');
    await tenant.event('st-a');
    await tenant.host.drain();
    await tenant.goTo(tenant.dueOn('st-a'));
    tenant.lines.length = 0;
    await tenant.event('st-a', { version: 'a'.repeat(32) }); // superseded: its look does nothing
    await tenant.event('st-a', { version: 'a'.repeat(32) });
    await tenant.event('st-a'); // served by the second one's
    await tenant.settle();
    expect(tenant.logs('event served by a look that waits')).toHaveLength(1);
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });
});

describe('the queue keyturn-events-poison', () => {
  const bury = (message: unknown) =>
    tenant.own.put(JSON.stringify(message), 'keyturn-events-poison');
  const eventsAlerts = () => tenant.alerts().filter(({ queue }) => queue === 'keyturn-events');

  it('loses no event: what the host gave up on is recorded, alerted once and looked at', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    const event = eventAbout(tenant.azure, 'st-a', {});
    await Promise.all([bury(event), bury([event, null]), bury(event)]);
    await tenant.settle();
    expect(eventsAlerts()).toMatchObject([
      { reason: 'failed', by: expect.any(String), remedy: expect.any(String) },
    ]);
    expect(tenant.logs('event queued after all')).toHaveLength(3);
    expect(tenant.logs('event skipped')).toMatchObject([
      { queue: 'keyturn-events', reason: 'bad-request' },
    ]);
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(await tenant.own.waiting('keyturn-events-poison')).toBe(0);
    await tenant.check();
  });

  it('alerts again an hour later, and looks at what is current by then', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    await bury(eventAbout(tenant.azure, 'st-a', { version: 'a'.repeat(32) }));
    await tenant.settle();
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.advance({ hours: 1 });
    await bury(eventAbout(tenant.azure, 'st-a', {}));
    await tenant.settle();
    expect(eventsAlerts()).toHaveLength(2);
  });

  it('says of a vault that is not served why there is no look, and changes nothing (EG-08)', async () => {
    const topic = tenant.azure.vault('kv1').id.replace(/kv1$/, 'kv9');
    tenant.seed('st-a', { account: 'acct1' });
    await bury(eventAbout(tenant.azure, 'st-a', { body: { topic } }));
    expect(await tenant.settle()).toBe(0);
    expect(tenant.logs('event skipped')).toMatchObject([
      { queue: 'keyturn-events', reason: 'not-allowed' },
    ]);
    expect(tenant.logs('decided')).toEqual([]);
    await tenant.check();
  });
});

const caller = (at: number): string => `00000000-0000-4000-9000-0000000000${String(at + 10)}`;
