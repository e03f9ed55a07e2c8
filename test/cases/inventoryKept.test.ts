/** What the inventory shows of a secret stays while a look does not get as far as the vault or the target. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ accounts: [{ name: 'acct1' }] });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

interface Item {
  secret: string;
  state: string;
  owed: string[];
  [member: string]: unknown;
}

async function shown(query = ''): Promise<Item[]> {
  const { secrets } = (await (await tenant.request(`/api/secrets${query}`)).json()) as {
    secrets: Item[];
  };
  return secrets;
}

async function lookedAt(): Promise<Item | undefined> {
  await tenant.event('st-a');
  await tenant.settle();
  return (await shown())[0];
}

const withdraw = () => {
  for (const grant of tenant.azure.world.roles.all)
    if (/acct1$/i.test(grant.scope)) grant.description = 'none';
};
const TAGS = { tags: { owner: 'shop' } };
/** All but what every look changes. */
const picture = ({ state: _, last: __, lookedOn, nextLookOn, ...kept }: Item) => kept;

describe('a credential that is owed', () => {
  it.each<[string, () => void, string]>([
    ['the consent is withdrawn', withdraw, 'no-consent'],
    [
      'the target does not answer',
      () => tenant.azure.outage('arm.listKeys', { status: 503 }),
      'target-busy',
    ],
    [
      'the vault does not answer',
      () => tenant.azure.outage('keyvault.get', { status: 503 }),
      'vault-busy',
    ],
    [
      'the firewall of the vault lets nobody in',
      () => tenant.azure.outage('keyvault.get', { status: 403 }),
      'vault-firewall',
    ],
  ])('is shown with its time and all else that is known when %s', async (_what, happen, reason) => {
    await rotated(tenant, 'st-a', { account: 'acct1', ...TAGS });
    const [before] = await shown();
    expect(before).toMatchObject({
      state: 'grace',
      owed: ['key1'],
      owner: 'shop',
      rotator: 'storage-account-key',
    });
    await tenant.advance({ minutes: 2 });
    happen();
    const after = await lookedAt();
    expect(after).toMatchObject({ last: { reason } });
    expect(picture(after as Item)).toEqual(picture(before as Item));
    tenant.azure.heal();
  });

  it('is named with its age by an alert of a look that saw nothing', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    const owedSince = new Date(tenant.current('st-a').created * 1000).toISOString();
    await tenant.advance({ minutes: 2 });
    tenant.azure.outage('keyvault.get', { status: 503 });
    await lookedAt();
    tenant.azure.heal();
    tenant.azure.outage('keyvault.get', { status: 403 });
    await lookedAt();
    expect(tenant.alerts('st-a')).toMatchObject([
      { reason: 'vault-firewall', owed: 'key1', owedSince },
    ]);
    tenant.azure.heal();
  });

  it('is no longer shown when the next look has seen it gone', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ minutes: 2 });
    tenant.azure.outage('arm.listKeys', { status: 503 });
    await lookedAt();
    tenant.azure.heal();
    await tenant.advance({ days: 4 }, { sweepEvery: 12 });
    expect(await shown()).toMatchObject([{ state: 'ok', owed: [] }]);
    expect((await shown())[0]).not.toHaveProperty('revokeAfter');
    await tenant.check();
  });
});

describe('a secret that is due', () => {
  it('stays among those that come due when the consent for it is withdrawn', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ days: 56 }, { sweepEvery: 24 });
    const [before] = await shown('?due=7d');
    expect(before).toMatchObject({ secret: 'st-a', state: 'ok' });
    withdraw();
    await lookedAt();
    expect(await shown('?due=7d')).toMatchObject([
      { secret: 'st-a', state: 'refused', dueOn: before?.dueOn },
    ]);
  });
});

describe('an opt-in that is lost', () => {
  it('is alerted with what is owed and since when, also where the sweep finds it (KV-01)', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    const owedSince = new Date(tenant.current('st-a').created * 1000).toISOString();
    await tenant.advance({ minutes: 2 });
    tenant.azure.vault('kv1').set('st-a', tenant.current('st-a').value, {});
    await tenant.sweepAndSettle();
    expect(tenant.alerts('st-a')).toMatchObject([
      { reason: 'opt-in-lost', owed: 'key1', owedSince },
    ]);
    await lookedAt();
    // What is owed is worked off before the secret is left alone (OPS-05).
    expect(await shown()).toMatchObject([{ state: 'leaving', owed: ['key1'] }]);
    await tenant.advance({ days: 3 }, { sweepEvery: 12 });
    expect(await shown()).toMatchObject([{ state: 'opt-in-lost', owed: [] }]);
    expect(tenant.alerts('st-a')).toHaveLength(1);
  });
});
