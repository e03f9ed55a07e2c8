/** Who reads a secret is made to read its new version after the proof and before anything is revoked (docs/consumers.md). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ConsumerOptions, ConsumingResource } from '../../local/azure/consumingResource.ts';
import { SecretDetailBody } from '../../src/api/secretBody.ts';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo, due, rotated, slotOf } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(async () => {
  await tenant.clear();
  const { world } = tenant.azure;
  const scope = `/subscriptions/${world.subscriptionId}`;
  tenant.azure.grant({
    principalId: world.identity.oid,
    scope,
    actions: ['Microsoft.ResourceGraph/resources/read'],
  });
  tenant.configure({ KEYTURN_CONSUMERS: world.subscriptionId });
});
afterAll(() => tenant.stop());

const REFERENCE = '@Microsoft.KeyVault(SecretUri=https://kv1.vault.azure.net/secrets/st-a/)';
const site = (given: Partial<ConsumerOptions> = {}, granted = true): ConsumingResource =>
  tenant.azure.consumer(
    {
      ...{
        type: 'Microsoft.Web/sites',
        name: 'app-orders',
        references: { STORAGE_KEY: REFERENCE },
      },
      ...{ tags: { 'keyturn-consumes': 'kv1/st-a' }, ...given },
    },
    granted,
  );
const shown = async () =>
  SecretDetailBody.parse(await (await tenant.request('/api/vaults/kv1/secrets/st-a')).json());
const consumers = async () =>
  (await shown()).consumers?.map(({ id, state }) => [id.split('/').at(-1), state]);
const refreshes = (route = 'consumer.refreshSite') => callsTo(tenant, route);
/** Where in the log of calls something stands. */
const at = (is: (call: Tenant['azure']['calls'][number]) => boolean): number =>
  tenant.azure.calls.findIndex(is);
const isRevocation = ({ route, applied }: Tenant['azure']['calls'][number]) =>
  route === 'arm.regenerateKey' && applied;
const hours = (count: number, sweepEvery = 1) => tenant.advance({ hours: count }, { sweepEvery });
/** Every key that a login with the value would still open. */
const opens = (value: string | undefined): boolean =>
  value !== undefined && slotOf(tenant, 'acct1', value) !== undefined;

describe('a declared site', () => {
  it('is refreshed after the proof and before the revocation, once, and the result stands with the secret', async () => {
    const app = site();
    const before = app.valueOf('STORAGE_KEY', tenant.azure.world);
    expect(before).toBeUndefined();
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await hours(1);
    expect(refreshes().map(({ status }) => status)).toEqual([200]);
    expect(app.valueOf('STORAGE_KEY', tenant.azure.world)).toBe(tenant.current('st-a').value);
    expect(await consumers()).toEqual([['app-orders', 'followed']]);
    const [record] = tenant.logs('audit').filter(({ step }) => step === 'follow');
    expect(record).toMatchObject({
      outcome: 'done',
      consumers: expect.stringContaining('/sites/app-orders'),
    });
    const proof = at(({ route, write }) => route === 'keyvault.updateSecret' && write);
    const refresh = at(({ route }) => route === 'consumer.refreshSite');
    await hours(50);
    const revoked = tenant.azure.calls.findLastIndex(isRevocation);
    expect(refresh).toBeGreaterThan(proof);
    expect(revoked).toBeGreaterThan(refresh);
    expect([refreshes().length, app.restarts, tenant.regenerations('acct1')]).toEqual([1, 1, 2]);
    await tenant.check();
  });

  it('that answers 500 for two days and on holds the revocation, then it is told, and the revocation goes on', async () => {
    site();
    tenant.azure.outage('consumer.refreshSite', { status: 500 });
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await hours(49);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(await shown()).toMatchObject({ state: 'grace', last: { reason: 'consumers' } });
    expect((await shown()).last?.detail).toContain('app-orders');
    expect(tenant.alerts('st-a')).toMatchObject([{ reason: 'consumer-failed' }]);
    const tries = refreshes().length;
    expect(tries).toBeGreaterThan(5);
    expect(tries).toBeLessThan(25);
    await hours(44);
    expect(tenant.regenerations('acct1')).toBe(1);
    await hours(6);
    expect(tenant.regenerations('acct1')).toBe(2);
    expect(tenant.alerts('st-a')).toHaveLength(1);
    // Whoever is there again by then follows all the same, and is asked once a day.
    const late = refreshes().length;
    await hours(72);
    expect(refreshes().length - late).toBeLessThanOrEqual(3);
    tenant.azure.heal();
    await hours(30);
    expect(await consumers()).toEqual([['app-orders', 'followed']]);
    await tenant.check();
  });

  it('that answers again within the grace holds nothing', async () => {
    site();
    tenant.azure.outage('consumer.refreshSite', { status: 503 });
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await hours(20);
    tenant.azure.heal();
    await hours(30);
    expect([tenant.regenerations('acct1'), tenant.alerts('st-a')]).toEqual([2, []]);
    expect(await consumers()).toEqual([['app-orders', 'followed']]);
  });

  it.each([
    ['whose owner did not tag it', { tags: {} }],
    ['that is tagged for another secret', { tags: { 'keyturn-consumes': 'kv1/st-b, kv2/st-a' } }],
    ['whose tag cannot be read', { tags: { 'keyturn-consumes': 'kv1/st-a/x, st-a, kv1' } }],
    ['that names the secret nowhere', { references: {} }],
    ['of which the reference is broken', { references: { A: '@Microsoft.KeyVault(kv1/st-a)' } }],
  ])('%s is never called', async (_, given) => {
    site(given);
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await hours(50);
    expect([refreshes().length, tenant.regenerations('acct1')]).toEqual([0, 2]);
    await tenant.check();
  });

  it('that takes its tag away after it was listed is not called', async () => {
    const app = site();
    tenant.azure.outage('consumer.refreshSite', { status: 500 });
    await rotated(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.heal();
    const before = refreshes().length;
    app.tags = {};
    await hours(50);
    expect([refreshes().length - before, tenant.regenerations('acct1'), await consumers()]).toEqual(
      [0, 2, []],
    );
  });

  it('at which Keyturn has no role is told with the action that is missing, and holds up to the limit', async () => {
    const app = site({}, false);
    const { oid } = tenant.azure.world.identity;
    const actions = ['Microsoft.Web/sites/read', 'Microsoft.Web/sites/config/read'];
    tenant.azure.grant({ principalId: oid, scope: app.id, actions });
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await hours(49);
    expect((await shown()).last?.detail).toContain('Microsoft.Web/sites/config/refresh/action');
    await hours(50);
    expect(tenant.regenerations('acct1')).toBe(2);
  });

  it('whose reference is pinned is named as such at once and never called', async () => {
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    site({
      references: {
        KEY: `@Microsoft.KeyVault(VaultName=KV1;SecretName=ST-A;SecretVersion=${v1.id})`,
      },
    });
    await tenant.event('st-a');
    await tenant.settle();
    await hours(2);
    expect(await consumers()).toEqual([['app-orders', 'pinned']]);
    expect(tenant.alerts('st-a')).toMatchObject([
      { reason: 'consumer-failed', detail: expect.stringContaining('"KEY"') },
    ]);
    await hours(100);
    expect([refreshes().length, tenant.regenerations('acct1')]).toEqual([0, 2]);
  });

  it('is called inside of its own window alone', async () => {
    site({
      tags: {
        'keyturn-consumes': 'kv1/st-a',
        'keyturn-consumes-window': '03:00-04:00 Europe/Berlin',
      },
    });
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await hours(26);
    expect(refreshes()).toHaveLength(1);
    const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', timeZone: 'Europe/Berlin' });
    expect(hour.format(refreshes()[0]?.at ?? new Date(0))).toBe('03');
  });

  it('with consumers=tell is called as well, and nothing waits for it', async () => {
    site();
    tenant.azure.outage('consumer.refreshSite', { status: 500 });
    await rotated(tenant, 'st-a', { account: 'acct1', policy: 'consumers=tell' });
    await hours(50);
    expect(tenant.regenerations('acct1')).toBe(2);
    expect(tenant.alerts('st-a')).toMatchObject([{ reason: 'consumer-failed' }]);
  });

  it('never makes a leak wait: it is called once, first, and the old key goes', async () => {
    site();
    tenant.azure.outage('consumer.refreshSite', { status: 500 });
    await due(tenant, 'st-a', { account: 'acct1' });
    expect((await tenant.leaked('st-a', { note: 'n', ticket: 't' })).status).toBe(202);
    await tenant.settle();
    expect(tenant.regenerations('acct1')).toBe(2);
    expect(at(({ route }) => route === 'consumer.refreshSite')).toBeLessThan(
      tenant.azure.calls.findLastIndex(isRevocation),
    );
  });
});

describe('other consumers', () => {
  it('of each kind follow in their way, one after the other', async () => {
    const tags = { 'keyturn-consumes': 'kv1/*' };
    const address = 'https://kv1.vault.azure.net/secrets/st-a';
    site({ name: 'app-a', tags });
    site({ name: 'app-a/staging', type: 'Microsoft.Web/sites/slots', tags });
    const apim = {
      type: 'Microsoft.ApiManagement/service',
      name: 'apim1',
      tags,
      references: { nv: address },
    };
    const service = tenant.azure.consumer(apim);
    const app = tenant.azure.consumer({
      ...apim,
      type: 'Microsoft.App/containerApps',
      name: 'ca1',
    });
    tenant.azure.consumer({ type: 'Microsoft.Automation/automationAccounts', name: 'aut1', tags });
    const scope = `/subscriptions/${tenant.azure.world.subscriptionId}`;
    tenant.azure.grant({
      principalId: tenant.azure.world.identity.oid,
      scope,
      actions: ['*/read'],
    });
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await hours(3);
    const states = Object.fromEntries((await consumers()) ?? []);
    expect(states).toEqual({
      'app-a': 'followed',
      staging: 'followed',
      apim1: 'followed',
      ca1: 'followed',
      aut1: 'unknown',
    });
    const { value } = tenant.current('st-a');
    expect([
      service.valueOf('nv', tenant.azure.world),
      app.valueOf('nv', tenant.azure.world),
    ]).toEqual([value, value]);
    expect([refreshes().length, refreshes('consumer.refreshNamedValue').length]).toEqual([2, 1]);
    const times = refreshes().map((call) => call.at.getTime());
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(1000);
    await hours(50);
    expect([tenant.regenerations('acct1'), tenant.alerts('st-a')]).toEqual([2, []]);
  });

  it('are asked for only where something follows: no list, no call where nothing is rotated', async () => {
    site();
    await due(tenant, 'st-a', { account: 'acct1' });
    expect(callsTo(tenant, 'resourceGraph.resources')).toHaveLength(0);
  });

  it.each([
    ['429', { status: 429 }],
    ['503', { status: 503 }],
    ['403', { status: 403 }],
    ['nothing', { drop: true }],
  ] as const)(
    'that cannot be listed (%s) hold the revocation up to the limit and no longer',
    async (_, step) => {
      site();
      tenant.azure.outage('resourceGraph.resources', step);
      await rotated(tenant, 'st-a', { account: 'acct1' });
      await hours(60, 2);
      expect(tenant.regenerations('acct1')).toBe(1);
      expect(tenant.alerts('st-a')).toMatchObject([{ reason: 'consumer-failed' }]);
      await hours(42, 2);
      expect(tenant.regenerations('acct1')).toBe(2);
    },
  );

  it('lost with the row are asked again: nothing is revoked before, and nothing is held for ever', async () => {
    site();
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await hours(1);
    expect(refreshes()).toHaveLength(1);
    await tenant.own.clear();
    await hours(50);
    expect(tenant.regenerations('acct1')).toBe(2);
    expect(refreshes()).toHaveLength(2);
    expect(tenant.azure.calls.findLastIndex(isRevocation)).toBeGreaterThan(
      tenant.azure.calls.findLastIndex(({ route }) => route === 'consumer.refreshSite'),
    );
  });
});

it('ten rotations under a consumer that caches for 24 hours and is not declared: no failed login with the default grace', async () => {
  const app = site({ tags: {} });
  const { world } = tenant.azure;
  await due(tenant, 'st-a', { account: 'acct1' });
  let failed = 0;
  for (let turn = 0; turn < 10; turn += 1) {
    if (!opens(app.valueOf('STORAGE_KEY', world))) failed += 1;
    expect((await tenant.event('st-a')).status).toBe(202);
    await tenant.settle();
    for (let hour = 0; hour < 60; hour += 3) {
      await hours(3, 3);
      if (!opens(app.valueOf('STORAGE_KEY', world))) failed += 1;
    }
    await tenant.goTo(tenant.dueOn('st-a'));
  }
  expect([tenant.versions('st-a').length, failed]).toEqual([11, 0]);
});
