/** A vault that this instance has served and no longer does: one alert with what is owed there, and it stays to be seen (ATK-06). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SecretsBody } from '../../src/api/secretBody.ts';
import { walk } from '../jest/form.ts';
import { startTenant, type Tenant } from './harness.ts';
import { rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ accounts: [{ name: 'acct1' }, { name: 'acct2' }] });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const tagVault = (tags: Record<string, string>) => {
  tenant.azure.vault('kv1').tags = tags;
};
const listed = async () =>
  SecretsBody.parse(await (await tenant.request('/api/secrets')).json()).secrets;
const isLive = (value: string) => tenant.azure.account('acct1').accepts(value);
const told = () => tenant.alerts().map(({ vault, reason }) => `${vault} ${reason}`);

describe('a listed vault whose tag names another instance', () => {
  it.each<[string, () => void]>([
    ['another one', () => tagVault({ keyturn: 'other' })],
    ['junk', () => tagVault({ keyturn: '<img src=x>\u202e' })],
    ['nothing at all', () => tagVault({ keyturn: '' })],
    ['another one, in a tag with capitals', () => tagVault({ KEYTURN: 'other' })],
    ['the name that this one had before', () => tenant.configure({ KEYTURN_INSTANCE: 'renamed' })],
  ])(
    'ATK-06: %s, in the grace: one alert with what is owed, which stays in the inventory',
    async (what, change) => {
      if (what.includes('before')) tagVault({ keyturn: 'keyturn' });
      const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
      tenant.seed('st-c', { account: 'acct2' });
      await tenant.advance({ hours: 6 }, { sweepEvery: 1 });
      change();
      await tenant.advance({ days: 40 }, { sweepEvery: walk({ whole: 12, short: 96 }) });
      expect(told()).toEqual(['kv1 other-instance']);
      expect(tenant.alerts()).toMatchObject([
        {
          by: 'operator',
          owed: 'st-a: key1',
          owedSince: new Date(v2.created * 1000).toISOString(),
        },
      ]);
      expect(await listed()).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            secret: 'st-a',
            state: 'not-served',
            owed: ['key1'],
            revokeAfter: expect.any(String),
          }),
        ]),
      );
      expect(isLive(v1.value)).toBe(true);
      await tenant.check();
    },
  );

  it('ATK-06: with nothing owed it is told, too: nobody rotates there any more', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.sweepAndSettle();
    tagVault({ keyturn: 'other' });
    await tenant.advance({ days: 3 }, { sweepEvery: 6 });
    expect(told()).toEqual(['kv1 other-instance']);
    expect(tenant.alerts()[0]).not.toHaveProperty('owed');
  });

  it('ATK-06: named back it works off what is owed; handed over once more it is a new cause', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    tagVault({ keyturn: 'other' });
    await tenant.advance({ days: 4 }, { sweepEvery: 12 });
    tagVault({ keyturn: ' KeyTurn ' });
    await tenant.advance({ days: 2 }, { sweepEvery: 6 });
    expect(isLive(v1.value)).toBe(false);
    expect(await listed()).toMatchObject([{ secret: 'st-a', state: 'ok', owed: [] }]);
    tagVault({ keyturn: 'other' });
    await tenant.advance({ days: 2 }, { sweepEvery: 6 });
    expect(told()).toEqual(['kv1 other-instance', 'kv1 other-instance']);
  });

  it('ATK-06: one that another instance has always served is no cause', async () => {
    tagVault({ keyturn: 'other' });
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.advance({ days: 3 }, { sweepEvery: 6 });
    expect(told()).toEqual([]);
    expect(await listed()).toEqual([]);
  });
});

describe('a vault that the settings no longer list', () => {
  it('ATK-06: is one alert with what is owed there; with nothing owed it is none', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    tenant.seed('st-b', { account: 'acct2', vault: 'kv2' });
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    const ids = tenant.azure.env().KEYTURN_VAULTS ?? '';
    const only = (name: string) =>
      ids
        .split(',')
        .filter((id) => id.trim().toLowerCase().endsWith(`/${name}`))
        .join(',');
    tenant.configure({ KEYTURN_VAULTS: only('kv2') });
    await tenant.advance({ days: 5 }, { sweepEvery: 12 });
    expect(tenant.alerts()).toMatchObject([
      { vault: 'kv1', reason: 'not-allowed', owed: 'st-a: key1', by: 'operator' },
    ]);
    tenant.configure({ KEYTURN_VAULTS: only('kv1') });
    await tenant.advance({ days: 1 }, { sweepEvery: 6 });
    expect(tenant.alerts()).toHaveLength(1);
  });

  it('is forgotten 100 days after its last list, but what is owed there', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    tenant.seed('st-b', { account: 'acct2' });
    tenant.azure.vault('kv1').set('smtp', 'made by a person', {});
    tenant.azure.vault('kv2').set('smtp', 'made by a person', {});
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    const kv2 = tenant.azure
      .env()
      .KEYTURN_VAULTS?.split(',')
      .filter((id) => id.trim().endsWith('/kv2'));
    tenant.configure({ KEYTURN_VAULTS: kv2?.join() ?? '' });
    const rowsOf = async (vault: string) =>
      (await tenant.rows())
        .filter(
          ({ partition, json }) => /^(secrets|unmanaged)-/.test(partition) && json.vault === vault,
        )
        .map(({ json }) => json.name)
        .sort();
    const sharers = async () =>
      (await tenant.rows()).filter(({ partition }) => partition.startsWith('target-')).length;
    const before = await sharers();
    await tenant.advance({ days: 99 }, { sweepEvery: 33 * 24 });
    expect(await rowsOf('kv1')).toEqual(['smtp', 'st-a', 'st-b']);
    await tenant.advance({ days: 2 }, { sweepEvery: 24 });
    expect([await rowsOf('kv1'), await rowsOf('kv2'), await sharers()]).toEqual([
      ['st-a'],
      ['smtp'],
      before,
    ]);
  });
});
