/** Cases section 3: what the SDKs repeat and what they do not, seen from the services. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo, due } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const LOST = [{ commit: true, drop: true }];

/** The first call to Key Vault or ARM that reached its service after the one to this route. */
function callAfter(route: string): string | undefined {
  const calls = tenant.azure.calls.filter((call) => /^(keyvault|arm)\./.test(call.route));
  return calls[calls.findIndex((call) => call.route === route) + 1]?.route;
}

describe('SDK-01: a write that was applied and whose answer was lost', () => {
  it('SDK-01: a regenerated key is sent for once, then read, stored and proved', async () => {
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.fault('arm.regenerateKey', LOST);
    await tenant.event('st-a');
    await tenant.settle();
    expect(callsTo(tenant, 'arm.regenerateKey')).toHaveLength(1);
    expect(callAfter('arm.regenerateKey')).toBe('arm.listKeys');
    const current = tenant.current('st-a');
    expect(current.value).toBe(tenant.azure.account('acct1').key('key2'));
    expect(tenant.stateOf(current)).toMatchObject({ cred: 'key2', proved: current.id.slice(0, 8) });
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(true);
    await tenant.check();
  });

  it('SDK-01: a new version is put once, then read, and is the only one', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.fault('keyvault.set', LOST);
    await tenant.event('st-a');
    await tenant.settle();
    expect(callsTo(tenant, 'keyvault.set')).toHaveLength(1);
    expect(callAfter('keyvault.set')).toBe('keyvault.get');
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.stateOf(tenant.current('st-a'))).toMatchObject({ cred: 'key2', proved: /./ });
    await tenant.check();
  });

  it('SDK-01: tags that say a rotation has begun are not written twice in a row, and the rotation completes', async () => {
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.fault('keyvault.update', LOST);
    await tenant.event('st-a');
    await tenant.settle();
    expect(callsTo(tenant, 'keyvault.update')).toHaveLength(1);
    expect(tenant.stateOf(tenant.current('st-a'))).toHaveProperty('started');
    expect(tenant.regenerations('acct1')).toBe(0);
    await tenant.settle(15 * 60);
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(true);
    await tenant.check();
  });

  it('SDK-01: the mark of a proof is not written twice', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.fault('keyvault.update', [{}, ...LOST]);
    await tenant.event('st-a');
    await tenant.settle(15 * 60);
    expect(callsTo(tenant, 'keyvault.update')).toHaveLength(2);
    const current = tenant.current('st-a');
    expect(tenant.stateOf(current).proved).toBe(current.id.slice(0, 8));
    await tenant.check();
  });
});

describe('SDK-01: unchanged means not yet known', () => {
  it('SDK-01: a key that is regenerated two minutes late costs no second request meanwhile, and nothing live', async () => {
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    const { azure } = tenant;
    tenant.azure.fault('arm.regenerateKey', [{ lateMs: 120_000 }]);
    await tenant.event('st-a');
    await tenant.settle(60);
    expect(callsTo(tenant, 'arm.regenerateKey')).toHaveLength(1);
    expect(tenant.regenerations('acct1')).toBe(0);
    expect(await tenant.row('st-a')).toMatchObject({ step: 'wait', reason: 'settling' });
    // Whatever asks meanwhile: the write has ten minutes to arrive.
    for (const minutes of [2, 2, 3]) {
      await tenant.advance({ minutes });
      await tenant.event('st-a');
      await tenant.settle(5);
    }
    expect(callsTo(tenant, 'arm.regenerateKey')).toHaveLength(1);
    expect(tenant.versions('st-a')).toHaveLength(1);
    await tenant.settle(10 * 60);
    const current = tenant.current('st-a');
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(current.value).toBe(azure.account('acct1').key('key2'));
    expect(azure.account('acct1').accepts(v1.value)).toBe(true);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it('SDK-01: a version that arrives two minutes late is of the same value, so that readers lose nothing', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.fault('keyvault.set', [{ lateMs: 120_000 }]);
    await tenant.event('st-a');
    await tenant.settle();
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.advance({ minutes: 2 });
    await tenant.until('the late version', () => tenant.versions('st-a').length === 3);
    await tenant.settle(15 * 60);
    const values = new Set(tenant.versions('st-a').map(({ value }) => value));
    expect(values.size).toBe(2);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.current('st-a').value).toBe(tenant.azure.account('acct1').key('key2'));
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });
});

describe('SDK-02: what the SDKs do not repeat, Keyturn does', () => {
  it.each([
    'keyvault.get',
    'keyvault.versions',
    'arm.listKeys',
    'arm.storageAccount',
    'arm.roleAssignments',
    'arm.regenerateKey',
  ])(
    'SDK-02: 429 without Retry-After twice from %s, and the pass goes on without an alert',
    async (route) => {
      await due(tenant, 'st-a', { account: 'acct1' });
      tenant.azure.fault(route, [{ status: 429 }, { status: 429 }]);
      await tenant.event('st-a');
      await tenant.settle();
      expect(tenant.versions('st-a')).toHaveLength(2);
      expect(tenant.regenerations('acct1')).toBe(1);
      expect(tenant.alerts()).toEqual([]);
      await tenant.check();
    },
  );

  it('SDK-02: Retry-After is obeyed', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.calls.length = 0;
    tenant.azure.fault('keyvault.get', [{ status: 429, headers: { 'retry-after': '9' } }]);
    await tenant.event('st-a');
    await tenant.settle();
    const [first, second] = callsTo(tenant, 'keyvault.get');
    expect((second?.at.getTime() ?? 0) - (first?.at.getTime() ?? 0)).toBeGreaterThanOrEqual(9000);
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });
});
