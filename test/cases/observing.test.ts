/** OPS-06: an instance that only observes lists what it would alert, calls nobody, and takes nothing for alerted. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { due, rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    accounts: [{ name: 'acct1' }, { name: 'acct2' }, { name: 'silent', consent: 'somebody else' }],
  });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const mode = (KEYTURN_MODE: string) => tenant.configure({ KEYTURN_MODE });
const would = () =>
  tenant.logs('would alert').map(({ name, vault, reason }) => `${name ?? vault} ${reason}`);
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);

describe('OPS-06: what an instance that only observes would alert', () => {
  it('is listed once for each cause with all that an alert says, and alerted by the instance that runs after it', async () => {
    mode('observe');
    tenant.seed('st-a', { account: 'silent', tags: { owner: 'team-orders' } });
    tenant.seed('st-b', { account: 'acct1', value: 'nobody knows it' });
    await tenant.advance({ days: 4 }, { sweepEvery: 12 });
    expect(tenant.alerts()).toEqual([]);
    expect(would().sort()).toEqual(['st-a no-consent', 'st-b unknown-value']);
    const [first] = tenant.logs('would alert').filter(({ name }) => name === 'st-a');
    expect(first).toMatchObject({
      ...{
        by: 'target owner',
        owner: 'team-orders',
        kind: 'storage-account-key',
        cause: expect.any(String),
      },
      ...{ link: '/api/reasons/no-consent', remedy: expect.stringContaining('kv1/st-a') },
    });
    // Each is in the inventory with its reason.
    const shown = JSON.stringify(await (await tenant.request('/api/secrets?state=refused')).json());
    expect(shown).toMatch(/"no-consent"/);
    expect(shown).toMatch(/"unknown-value"/);

    mode('run');
    await tenant.advance({ days: 2 }, { sweepEvery: 12 });
    expect(
      tenant
        .alerts()
        .map(({ name, reason }) => `${name} ${reason}`)
        .sort(),
    ).toEqual(['st-a no-consent', 'st-b unknown-value']);
  });

  it('comes of every door: a vault that cannot be listed, a lost opt-in, a given-up message, an expiry', async () => {
    await rotated(tenant, 'st-lost', { account: 'acct1' });
    tenant.seed('st-exp', { account: 'silent', expiresOn: inDays(5) });
    tenant.seed('st-exp', { vault: 'kv2', account: 'silent', expiresOn: inDays(5) });
    tenant.azure.vault('kv1').set('st-lost', 'by hand', {});
    tenant.lines.length = 0;
    mode('observe');
    tenant.azure.outage('keyvault.list', { status: 403, host: 'kv2.vault' });
    await tenant.own.put(
      JSON.stringify({ vault: 'kv1', name: 'st-lost', cause: 'sweep' }),
      'keyturn-work-poison',
    );
    await tenant.own.put('[null]', 'keyturn-events-poison');
    await tenant.settle();
    await tenant.advance({ hours: 3 }, { sweepEvery: 1 });
    expect(tenant.alerts()).toEqual([]);
    expect([...new Set(would())].sort()).toEqual([
      ...[
        'kv2 vault-forbidden',
        'st-exp no-consent',
        'st-lost failed',
        'st-lost opt-in-lost',
        'st-lost still-owed',
        'undefined failed',
      ],
    ]);
    // The rule of the workspace leaves out what carries this mode.
    expect(tenant.logs('expiring').every((record) => record.mode === 'observe')).toBe(true);

    mode('run');
    await tenant.advance({ hours: 26 }, { sweepEvery: 2 });
    const raised = new Set(
      tenant.alerts().map(({ name, vault, reason }) => `${name ?? vault} ${reason}`),
    );
    for (const cause of ['kv2 vault-forbidden', 'st-exp no-consent', 'st-lost opt-in-lost'])
      expect(raised).toContain(cause);
  });

  it('leaves open what was alerted before: it is not alerted a second time afterwards', async () => {
    tenant.seed('st-a', { account: 'silent' });
    await tenant.sweepAndSettle();
    expect(tenant.alerts()).toHaveLength(1);
    mode('observe');
    await tenant.advance({ days: 2 }, { sweepEvery: 12 });
    mode('run');
    await tenant.advance({ days: 2 }, { sweepEvery: 12 });
    expect(tenant.alerts()).toHaveLength(1);
  });
});

describe('OPS-06: what somebody put off on purpose is late for nobody', () => {
  const alerted = () => tenant.alerts('st-a').map(({ reason }) => reason);
  const hold = (until: Date) =>
    tenant.request('/api/vaults/kv1/secrets/st-a/hold', {
      method: 'POST',
      body: JSON.stringify({ until }),
    });

  it('in a hold: neither due nor owed, and an expiry that comes near is told all the same', async () => {
    // Due a quarter of its life before its expiry, eight days.
    tenant.seed('st-a', { account: 'acct1', expiresOn: inDays(33) });
    await tenant.sweepAndSettle();
    expect((await hold(inDays(40))).status).toBe(202);
    await tenant.settle();
    await tenant.advance({ days: 32 }, { sweepEvery: 24 });
    expect(alerted()).toEqual([]);
    expect(tenant.versions('st-a')).toHaveLength(1);
    expect(tenant.logs('expiring').filter(({ name }) => name === 'st-a').length).toBeGreaterThan(0);
  });

  it('in a hold that ends: late from its end on', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    await hold(inDays(10));
    await tenant.settle();
    await tenant.advance({ days: 9 }, { sweepEvery: 24 });
    tenant.azure.setDescription({ scope: tenant.azure.account('acct1').id }, 'nobody');
    await tenant.advance({ days: 3 }, { sweepEvery: 12 });
    expect(alerted()).toEqual(['no-consent']);
  });

  it('by `paused=true`', async () => {
    await due(tenant, 'st-a', { account: 'acct1', policy: 'paused=true' });
    await tenant.advance({ days: 6 }, { sweepEvery: 24 });
    expect(alerted()).toEqual([]);
  });

  it('by a window that opens once a week: late only when it opened and nothing came', async () => {
    // Due in thirty days, a day after the window was open and six before it is again.
    const day = inDays(29).toLocaleDateString('en-GB', { weekday: 'short', timeZone: 'UTC' });
    tenant.seed('st-a', { account: 'acct1', policy: `every=30d;window=${day} 00:00-00:30 UTC` });
    await tenant.goTo(tenant.dueOn('st-a', { days: 30 }));
    await tenant.advance({ days: 4 }, { sweepEvery: 24 });
    expect(await tenant.row('st-a')).toMatchObject({ reason: 'window' });
    expect(alerted()).toEqual([]);
  });

  it('by `drain`, for rotations; what is owed there is worked off', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    mode('drain');
    await tenant.advance({ days: 6 }, { sweepEvery: 24 });
    expect(alerted()).toEqual([]);
  });
});
