/** Cases section 9, first half: infrastructure code that rewrites tags and values. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Version } from '../../local/azure/vault.ts';
import { startTenant, type Tenant } from './harness.ts';
import { rotated, slotOf } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const accepts = (value: string) => tenant.azure.account('acct1').accepts(value);
const current = () => tenant.current('st-a');
const hoursAfter = ({ created }: Version, hours: number) => new Date((created + hours * 3600) * 1000);
/** What an apply without `ignore_changes` sends: the configured tags, and nothing that it does not know. */
const configured = () => ({
  rotator: 'storage-account-key',
  'rotator-target': tenant.azure.account('acct1').id,
  cost: '42',
});

/** Sweeps every few hours until so many hours after a version was made; the value must be accepted throughout. */
async function sweepUntil(since: Version, hours: number, every: number, alwaysAccepted: string): Promise<void> {
  const left = (hoursAfter(since, hours).getTime() - Date.now()) / 3_600_000;
  for (let at = 0; at < left; at += every) {
    await tenant.advance({ minutes: Math.min(every, left - at) * 60 }, { sweepEvery: every });
    expect(accepts(alwaysAccepted)).toBe(true);
  }
}

describe('IAC-01: an apply replaces all tags', () => {
  it('IAC-01: the state comes back, nothing is rotated for it, what the apply set stays, and the old key goes on time', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    const state = tenant.stateOf(current());
    await tenant.advance({ hours: 1 });
    tenant.azure.vault('kv1').retag('st-a', v2.id, configured());
    await sweepUntil(v2, 2, 1, v2.value);
    expect(tenant.stateOf(current())).toEqual(state);
    expect(current().tags).toMatchObject(configured());
    await sweepUntil(v2, 47.9, 4, v2.value);
    expect(accepts(v1.value)).toBe(true);
    expect(tenant.regenerations('acct1')).toBe(1);
    await sweepUntil(v2, 51, 1, v2.value);
    expect(accepts(v1.value)).toBe(false);
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(current().tags).toMatchObject({ cost: '42' });
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it('IAC-01: with an empty table it is drift: one alert "owed since", and the old key lives until the next rotation', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ hours: 1 });
    tenant.azure.vault('kv1').retag('st-a', v2.id, configured());
    await tenant.own.dropRows();
    await sweepUntil(v2, 72, 6, v2.value);
    expect(await tenant.row('st-a')).toMatchObject({ step: 'wait', reason: 'drift' });
    expect(tenant.alerts('st-a')).toMatchObject([{ reason: 'drift', owedSince: hoursAfter(v2, 0).toISOString() }]);
    expect(accepts(v1.value)).toBe(true);
    // Due a turn after it was taken over again, which its expiry is later than (OPS-05).
    await tenant.goTo(hoursAfter(v2, 60 * 24));
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(accepts(v1.value)).toBe(true);
    expect(accepts(v2.value)).toBe(true);
    await tenant.advance({ minutes: 10 });
    await tenant.event('st-a');
    await tenant.settle();
    const v3 = current();
    expect(tenant.versions('st-a')).toHaveLength(3);
    await sweepUntil(v3, 47.9, 8, v3.value);
    expect(accepts(v2.value)).toBe(true);
    await sweepUntil(v3, 51, 1, v3.value);
    expect([accepts(v1.value), accepts(v2.value)]).toEqual([false, false]);
    expect(tenant.alerts('st-a')).toHaveLength(1);
    await tenant.check();
  });
});

describe('IAC-02: a saved plan writes an older state back', () => {
  it('IAC-02: the value says what is live: its key is never regenerated, and the other goes after its own grace', async () => {
    const { v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    const saved = { ...current().tags };
    await sweepUntil(v2, 51, 6, v2.value);
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.event('st-a');
    await tenant.settle();
    const v3 = current();
    expect(tenant.stateOf(v3)).toMatchObject({ cred: 'key1' });
    const made = tenant.regenerations('acct1');
    tenant.azure.vault('kv1').retag('st-a', v3.id, saved);
    expect(tenant.stateOf(current())).toMatchObject({ cred: 'key2', after: /./ });
    await sweepUntil(v3, 47.9, 2, v3.value);
    expect(accepts(v2.value)).toBe(true);
    expect(tenant.regenerations('acct1')).toBe(made);
    expect(tenant.versions('st-a')).toHaveLength(3);
    await sweepUntil(v3, 51, 1, v3.value);
    expect(accepts(v2.value)).toBe(false);
    expect(tenant.regenerations('acct1')).toBe(made + 1);
    expect(tenant.versions('st-a')).toHaveLength(3);
    await tenant.check();
  });
});

describe('IAC-03: the old value comes with the newest tags', () => {
  it('IAC-03: the key whose value is current is not revoked, whatever its tags say', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ hours: 1 });
    const v3 = tenant.azure.vault('kv1').set('st-a', v1.value, { tags: { ...current().tags } });
    await sweepUntil(v2, 49, 4, v1.value);
    await tenant.sweepAndSettle();
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(await tenant.row('st-a')).toMatchObject({ step: 'wait', reason: 'drift' });
    expect(tenant.alerts('st-a').map(({ reason }) => reason)).toEqual(['drift']);
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.event('st-a');
    await tenant.settle();
    const v4 = current();
    expect(slotOf(tenant, 'acct1', v4.value)).toBe('key2');
    expect(v4.id).not.toBe(v3.id);
    await sweepUntil(v4, 47.9, 8, v1.value);
    await sweepUntil(v4, 51, 1, v4.value);
    expect(accepts(v1.value)).toBe(false);
    expect(tenant.alerts('st-a')).toHaveLength(1);
    await tenant.check();
  });
});

describe('IAC-04: nobody knows a value yet', () => {
  /** Sweeps first, so that the index is complete when the placeholder appears. */
  async function placeholder(value = 'keyturn:new', name = 'st-n'): Promise<Version> {
    await tenant.sweepAndSettle();
    const version = tenant.seed(name, { account: 'acct1', value });
    await tenant.sweepAndSettle();
    return version;
  }

  it('IAC-04: a placeholder gets its first credential at once, with nothing owed, proved at the next look', async () => {
    await placeholder();
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.versions('st-n')).toHaveLength(2);
    const made = tenant.current('st-n');
    expect(accepts(made.value)).toBe(true);
    expect(tenant.stateOf(made)).toMatchObject({ cred: 'key2', proved: made.id.slice(0, 8) });
    expect(tenant.stateOf(made)).not.toHaveProperty('after');
    await tenant.advance({ hours: 72 }, { sweepEvery: 12 });
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.versions('st-n')).toHaveLength(2);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it('IAC-04: it takes the slot that no opted-in secret holds', async () => {
    tenant.seed('st-b', { account: 'acct1', slot: 'key2' });
    const held = tenant.azure.account('acct1').key('key2');
    await tenant.sweepAndSettle();
    await placeholder();
    expect(slotOf(tenant, 'acct1', tenant.current('st-n').value)).toBe('key1');
    expect(accepts(held)).toBe(true);
    await tenant.check();
  });

  it('IAC-04: the placeholder is never tried against the target', async () => {
    tenant.azure.outage('storage.blob', { drop: true });
    await placeholder();
    const tried = tenant.azure.calls.filter(({ route }) => route === 'storage.blob');
    const issued = tenant.azure.calls.find(({ route }) => route === 'arm.regenerateKey');
    expect(tried.filter(({ at }) => issued && at < issued.at)).toEqual([]);
  });

  it('IAC-04: in mode observe nothing is written, and the plan names the slot', async () => {
    tenant.configure({ KEYTURN_MODE: 'observe' });
    await placeholder();
    expect(tenant.azure.writes()).toEqual([]);
    expect(await tenant.row('st-n')).toMatchObject({ reason: 'mode-observe', detail: expect.stringContaining('key2') });
  });

  it.each(['Keyturn:New', 'keyturn:new '])(
    'IAC-04: %j is no placeholder but a value that nobody knows',
    async (value) => {
      await placeholder(value);
      expect(await tenant.row('st-n')).toMatchObject({ step: 'refuse', reason: 'unknown-value' });
      expect(tenant.azure.writes()).toEqual([]);
      expect(tenant.alerts('st-n')).toHaveLength(1);
    },
  );

  it('IAC-04: written over a live value, one version comes, and the credential before it has a full grace', async () => {
    const { v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await sweepUntil(v2, 51, 6, v2.value);
    const made = tenant.regenerations('acct1');
    tenant.azure.vault('kv1').set('st-a', 'keyturn:new', { tags: configured() });
    await tenant.sweepAndSettle();
    const v4 = current();
    expect(tenant.versions('st-a')).toHaveLength(4);
    expect(tenant.regenerations('acct1')).toBe(made + 1);
    expect(accepts(v4.value)).toBe(true);
    await sweepUntil(v4, 47.9, 6, v2.value);
    await sweepUntil(v4, 51, 1, v4.value);
    expect(accepts(v2.value)).toBe(false);
    expect(tenant.versions('st-a')).toHaveLength(4);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });
});

describe('IAC-05: a backup comes back', () => {
  /** The name is deleted and purged, and the backup restored, as a person would. */
  async function restoreOver(blob: string): Promise<void> {
    const vault = tenant.azure.vault('kv1');
    vault.delete('st-a');
    await tenant.advance({ minutes: 1 });
    vault.purge('st-a');
    vault.restore(blob);
  }

  it('IAC-05: of a version that Keyturn wrote whose key is gone: healed at once by exactly one more key', async () => {
    const first = await rotated(tenant, 'st-a', { account: 'acct1', slot: 'key2' });
    const v1 = first.v2;
    expect(slotOf(tenant, 'acct1', v1.value)).toBe('key1');
    const blob = tenant.azure.vault('kv1').backup('st-a');
    await sweepUntil(v1, 51, 6, v1.value);
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.event('st-a');
    await tenant.settle();
    const v2 = current();
    await sweepUntil(v2, 60, 6, v2.value);
    expect(accepts(v1.value)).toBe(false);
    const made = tenant.regenerations('acct1');
    await restoreOver(blob);
    expect(current().value).toBe(v1.value);
    await tenant.sweepAndSettle();
    const healed = current();
    expect(tenant.regenerations('acct1')).toBe(made + 1);
    expect(tenant.versions('st-a')).toHaveLength(3);
    expect(accepts(healed.value)).toBe(true);
    await sweepUntil(healed, 60, 6, healed.value);
    expect(tenant.regenerations('acct1')).toBe(made + 1);
    expect(tenant.versions('st-a')).toHaveLength(3);
    expect(await tenant.row('st-a')).toMatchObject({ step: 'wait', reason: 'not-due' });
    expect(tenant.alerts('st-a')).toEqual([]);
    await tenant.check({ noGrace: ['st-a'] });
  });

  it('IAC-05: of a version that a person wrote: refused with the remedy, and nothing is written', async () => {
    const v1 = tenant.seed('st-a', { account: 'acct1' });
    const blob = tenant.azure.vault('kv1').backup('st-a');
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.event('st-a');
    await tenant.settle();
    const v2 = current();
    await sweepUntil(v2, 60, 6, v2.value);
    expect(accepts(v1.value)).toBe(false);
    await restoreOver(blob);
    tenant.azure.calls.length = 0;
    await tenant.sweepAndSettle();
    await tenant.advance({ hours: 3 }, { sweepEvery: 1 });
    expect(tenant.azure.writes()).toEqual([]);
    expect(await tenant.row('st-a')).toMatchObject({ step: 'refuse', reason: 'unknown-value' });
    expect(tenant.alerts('st-a')).toMatchObject([
      { reason: 'unknown-value', remedy: expect.stringContaining('keyturn:new') },
    ]);
    await tenant.check({ broken: ['st-a'], noGrace: ['st-a'] });
  });
});
