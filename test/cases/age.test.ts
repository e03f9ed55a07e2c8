/** The age that counts is the credential's own: whoever writes a value again makes it no younger (OPS-05). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Version } from '../../local/azure/vault.ts';
import { SecretDetailBody } from '../../src/api/secretBody.ts';
import { walk } from '../jest/form.ts';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo, due, rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ accounts: [{ name: 'acct1' }] });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const DAY = 86_400_000;
const detail = async () =>
  SecretDetailBody.parse(await (await tenant.request('/api/vaults/kv1/secrets/st-a')).json());
const made = ({ created }: Version): string => new Date(created * 1000).toISOString();
const days = (from: Version, count: number): string =>
  new Date(created(from) + count * DAY).toISOString();
const created = ({ created: seconds }: Version): number => seconds * 1000;
const ownersTags = ({ tags = {} }: Version) =>
  Object.fromEntries(Object.entries(tags).filter(([name]) => name !== 'rotator-state'));
/** An apply that knows nothing of Keyturn: the same value as a new version, with the owner's tags and perhaps an expiry. */
const apply = (value: string, of: Version, expiresOn?: Date): Version =>
  tenant.azure
    .vault('kv1')
    .set('st-a', value, { tags: ownersTags(of), ...(expiresOn ? { expiresOn } : {}) });
const lookedAt = async () => {
  await tenant.event('st-a');
  await tenant.settle();
};

describe('the age of a credential', () => {
  it('OPS-05: is told by inventory and log, of one that Keyturn issued and of one that it took over', async () => {
    const v1 = await due(tenant, 'st-a', { account: 'acct1' });
    expect(await detail()).toMatchObject({ credentialSince: made(v1), createdOn: made(v1) });
    expect(tenant.logs('decided').at(-1)).toMatchObject({ credentialSince: made(v1), ageDays: 58 });
    await lookedAt();
    const v2 = tenant.current('st-a');
    expect(await detail()).toMatchObject({ version: v2.id, credentialSince: made(v2) });
    await tenant.check();
  });

  it('OPS-05: is not made younger by an apply that writes the value of the owner again, nor is its rotation put off', async () => {
    const v1 = tenant.seed('st-a', { account: 'acct1' });
    await tenant.sweepAndSettle();
    for (const day of [20, 40, 55]) {
      await tenant.advance({ seconds: Math.max(0, created(v1) + day * DAY - Date.now()) / 1000 });
      const again = apply(v1.value, v1, new Date(Date.now() + 365 * DAY));
      await tenant.sweepAndSettle();
      expect(await detail()).toMatchObject({
        version: again.id,
        credentialSince: made(v1),
        dueOn: days(v1, 60),
      });
    }
    await tenant.goTo(new Date(created(v1) + 60 * DAY + 60_000));
    await tenant.sweepAndSettle();
    expect(tenant.regenerations('acct1')).toBe(1);
    await tenant.check();
  });

  it('OPS-05: a version a day with the same value does not keep it from being rotated', async () => {
    const v1 = tenant.seed('st-a', { account: 'acct1' });
    await tenant.sweepAndSettle();
    await tenant.goTo(new Date(created(v1) + 57 * DAY));
    for (let day = 57; day < 61; day++) {
      if (tenant.regenerations('acct1') === 0) apply(v1.value, v1);
      await tenant.advance({ hours: 24 }, { sweepEvery: 8 });
    }
    expect(tenant.regenerations('acct1')).toBe(1);
  });

  it('OPS-05: of a value that Keyturn issued stays what it is when an apply writes it as its own', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ days: 30 }, { sweepEvery: walk({ whole: 24, short: 144 }) });
    const v3 = apply(v2.value, v1);
    await lookedAt();
    expect(await detail()).toMatchObject({
      version: v3.id,
      credentialSince: made(v2),
      dueOn: days(v2, 60),
    });
  });

  it('OPS-05: an undo brings an old credential back with its age', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ hours: 20 }, { sweepEvery: 5 });
    apply(v1.value, v1);
    await lookedAt();
    // A turn of its own after 60 days in use would make it 120: it ends with the longest turn, 90 days after it began.
    expect(await detail()).toMatchObject({
      credentialSince: made(v1),
      dueOn: days(v1, 90),
      last: { reason: 'drift' },
    });
    apply(v2.value, v1);
    await lookedAt();
    expect(await detail()).toMatchObject({ credentialSince: made(v2) });
  });

  it('OPS-05: is known without the table, from the versions, whose values are read once', async () => {
    const v1 = tenant.seed('st-a', { account: 'acct1' });
    await tenant.sweepAndSettle();
    for (let turn = 0; turn < 3; turn++) {
      await tenant.advance({ days: 5 });
      apply(v1.value, v1);
    }
    await tenant.own.clear();
    await tenant.sweepAndSettle();
    expect(await detail()).toMatchObject({ credentialSince: made(v1), dueOn: days(v1, 60) });
    const reads = () =>
      callsTo(tenant, 'keyvault.getVersion').length + callsTo(tenant, 'keyvault.get').length;
    const before = reads();
    await lookedAt();
    expect(reads() - before).toBeLessThanOrEqual(1);
  });

  it('OPS-05: begins anew with a new value of a person', async () => {
    const v1 = tenant.seed('st-a', { account: 'acct1' });
    await tenant.sweepAndSettle();
    await tenant.advance({ days: 50 }, { sweepEvery: walk({ whole: 24, short: 240 }) });
    tenant.azure.account('acct1').regenerate('key1');
    const v2 = apply(
      tenant.azure.account('acct1').key('key1'),
      v1,
      new Date(Date.now() + 400 * DAY),
    );
    await lookedAt();
    expect(await detail()).toMatchObject({ credentialSince: made(v2), dueOn: days(v2, 60) });
  });
});

describe('a secret with a far expiry', () => {
  it('OPS-05: is rotated a turn after it was taken over, not in the last month of its years', async () => {
    const v1 = tenant.seed('st-a', {
      account: 'acct1',
      expiresOn: new Date(Date.now() + 700 * DAY),
    });
    await tenant.sweepAndSettle();
    expect(await detail()).toMatchObject({ dueOn: days(v1, 60) });
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });

  it('OPS-05: that was there long before has its turn from the opt-in on', async () => {
    const old = tenant.azure.vault('kv1').set('st-a', tenant.azure.account('acct1').key('key1'), {
      tags: {},
      expiresOn: new Date(Date.now() + 700 * DAY),
    });
    await tenant.advance({ days: 200 });
    tenant.azure.vault('kv1').retag('st-a', old.id, {
      rotator: 'storage-account-key',
      'rotator-target': tenant.azure.account('acct1').id,
    });
    const optedIn = Date.now();
    await tenant.sweepAndSettle();
    const { dueOn, credentialSince } = await detail();
    expect(credentialSince).toBe(made(old));
    expect(Math.abs(Date.parse(dueOn ?? '') - (optedIn + 60 * DAY))).toBeLessThan(5 * 60_000);
    await tenant.advance({ days: 20 }, { sweepEvery: 24 });
    expect((await detail()).dueOn).toBe(dueOn);
    expect(tenant.versions('st-a')).toHaveLength(1);
  });
});
