/** What is owed of a secret that its owner disabled or deleted: said once, shown for what it is, revoked when it is back. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { walk } from '../jest/form.ts';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo, due, rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ accounts: [{ name: 'acct1' }, { name: 'acct2' }] });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const kv1 = () => tenant.azure.vault('kv1');
const disable = (enabled = false) => kv1().update('st-a', '', { enabled });
const remove = () => kv1().delete('st-a');

async function shown(query = ''): Promise<Record<string, unknown>[]> {
  const { secrets } = (await (await tenant.request(`/api/secrets${query}`)).json()) as {
    secrets: [];
  };
  return secrets;
}

/** Looks that reached the vault. */
const looks = () => callsTo(tenant, 'keyvault.get').length;
const key1 = {
  handle: 'key1',
  isLive: (value: string) => tenant.azure.account('acct1').accepts(value),
};

describe.each<[string, () => void, object]>([
  ['disabled', disable, { state: 'held', owed: ['key1'], last: { reason: 'disabled' } }],
  ['deleted', remove, { state: 'gone', owed: ['key1'], last: { reason: 'gone' } }],
])('a secret that is %s while it owes a credential', (_what, happen, expected) => {
  it('is alerted once with what is owed since when, and shown as what it is, though no event tells of it', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    happen();
    await tenant.advance({ days: 20 }, { sweepEvery: walk({ whole: 12, short: 48 }) });
    const owedSince = new Date(v2.created * 1000).toISOString();
    expect(tenant.alerts('st-a')).toMatchObject([
      { reason: 'still-owed', owed: key1.handle, owedSince, by: 'secret owner' },
    ]);
    expect(key1.isLive(v1.value)).toBe(true);
    expect(await shown()).toMatchObject([expected]);
    await tenant.event('st-a');
    await tenant.settle();
    expect(await shown()).toMatchObject([expected]);
    await tenant.check();
  });

  it('costs one look, not one with every sweep', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    happen();
    await tenant.sweepAndSettle();
    const before = looks();
    await tenant.advance({ days: 20 }, { sweepEvery: walk({ whole: 6, short: 48 }) });
    expect(looks()).toBe(before);
  });

  it('is left alone by a sweep whose list breaks off', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ minutes: 5 });
    const before = looks();
    happen();
    tenant.azure.outage('keyvault.list', { status: 503 });
    await tenant.sweepAndSettle();
    expect(looks()).toBe(before);
    expect(await shown()).toMatchObject([{ state: 'grace' }]);
    tenant.azure.heal();
  });
});

describe('a list that breaks off behind its first page', () => {
  it('says of no name that it is not there', async () => {
    for (let at = 0; at < 30; at++) kv1().set(`a-${at}`, 'a value of a person', {});
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ minutes: 5 });
    const before = looks();
    const host = 'kv1.vault';
    tenant.azure.fault('keyvault.list', [
      { host },
      ...Array.from({ length: 20 }, () => ({ host, status: 503 })),
    ]);
    await tenant.sweepAndSettle();
    expect(tenant.logs('swept').at(-1)).toMatchObject({ unlisted: 'kv1' });
    expect(looks()).toBe(before);
    tenant.azure.heal();
  });
});

describe('a secret that comes back', () => {
  it.each<[string, () => void, () => void]>([
    ['enabled', disable, () => disable(true)],
    ['recovered', remove, () => void kv1().recover('st-a')],
  ])('has what it owes revoked once it is %s', async (_what, go, comeBack) => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    go();
    await tenant.advance({ days: 20 }, { sweepEvery: walk({ whole: 12, short: 48 }) });
    comeBack();
    await tenant.advance({ days: 2 }, { sweepEvery: 12 });
    expect(key1.isLive(v1.value)).toBe(false);
    expect(await shown()).toMatchObject([{ state: 'ok', owed: [] }]);
    expect(await tenant.row('st-a')).not.toHaveProperty('alert');
    expect(tenant.alerts('st-a')).toHaveLength(1);
  });
});

describe('a secret that is gone and owes nothing', () => {
  it('is not alerted, and is neither in the inventory nor among what comes due (KV-03)', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    remove();
    await tenant.sweepAndSettle();
    expect(await shown()).toEqual([]);
    expect(await shown('?due=7d')).toEqual([]);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });

  it('is shown again when somebody recovers it', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    remove();
    await tenant.sweepAndSettle();
    expect(await shown()).toEqual([]);
    await tenant.advance({ minutes: 5 });
    kv1().recover('st-a');
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect(await shown()).toMatchObject([{ secret: 'st-a', state: 'grace', owed: ['key1'] }]);
  });
});

describe('a row', () => {
  it('of a secret that nobody can recover any more is forgotten after 100 days, what it owed too', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    tenant.seed('st-b', { account: 'acct2' });
    remove();
    await tenant.advance({ days: 99 }, { sweepEvery: 24 });
    expect(await shown('?state=gone')).toMatchObject([{ secret: 'st-a' }]);
    // Well behind the hundredth day: which sweep sees it pass is a matter of milliseconds.
    await tenant.advance({ days: 4 }, { sweepEvery: 24 });
    expect(await tenant.row('st-a')).toBeUndefined();
    expect(await shown()).toMatchObject([{ secret: 'st-b' }]);
    expect(tenant.alerts('st-a')).toHaveLength(1);
  });
});
