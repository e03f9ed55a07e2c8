/** Cases section 2: what Key Vault does to a rotation. Refused writes: `keyVaultWrites.test.ts`. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import * as story from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const DAY_S = 86_400;
const HOUR_S = 3600;
const key = (slot: 'key1' | 'key2', account = 'acct1') => tenant.azure.account(account).key(slot);
const accepts = (value: string) => tenant.azure.account('acct1').accepts(value);

/** `st-a` in kv1, a person's secret that holds key1 of acct1, due now. */
const due = () => story.due(tenant, 'st-a', { account: 'acct1' });
/** The same, rotated by an event and proved. */
const rotated = () => story.rotated(tenant, 'st-a', { account: 'acct1' });

describe('a new version', () => {
  it('carries all tags, the content type and a fresh expiry, and is followed by another one at its time (KV-01)', async () => {
    const { tags } = structuredClone(
      tenant.seed('st-a', { account: 'acct1', tags: { owner: 'x' }, contentType: 'text/plain' }),
    );
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.event('st-a');
    await tenant.settle();
    const second = tenant.current('st-a');
    expect(second).toMatchObject({
      contentType: 'text/plain',
      tags: { ...tags, owner: 'x' },
      enabled: true,
    });
    expect(second.nbf).toBeUndefined();
    expect(second.exp).toBeGreaterThanOrEqual(second.created + 90 * DAY_S - HOUR_S - 5);
    expect(second.exp).toBeLessThanOrEqual(second.created + 90 * DAY_S - HOUR_S);

    await tenant.goTo(tenant.dueOn('st-a'));
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.sweepAndSettle(); // no event: half one alone proves nothing
    const third = tenant.current('st-a');
    expect(tenant.versions('st-a')).toHaveLength(3);
    expect(third).toMatchObject({ value: key('key1'), contentType: 'text/plain', tags });
    await tenant.check();
  });

  it('is proved by a later pass, and owes the key before it for 48 h (KV-08)', async () => {
    const old = key('key1');
    await rotated();
    const { cred, proved, after } = tenant.stateOf(tenant.current('st-a'));
    expect({ cred, proved }).toEqual({
      cred: 'key2',
      proved: tenant.current('st-a').id.slice(0, 8),
    });
    const hours = (Date.parse(after ?? '') / 1000 - tenant.current('st-a').created) / HOUR_S;
    expect(hours).toBeGreaterThan(47.9);
    expect(hours).toBeLessThan(48.1);
    expect(accepts(old)).toBe(true);
    await tenant.check();
  });

  it('leaves the old key accepted at T+47 h, whatever is delivered or swept, and gone at T+49 h (KV-08)', async () => {
    const [first] = [tenant.seed('st-a', { account: 'acct1' })];
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.event('st-a');
    await tenant.settle();
    for (let hours = 0; hours < 46; hours++) {
      await tenant.event('st-a', hours % 2 === 0 ? {} : { version: first.id });
      await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    }
    expect(accepts(first.value)).toBe(true);
    expect(tenant.regenerations('acct1')).toBe(1);
    await tenant.advance({ hours: 3 });
    await tenant.sweepAndSettle();
    expect(accepts(first.value)).toBe(false);
    expect(tenant.regenerations('acct1')).toBe(2);
    expect(tenant.versions('st-a')).toHaveLength(2);
    const [before, now] = tenant.versions('st-a');
    expect(before).toMatchObject({
      enabled: false,
      tags: { 'rotator-state': expect.stringContaining('revoked=1') },
    });
    expect(now).toMatchObject({ enabled: true, value: key('key2') });
    expect(tenant.stateOf(tenant.current('st-a'))).not.toHaveProperty('after');
    await tenant.check();
  });
});

describe('a secret that cannot be read or written', () => {
  it('does not keep its neighbours from being rotated when its owner disabled it (KV-02)', async () => {
    const names = ['st-a', 'st-b', 'st-c'];
    for (const [at, name] of names.entries()) tenant.seed(name, { account: `acct${at + 1}` });
    await tenant.goTo(tenant.dueOn('st-a'));
    tenant.azure.vault('kv1').update('st-b', '', { enabled: false });
    await tenant.event('st-b');
    await tenant.sweepAndSettle();
    expect(names.map((name) => tenant.versions(name).length)).toEqual([2, 1, 2]);
    expect(await tenant.row('st-b')).toMatchObject({ step: 'skip', reason: 'disabled' });
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it('is skipped as gone when there is no such name, without a write or an alert (KV-03)', async () => {
    await due();
    tenant.azure.vault('kv1').delete('st-a');
    await tenant.event('st-a');
    await tenant.settle();
    expect(await tenant.row('st-a')).toMatchObject({ step: 'skip', reason: 'gone' });
    expect(tenant.azure.writes()).toEqual([]);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it('is refused before the target is touched while its name lies in soft delete, with both remedies (KV-03)', async () => {
    await due();
    const deleted = { status: 409, code: 'Conflict', inner: 'ObjectIsDeletedButRecoverable' };
    tenant.azure.outage('keyvault.update', deleted);
    tenant.azure.outage('keyvault.set', deleted);
    await tenant.event('st-a');
    await tenant.settle();
    expect(tenant.targetWrites()).toBe(0);
    expect(await tenant.row('st-a')).toMatchObject({ step: 'refuse', reason: 'name-deleted' });
    const [alert, ...more] = tenant.alerts();
    expect(more).toEqual([]);
    for (const word of ['st-a', 'recover', 'purge']) expect(String(alert?.detail)).toContain(word);
    await tenant.check();
  });

  it('is looked at again soon when the name is only being deleted (KV-03)', async () => {
    await due();
    tenant.azure.fault('keyvault.update', [
      { status: 409, code: 'Conflict', inner: 'ObjectIsBeingDeleted' },
    ]);
    await tenant.event('st-a');
    await tenant.settle(15 * 60);
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });
});

describe('which version is current', () => {
  it('is what the vault answers, never a place in the list; a stranger between store and read-back is a conflict (KV-04)', async () => {
    const vault = tenant.azure.vault('kv1');
    // Two of the same second, one of them disabled, and the older one has the greater id.
    tenant.seed('st-a', { account: 'acct1' }).id = 'b'.repeat(32);
    await tenant.advance({ seconds: 100 });
    const disabled = tenant.seed('st-a', { account: 'acct1' });
    Object.assign(disabled, { id: 'c'.repeat(32), enabled: false });
    tenant.seed('st-a', { account: 'acct1' }).id = 'a'.repeat(32);
    await tenant.goTo(tenant.dueOn('st-a'));

    const old = key('key1');
    const put = vault.put.bind(vault);
    vault.put = (name, given) => {
      vault.put = put;
      const ours = put(name, given);
      tenant.seed(name, { account: 'acct1' });
      return ours;
    };
    await tenant.event('st-a');
    await tenant.settle();
    expect(tenant.versions('st-a')).toHaveLength(5);
    expect(tenant.alerts().map(({ reason }) => reason)).toEqual(['conflict']);
    expect(tenant.regenerations('acct1')).toBe(1);
    await tenant.advance({ hours: 72 }, { sweepEvery: 6 });
    expect(tenant.regenerations('acct1')).toBe(1); // nothing was revoked, then or later
    expect(accepts(old)).toBe(true);
    await tenant.check();
  });

  it('is drift when infrastructure code wrote the old value back: shown, alerted once, nothing revoked (KV-09)', async () => {
    const old = key('key1');
    await rotated();
    const tags = { ...tenant.current('st-a').tags };
    delete tags['rotator-state'];
    tenant.azure.vault('kv1').set('st-a', old, { tags });
    await tenant.advance({ hours: 72 }, { sweepEvery: 2 });
    expect(accepts(old)).toBe(true);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(await tenant.row('st-a')).toMatchObject({ reason: 'drift' });
    expect(tenant.alerts()).toEqual([
      expect.objectContaining({ reason: 'drift', owed: 'key2', owedSince: expect.any(String) }),
    ]);
    await tenant.check();
  });
});
