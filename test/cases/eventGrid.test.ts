/** Cases section 1: events in, through the real entry, queue and pass. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LoggedCall } from '../../local/azure/calls.ts';
import type { LogRecord } from '../../local/host/host.ts';
import { startTenant, type Tenant } from './harness.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const DAY_MS = 86_400_000;
const later = (ms: number): Date => new Date(Date.now() + ms);
/** The reasons of what the passes decided, in order. */
const reasons = () =>
  tenant
    .logs()
    .filter(({ message }) => message === 'decided' || message === 'step')
    .map(({ step, reason }) => `${step}: ${reason}`);

/** A secret of a person that is due now, in an index that is fresh. */
async function due(name: string, account = 'acct1'): Promise<void> {
  tenant.seed(name, { account });
  await tenant.goTo(tenant.dueOn(name));
}

describe('one event, one rotation', () => {
  it('rotates for an event as Azure really sends it: a blank in a key, one before the version, EXP as text (EG-01)', async () => {
    await due('st-a');
    const { id } = tenant.current('st-a');
    const url = `${tenant.azure.url('kv1.vault')}/secrets/st-a/${id}`;
    const data = {
      Id: url,
      VaultName: 'kv1',
      ObjectType: 'Secret',
      'ObjectName ': 'st-a',
      Version: ` ${id}`,
      NBF: null,
      EXP: '1559082102',
    };
    expect((await tenant.event('st-a', { body: { data } })).status).toBe(202);
    await tenant.settle();
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });

  it('rotates for a CloudEvent, too (EG-02)', async () => {
    await due('st-a');
    const id = `${tenant.azure.url('kv1.vault')}/secrets/st-a/${tenant.current('st-a').id}`;
    const event = {
      ...{
        specversion: '1.0',
        id: '1',
        type: 'Microsoft.KeyVault.SecretNearExpiry',
        subject: 'st-a',
      },
      ...{ source: tenant.azure.vault('kv1').id, time: '2027-01-01T00:00:00Z' },
      data: { Id: id, VaultName: 'kv1', ObjectType: 'Secret', ObjectName: 'st-a' },
    };
    const answer = await fetch(tenant.host.eventGridUrl('secretEvents'), {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json', 'aeg-event-type': 'Notification' },
      body: JSON.stringify(event),
    });
    expect(answer.status).toBe(202);
    await tenant.settle();
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });

  it('answers before the target has, which takes 40 s, and the same event at 31 s and 62 s regenerates nothing more (EG-03)', async () => {
    await due('st-a');
    const body = { id: 'one-and-the-same' };
    tenant.lines.length = 0;
    tenant.azure.fault('arm.regenerateKey', [{ delayMs: 40_000 }]);
    /** Nobody who waited for the target could answer yet. */
    const early = async () => ({
      ...(await status()),
      targetIsDone: tenant.versions('st-a').length > 1,
    });
    const status = async () => ({ status: (await tenant.event('st-a', { body })).status });
    const first = await early();
    const slow = ({ route, principal }: LoggedCall) =>
      route === 'arm.regenerateKey' && principal !== undefined;
    await tenant.until('the call to the target', () => tenant.azure.calls.some(slow));
    await tenant.advance({ seconds: 31 });
    const second = await early();
    // The sweep's pass meets the lock of the first, which still waits for its answer; the event's look comes at 60 s.
    await tenant.sweep();
    await tenant.until('the end of the second pass', () => tenant.lines.some(isDone));
    await tenant.advance({ seconds: 31 });
    const third = await status();
    await tenant.settle();
    expect([first, second, third]).toEqual([
      { status: 202, targetIsDone: false },
      { status: 202, targetIsDone: false },
      { status: 202 },
    ]);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });
});

const isDone = ({ functionName, message }: LogRecord) =>
  functionName === 'work' && /\(Succeeded/.test(message);

describe('events that change nothing', () => {
  it.each<[string, (superseded: string) => string | undefined]>([
    ['a superseded version', (superseded) => superseded],
    [
      'a disabled one',
      () => {
        tenant.azure.vault('kv1').update('st-a', '', { enabled: false });
        return undefined;
      },
    ],
    [
      'a name that is gone',
      () => {
        tenant.azure.vault('kv1').delete('st-a');
        return undefined;
      },
    ],
  ])(
    'accepts an event about %s and writes nothing, without an alert (EG-05)',
    async (_title, prepare) => {
      const { id: superseded } = tenant.seed('st-a', { account: 'acct1' });
      await tenant.goTo(tenant.dueOn('st-a'));
      // Another credential: written again, the old one would be due by its own age.
      tenant.azure.account('acct1').regenerate('key1');
      const { id } = tenant.seed('st-a', { account: 'acct1', expiresOn: later(80 * DAY_MS) });
      await tenant.sweepAndSettle();
      const version = prepare(superseded) ?? id;
      const status = await tenant.event('st-a', { version });
      await tenant.settle();
      expect(status.status).toBe(202);
      expect(tenant.azure.writes()).toEqual([]);
      expect(tenant.alerts()).toEqual([]);
      await tenant.check();
    },
  );

  it('records superseded, disabled and gone as the reason of a skip (EG-05)', async () => {
    tenant.seed('st-a', { account: 'acct1', expiresOn: later(80 * DAY_MS) });
    tenant.seed('st-b', { account: 'acct2', expiresOn: later(80 * DAY_MS) });
    tenant.azure.vault('kv1').update('st-b', '', { enabled: false });
    await tenant.event('st-a', { version: 'a'.repeat(32) });
    await tenant.settle();
    await tenant.event('st-b');
    await tenant.settle();
    await tenant.event('st-c');
    await tenant.settle();
    expect(reasons()).toEqual(['skip: superseded', 'skip: disabled', 'skip: gone']);
    await tenant.check();
  });

  it.each<[string, { type?: string; body?: (vaultId: string) => object }]>([
    ['KeyNearExpiry', { type: 'KeyNearExpiry' }],
    ['CertificateNearExpiry', { type: 'CertificateNearExpiry' }],
    ['an invented type', { type: 'SecretWasNice' }],
    [
      'the topic of a vault that is not on the list',
      { body: (vaultId) => ({ topic: vaultId.replace(/kv1$/, 'kv9') }) },
    ],
  ])(
    'skips %s with a reason, accepted and without a write (EG-11)',
    async (_title, { type, body }) => {
      await due('st-a');
      const given = {
        ...(type === undefined ? {} : { type }),
        ...(body ? { body: body(tenant.azure.vault('kv1').id) } : {}),
      };
      expect((await tenant.event('st-a', given)).status).toBe(202);
      await tenant.settle();
      expect(tenant.logs('event skipped')).toEqual([
        expect.objectContaining({ reason: expect.any(String), detail: expect.any(String) }),
      ]);
      expect(tenant.azure.writes()).toEqual([]);
      await tenant.check();
    },
  );

  it('leaves the secret behind a certificate alone (EG-11)', async () => {
    await due('st-a');
    tenant.current('st-a').kid = `${tenant.azure.url('kv1.vault')}/keys/st-a/${'c'.repeat(32)}`;
    await tenant.event('st-a');
    await tenant.settle();
    expect(reasons().at(-1)).toBe('skip: managed');
    expect(tenant.azure.writes()).toEqual([]);
    await tenant.check();
  });

  it('refuses an unknown rotator once, naming those it knows, however often it is told (EG-08)', async () => {
    tenant.seed('st-a', { account: 'acct1', tags: { rotator: 'nosuch' } });
    expect((await tenant.event('st-a')).status).toBe(202);
    await tenant.settle();
    expect(await tenant.row('st-a')).toMatchObject({ step: 'refuse', reason: 'unknown-rotator' });
    expect((await tenant.event('st-a')).status).toBe(202);
    for (let sweeps = 0; sweeps < 3; sweeps++)
      await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    expect(tenant.alerts()).toEqual([
      expect.objectContaining({
        name: 'st-a',
        detail: expect.stringContaining('storage-account-key'),
      }),
    ]);
    expect(tenant.azure.writes()).toEqual([]);
    await tenant.check();
  });
});

describe('what no event brings', () => {
  it('finds a secret that is older than the subscription by the sweep alone (EG-07)', async () => {
    tenant.seed('st-a', { account: 'acct1', expiresOn: later(120 * DAY_MS) });
    await tenant.goTo(later(91 * DAY_MS)); // 29 days before its expiry
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.regenerations('acct1')).toBe(1);
    await tenant.check();
  });

  it('rotates what is overdue within an hour of the first sweep there ever was (EG-07)', async () => {
    for (const vault of ['kv1', 'kv2'])
      tenant.seed('st-a', { vault, account: vault === 'kv1' ? 'acct1' : 'acct2' });
    await tenant.advance({ days: 61 });
    await tenant.sweepAndSettle();
    await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    expect([tenant.regenerations('acct1'), tenant.regenerations('acct2')]).toEqual([1, 1]);
    await tenant.check();
  });

  it('refuses a bad key with 401 and rotates at the next sweep all the same (EG-09)', async () => {
    await due('st-a');
    const url = `${tenant.host.url}/runtime/webhooks/EventGrid?functionName=secretEvents&code=wrong`;
    expect((await tenant.event('st-a', { url })).status).toBe(401);
    expect(await tenant.settle()).toBe(0);
    expect(tenant.azure.writes()).toEqual([]);
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });
});

it('ATK-15: what an event leaves in the table is gone two days later, without another event', async () => {
  const marks = async () =>
    (await tenant.rows()).filter(({ partition }) => partition === 'marks').length;
  for (const name of ['st-a', 'st-b', 'st-c']) {
    tenant.seed(name, { account: 'acct1' });
    await tenant.event(name);
  }
  await tenant.settle();
  expect(await marks()).toBeGreaterThan(0);
  await tenant.advance({ hours: 48 });
  await tenant.sweepAndSettle();
  expect(await marks()).toBe(0);
});
