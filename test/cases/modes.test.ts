/** What an instance may do: observe and drain (design section 3, "Brakes"). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { due, rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

describe('an instance that only observes', () => {
  it('writes to no vault and no target whatever is due, owed, broken or asked for, and shows the plan of each', async () => {
    await rotated(tenant, 'st-broken', { account: 'acct2' });
    const { v2 } = await rotated(tenant, 'st-owed', { account: 'acct1' });
    const slot = tenant.stateOf(tenant.current('st-broken')).cred as 'key1' | 'key2';
    tenant.azure.account('acct2').regenerate(slot);
    tenant.seed('st-new', { account: 'acct3', value: 'keyturn:new' });
    tenant.seed('st-due', { account: 'acct4', expiresOn: new Date(Date.now() + 49 * 3_600_000) });
    tenant.configure({ KEYTURN_MODE: 'observe' });
    const before = tenant.targetWrites();
    const writes = tenant.azure.writes().length;
    for (let day = 0; day < 4; day++) await tenant.advance({ days: 1 }, { sweepEvery: 12 });

    expect(tenant.azure.writes().length - writes).toBe(0);
    expect(tenant.targetWrites()).toBe(before);
    expect(tenant.current('st-owed').id).toBe(v2.id);
    const plans = Object.fromEntries(
      await Promise.all(
        ['st-owed', 'st-broken', 'st-new', 'st-due'].map(
          async (name) => [name, await tenant.row(name)] as const,
        ),
      ),
    );
    expect(plans).toMatchObject({
      'st-owed': { reason: 'mode-observe', detail: 'Would revoke key1.' },
      'st-broken': {
        reason: 'mode-observe',
        detail: expect.stringMatching(/^Would rotate \(value-refused\): issue key\d/),
      },
      'st-new': {
        reason: 'mode-observe',
        detail: 'Would rotate (placeholder): issue key2 beside key1.',
      },
      'st-due': { reason: 'mode-observe', detail: 'Would rotate (due): issue key2 beside key1.' },
    });
  });
});

describe('an instance that drains', () => {
  it('works off what is owed and starts no rotation', async () => {
    const { v1 } = await rotated(tenant, 'st-owed', { account: 'acct1' });
    await due(tenant, 'st-due', { account: 'acct4' });
    tenant.configure({ KEYTURN_MODE: 'drain' });
    for (let day = 0; day < 4; day++) await tenant.advance({ days: 1 }, { sweepEvery: 12 });

    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(false);
    expect(tenant.stateOf(tenant.current('st-owed')).after).toBeUndefined();
    expect(tenant.versions('st-due')).toHaveLength(1);
    expect(await tenant.row('st-due')).toMatchObject({ reason: 'mode-drain' });
  });
});
