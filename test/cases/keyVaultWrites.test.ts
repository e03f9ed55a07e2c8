/** Cases KV-05 and KV-06: a vault that takes no new version, when the target has changed already or could be changed. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Refusal } from '../../local/azure/exchange.ts';
import { kv } from '../../local/azure/keyVaultErrors.ts';
import { startTenant, type Tenant } from './harness.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
const key = (slot: 'key1' | 'key2') => tenant.azure.account('acct1').key(slot);

/** `st-a` in kv1, a person's secret that holds key1 of acct1, due now. */
async function due(policy?: string, days = 60): Promise<void> {
  tenant.seed('st-a', { account: 'acct1', ...(policy === undefined ? {} : { policy }) });
  await tenant.goTo(tenant.dueOn('st-a', { days }));
}

describe('a vault that refuses the new version', () => {
  it('is found out before the target is touched when it takes no writes at all (KV-05)', async () => {
    await due();
    tenant.azure.outage('keyvault.update', { status: 503 });
    await tenant.event('st-a');
    await tenant.settle();
    await tenant.sweepAndSettle();
    expect(tenant.targetWrites()).toBe(0);
    await tenant.check();
  });

  it('keeps nobody from rotating who shares the target: nothing has happened to its slots (KV-05)', async () => {
    tenant.seed('st-b', { vault: 'kv2', account: 'acct1' });
    await due();
    const vault = tenant.azure.vault('kv1');
    const update = vault.update.bind(vault);
    vault.update = () => {
      throw new Refusal(kv(403, 'Forbidden', 'Disallowed by policy.', 'ForbiddenByPolicy'));
    };
    await tenant.event('st-a');
    await tenant.settle();
    expect(tenant.regenerations('acct1')).toBe(0);
    await tenant.event('st-b', { vault: 'kv2' });
    await tenant.settle();
    expect(tenant.current('st-b', 'kv2').value).toBe(key('key2'));
    vault.update = update;
  });

  it('costs the new key, never the old one, and one alert; once it is well there is one clean rotation (KV-05)', async () => {
    await due();
    const old = key('key1');
    tenant.azure.outage('keyvault.set', { status: 503 });
    await tenant.event('st-a');
    await tenant.settle();
    for (let hours = 0; hours < 2; hours++) {
      expect(key('key1')).toBe(old); // the live slot, however often it is tried
      await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    }
    expect(tenant.alerts()).toEqual([expect.objectContaining({ reason: 'store-refused' })]);
    expect(tenant.versions('st-a')).toHaveLength(1);
    const tried = tenant.regenerations('acct1');
    expect(tried % 2).toBe(0); // each new key went again

    tenant.azure.heal();
    await tenant.advance({ hours: 25 }, { sweepEvery: 1 });
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.regenerations('acct1')).toBe(tried + 1);
    expect(tenant.current('st-a').value).toBe(key('key2'));
    expect(key('key1')).toBe(old);
    expect(tenant.alerts()).toHaveLength(1);
    await tenant.check();
  });

  it('is tried at growing distances, and brakes no kind: the rotation comes when the vault takes it (KV-05, ATK-04)', async () => {
    await due();
    const old = key('key1');
    tenant.azure.outage('keyvault.set', { status: 503 });
    await tenant.advance({ hours: 12 }, { sweepEvery: 1 });
    const tried = tenant.regenerations('acct1');
    expect(tried).toBeLessThanOrEqual(14); // seven new keys, each taken away again
    expect(key('key1')).toBe(old);
    tenant.azure.heal();
    await tenant.advance({ hours: 25 }, { sweepEvery: 1 });
    expect(tenant.alerts().map(({ reason }) => reason)).toEqual(['store-refused']);
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.regenerations('acct1')).toBe(tried + 1);
    await tenant.check();
  });

  it('by policy makes one key and no further one until the setting changes; under the cap it is taken (KV-06)', async () => {
    const vault = tenant.azure.vault('kv1');
    tenant.configure({ KEYTURN_EVERY_MAX: '150d' });
    await due('every=150d;grace=48h', 150);
    const old = key('key1');
    const put = vault.put.bind(vault);
    const lives: number[] = [];
    vault.put = (name, given) => {
      const seconds = (given.exp ?? Number.POSITIVE_INFINITY) - Date.now() / 1000;
      lives.push(seconds);
      // Inner code and wording of a refusal by Azure Policy are published nowhere (cases KV-06).
      if (seconds > 90 * DAY_S)
        throw new Refusal(kv(403, 'Forbidden', 'Disallowed by policy.', 'ForbiddenByPolicy'));
      return put(name, given);
    };
    await tenant.event('st-a');
    await tenant.settle();
    await tenant.advance({ days: 3 }, { sweepEvery: 6 });
    expect(lives.map(hoursLeft)).toEqual([180 * 24 - 1]);
    expect(tenant.regenerations('acct1')).toBe(2); // made, and taken away again
    expect(key('key1')).toBe(old);
    expect(tenant.alerts()).toEqual([expect.objectContaining({ reason: 'vault-policy' })]);

    tenant.configure({ KEYTURN_EVERY_MAX: '150d', KEYTURN_VALIDITY_CAP: '88d' });
    await tenant.advance({ hours: 25 }, { sweepEvery: 1 });
    expect(lives.map(hoursLeft)).toEqual([180 * 24 - 1, 88 * 24 - 1]);
    expect(tenant.current('st-a').value).toBe(key('key2'));
    expect(tenant.regenerations('acct1')).toBe(3);
    vault.put = put;
    await tenant.check();
  });
});

/** Whole hours; the few seconds of the call itself belong to the hour. */
const hoursLeft = (seconds: number): number => Math.round(seconds / HOUR_S);
