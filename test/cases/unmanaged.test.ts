/**
 * What has not opted in: found by the list that a sweep makes anyway, shown with age, expiry and likely kind, written down only
 * where something changed.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { watchStorage } from '../../bench/ownStorage.ts';
import { startTenant, type Tenant } from './harness.ts';
import { aged, days, inventoryOf, unmanagedWrites } from './inventory.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());
const { all, stranger, summary } = inventoryOf(() => tenant);

describe('a secret that has not opted in', () => {
  it('shows owner, type, dates and what it seems to be, and nothing that looks like a value', async () => {
    stranger('Shop-Storage-Key', {
      tags: { owner: 'shop' },
      contentType: 'text/plain',
      expiresOn: new Date('2037-01-01T00:00:00Z'),
    });
    stranger('by-type', { contentType: 'Cosmos DB primary key' });
    const pasted = 'AccountKey=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYg==';
    stranger('pasted', { contentType: pasted, tags: { owner: pasted } });
    stranger('sample', {
      tags: {
        CredentialId: 'key1',
        ProviderAddress: `${tenant.azure.account('acct1').id}`,
        ValidityPeriodDays: '60',
      },
    });
    await tenant.sweep();
    const found = new Map((await all('managed=false')).map((each) => [each.secret, each]));
    expect(found.get('shop-storage-key')).toMatchObject({
      ...{ vault: 'kv1', state: 'unmanaged', owner: 'shop', contentType: 'text/plain' },
      ...{ expiresOn: '2037-01-01T00:00:00.000Z', enabled: true, certificate: false },
      ...{
        likelyKind: 'storage-account-key',
        createdOn: expect.any(String),
        updatedOn: expect.any(String),
      },
    });
    expect(found.get('by-type')?.likelyKind).toBe('cosmos-db-key');
    expect(found.get('sample')?.likelyKind).toBe('storage-account-key');
    const kept = JSON.stringify([await tenant.rows(), tenant.answers, tenant.lines]);
    expect(kept).not.toContain('Zm9vYmFy');
    expect(kept).not.toContain('a value that nobody reads');
  });

  it('is written once for a change, leaves when it is gone or opts in, and stays while its vault cannot be listed', async () => {
    stranger('st-a', { value: 'x' });
    stranger('st-b');
    stranger('st-c', { vault: 'kv2' });
    await tenant.sweepAndSettle();
    const names = async () => (await all('managed=false')).map(({ secret }) => secret);
    expect(await names()).toEqual(['st-a', 'st-b', 'st-c']);

    tenant.azure.vault('kv1').retag('st-a', tenant.current('st-a').id, { owner: 'shop' });
    const storage = watchStorage(tenant.azure.env().AzureWebJobsStorage ?? '');
    await tenant.sweep();
    storage.stop();
    expect(unmanagedWrites(storage.calls)).toHaveLength(1);
    expect((await all('managed=false&owner=shop')).map(({ secret }) => secret)).toEqual(['st-a']);

    tenant.azure.vault('kv1').delete('st-a');
    tenant.azure.vault('kv2').delete('st-c');
    const grants = tenant.azure.world.roles.all;
    const kv2 = tenant.azure.vault('kv2').id.toLowerCase();
    grants.splice(
      0,
      Number.POSITIVE_INFINITY,
      ...grants.filter(({ scope }) => scope.toLowerCase() !== kv2),
    );
    tenant.seed('st-b', { account: 'acct1' });
    await tenant.sweepAndSettle();
    expect(await names()).toEqual(['st-c']);
    expect((await all('')).map(({ secret }) => secret)).toEqual(['st-b']);
  });

  it('is nobody else: gone, exempt, of another instance and tag lost have words of their own', async () => {
    const account = 'acct1';
    tenant.seed('st-none', { account, tags: { rotator: 'none' } });
    tenant.seed('st-exempt', {
      account,
      tags: {
        rotator: 'none',
        'rotator-exempt': `reason=hardware;until=${days(60).toISOString().slice(0, 10)}`,
      },
    });
    const lost = tenant.seed('st-lost', { account: 'acct2' });
    await tenant.sweepAndSettle();
    tenant.azure.vault('kv1').retag('st-lost', lost.id, { owner: 'shop' });
    await tenant.sweepAndSettle();
    await tenant.sweepAndSettle();
    expect((await all('managed=false')).map(({ secret }) => secret)).toEqual(['st-none']);
    expect((await all('')).map(({ secret, state }) => [secret, state])).toEqual([
      ['st-exempt', 'exempt'],
      ['st-lost', 'opt-in-lost'],
    ]);
    expect(await summary()).toMatchObject({ secrets: 3, managed: 2, unmanaged: 1 });
  });

  it('of a vault that another instance serves is not shown as unwatched', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    stranger('st-b');
    await tenant.sweepAndSettle();
    expect(await all('managed=false')).toHaveLength(1);
    tenant.azure.vault('kv1').tags = { keyturn: 'other' };
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect(await all('managed=false')).toEqual([]);
  });

  it('is out of sight for one sweep when the table is lost, and nothing else is lost', async () => {
    stranger('st-a');
    await tenant.sweepAndSettle();
    await tenant.own.dropRows();
    expect(await all('managed=false')).toEqual([]);
    await tenant.sweepAndSettle();
    expect(await all('managed=false')).toHaveLength(1);
    expect(tenant.azure.writes()).toEqual([]);
    await tenant.check();
  });

  it('is shown to readers alone, and a misspelt question shows nothing', async () => {
    for (const path of ['/api/secrets?managed=false', '/api/summary']) {
      expect(
        (await tenant.request(path, { roles: ['Keyturn.Rotate', 'Keyturn.Revoke'] })).status,
      ).toBe(403);
      expect((await tenant.request(path, { token: 'x.y.z' })).status).toBe(401);
    }
    for (const query of [
      'managed=no',
      'expires=30',
      'expires=',
      'olderThan=never',
      'managed=false&managed=true',
    ])
      expect((await tenant.request(`/api/secrets?${query}`)).status).toBe(
        query === 'expires=' ? 200 : 400,
      );
  });
});

describe('a first week in run', () => {
  it('is told before anything is switched on: rotations by kind, bound by the rate', async () => {
    tenant.configure({ KEYTURN_MODE: 'observe', KEYTURN_RATE: '1/50' });
    for (const [at, name] of ['st-a', 'st-b', 'st-c'].entries()) {
      aged(tenant.seed(name, { account: `acct${at + 1}` }), at === 2 ? 2 : 59);
    }
    tenant.seed('st-bad', { account: 'acct4', tags: { 'rotator-target': 'nowhere' } });
    await tenant.sweepAndSettle();
    expect((await summary()).firstWeek).toEqual({
      ...{ rotations: 2, due: 2, hours: 2, blocked: 1 },
      byKind: [{ kind: 'storage-account-key', rotations: 2 }],
    });
  });
});
