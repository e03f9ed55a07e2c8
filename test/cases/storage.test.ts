/** Cases section 4: storage accounts that are busy, locked, switched off, or Keyturn's own. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createApp } from '../../src/app/app.ts';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo, due, slotOf } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterEach(() => {
  for (const account of tenant.azure.world.accounts.values()) {
    account.unlock();
    account.allowSharedKeyAccess = undefined;
    account.sasExpirationPeriod = undefined;
    account.kerberos = false;
  }
});
afterAll(() => tenant.stop());

/** Posts the event of a due secret and works it off. */
async function look(name: string): Promise<void> {
  await tenant.event(name);
  await tenant.settle();
}
const posts = () =>
  tenant.azure.calls.filter(({ method, route }) => method === 'POST' && route.startsWith('arm.'));

describe('ST-01: which 409', () => {
  it('ST-01: an operation in progress is waited for: twice busy, then rotated', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    const busy = { status: 409, code: 'StorageAccountOperationInProgress' };
    tenant.azure.fault('arm.regenerateKey', [busy, busy]);
    await look('st-a');
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it('ST-01: a resource lock is refused after one call, naming the locked scope, with one alert for as long as it stands', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.account('acct1').lock();
    tenant.azure.calls.length = 0;
    await look('st-a');
    expect(posts().map(({ route, status }) => [route, status])).toEqual([['arm.listKeys', 409]]);
    expect(await tenant.row('st-a')).toMatchObject({
      step: 'refuse',
      reason: 'scope-locked',
      detail: expect.stringContaining(tenant.azure.account('acct1').id.toLowerCase()),
    });
    await tenant.advance({ hours: 3 }, { sweepEvery: 1 });
    expect(posts()).toHaveLength(1);
    expect(tenant.alerts('st-a')).toHaveLength(1);
    expect(tenant.azure.writes()).toEqual([]);
    tenant.azure.account('acct1').unlock();
    await tenant.advance({ hours: 24 }, { sweepEvery: 6 });
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });

  it('ST-01: a lock that shows itself only at the write is refused, too, after one write', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.fault('arm.regenerateKey', [{ status: 409, code: 'ScopeLocked' }]);
    await look('st-a');
    expect(callsTo(tenant, 'arm.regenerateKey')).toHaveLength(1);
    expect(await tenant.row('st-a')).toMatchObject({ step: 'refuse', reason: 'scope-locked' });
    expect(tenant.alerts('st-a')).toHaveLength(1);
    await tenant.check();
  });
});

describe('ST-03: what is signed with a key dies with it', () => {
  it('ST-03: a SAS that may live longer than the grace is refused before anything changes, naming both figures', async () => {
    const tags = { 'rotator-options': 'longest-sas=45d' };
    tenant.seed('st-a', { account: 'acct1', policy: 'every=30d;grace=48h', tags });
    await tenant.goTo(tenant.dueOn('st-a', { days: 30 }));
    await look('st-a');
    const row = await tenant.row('st-a');
    expect(row).toMatchObject({ step: 'refuse', reason: 'short-grace' });
    expect(row?.detail).toMatch(/48 h.*longest-sas=45d.*1080 h/);
    expect(tenant.azure.writes()).toEqual([]);
    expect(tenant.alerts('st-a')).toHaveLength(1);
    await tenant.check();
  });

  it('ST-03: a grace of 46 days covers 45, and the secret is rotated when it is due', async () => {
    const tags = { 'rotator-options': 'longest-sas=45d' };
    const v1 = await due(tenant, 'st-a', { account: 'acct1', policy: 'every=60d;grace=46d', tags });
    expect(await tenant.row('st-a')).toMatchObject({ step: 'wait', reason: 'not-due' });
    await look('st-a');
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.goTo(new Date((tenant.current('st-a').created + 45 * 86_400) * 1000));
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(true);
    await tenant.check();
  });

  it("ST-03: the account's own SAS policy counts like a declaration", async () => {
    tenant.azure.account('acct1').sasExpirationPeriod = '45.00:00:00';
    await due(tenant, 'st-a', { account: 'acct1' });
    await look('st-a');
    expect(await tenant.row('st-a')).toMatchObject({
      reason: 'short-grace',
      detail: expect.stringMatching(/48 h.*45\.00:00:00.*1080 h/),
    });
    expect(tenant.azure.writes()).toEqual([]);
  });
});

describe('ST-04: shared keys are switched off', () => {
  it('ST-04: is refused without a single POST, with the advice to drop the secret', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.account('acct1').allowSharedKeyAccess = false;
    tenant.azure.calls.length = 0;
    await look('st-a');
    expect(posts()).toEqual([]);
    expect(tenant.azure.writes()).toEqual([]);
    expect(await tenant.row('st-a')).toMatchObject({
      reason: 'keys-off',
      detail: expect.stringContaining('drop the secret'),
    });
    expect(tenant.alerts('st-a')).toHaveLength(1);
  });

  it('ST-04: that 403 at the data plane never counts as a bad key: stored once, unproved, nothing revoked', async () => {
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.outage('storage.blob', {
      status: 403,
      code: 'KeyBasedAuthenticationNotPermitted',
    });
    await look('st-a');
    await tenant.advance({ hours: 60 }, { sweepEvery: 12 });
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(true);
    expect(tenant.alerts('st-a').map(({ reason }) => reason)).toEqual(['unproved']);
    tenant.azure.heal('storage.blob');
    await tenant.advance({ hours: 25 }, { sweepEvery: 5 });
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(false);
    await tenant.check();
  });
});

describe('ST-05: more slots than key1 and key2', () => {
  it('ST-05: the value stored is that of the slot regenerated, whatever the order of the list and without creation times', async () => {
    tenant.azure.account('acct1').kerberos = true;
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    await look('st-a');
    const current = tenant.current('st-a');
    expect(slotOf(tenant, 'acct1', current.value)).toBe('key2');
    expect(tenant.stateOf(current).cred).toBe('key2');
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(true);
    await tenant.advance({ hours: 50 }, { sweepEvery: 10 });
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(false);
    expect(tenant.azure.account('acct1').accepts(current.value)).toBe(true);
    await tenant.check();
  });

  it.each(['slot=kerb1', 'key=kerb1', 'kerb1=true'])(
    'ST-05: the option %s is refused, naming the tag',
    async (option) => {
      await due(tenant, 'st-a', { account: 'acct1', tags: { 'rotator-options': option } });
      await look('st-a');
      expect(await tenant.row('st-a')).toMatchObject({
        step: 'refuse',
        reason: 'bad-tags',
        detail: expect.stringContaining('rotator-options'),
      });
      expect(tenant.azure.writes()).toEqual([]);
    },
  );
});

describe('ST-07: the account that Keyturn runs on', () => {
  it.each([
    ['by identity', { DEPLOYMENT_STORAGE__accountName: 'acct1' }],
    [
      'by a service address',
      { AzureWebJobsStorage__blobServiceUri: 'https://acct1.blob.core.windows.net' },
    ],
    [
      'for its content',
      {
        WEBSITE_CONTENTAZUREFILECONNECTIONSTRING:
          'DefaultEndpointsProtocol=https;AccountName=ACCT1;AccountKey=YWJjZA==',
      },
    ],
  ])(
    'ST-07: used %s is refused as a target, however its id is spelled, with 0 writes',
    async (_, env) => {
      tenant.configure(env);
      const { id } = tenant.azure.account('acct1');
      await due(tenant, 'st-a', {
        account: 'acct1',
        tags: { 'rotator-target': id.replace('/acct1', '/AccT1') },
      });
      await look('st-a');
      expect(await tenant.row('st-a')).toMatchObject({ step: 'refuse', reason: 'own-storage' });
      expect(tenant.azure.writes()).toEqual([]);
      expect(posts()).toEqual([]);
      expect(tenant.alerts('st-a')).toHaveLength(1);
      await tenant.check();
    },
  );
});

describe('ST-07: by the setting of the case itself', () => {
  // Azurite lets nobody in by identity here, so the pass is shown above with settings that work beside a connection string.
  it('ST-07: AzureWebJobsStorage__accountName=acct1 makes acct1 an account that is refused', () => {
    const { settings } = createApp({
      ...tenant.azure.env(),
      AzureWebJobsStorage__accountName: 'ACCT1',
    });
    expect(settings.hostStorage).toEqual({ accountName: 'acct1' });
    expect(settings.ownStorage).toContain('acct1');
  });
});

describe('ST-08: a changed key is accepted only after a while', () => {
  it('ST-08: 403, 403, 200 at the data plane → stored after one regenerateKey', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.fault('storage.blob', [{ status: 403 }, { status: 403 }]);
    await look('st-a');
    expect(callsTo(tenant, 'arm.regenerateKey')).toHaveLength(1);
    const current = tenant.current('st-a');
    expect(current.value).toBe(tenant.azure.account('acct1').key('key2'));
    expect(tenant.stateOf(current).proved).toBe(current.id.slice(0, 8));
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it('ST-08: a key that is refused for longer than two minutes goes again, and the old one stays current', async () => {
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.outage('storage.blob', { status: 403 });
    await look('st-a');
    expect(tenant.versions('st-a')).toHaveLength(1);
    expect(tenant.current('st-a').value).toBe(v1.value);
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(true);
    expect(tenant.alerts('st-a').map(({ reason }) => reason)).toEqual(['not-accepted']);
    tenant.azure.heal('storage.blob');
    await tenant.advance({ hours: 25 }, { sweepEvery: 5 });
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });
});
