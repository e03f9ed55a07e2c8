/** Who may say how often and how long: bounds of the operator, and what the tag of a vault may not do (ATK-06, OPS-05). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SecretDetailBody } from '../../src/api/secretBody.ts';
import { startTenant, type Tenant } from './harness.ts';
import { rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ accounts: [{ name: 'acct1' }] });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const tagVault = (tags: Record<string, string>) => {
  tenant.azure.vault('kv1').tags = tags;
};
const shown = async () =>
  SecretDetailBody.parse(await (await tenant.request('/api/vaults/kv1/secrets/st-a')).json());
const isLive = (value: string) => tenant.azure.account('acct1').accepts(value);

describe('the tag keyturn-policy of a vault', () => {
  it.each(['every=60d;grace=0h', 'grace=1h', 'Grace=0d;window=Mon-Sun 00:00-24:00 UTC'])(
    'ATK-06: kills no old key before the grace of the settings, whoever wrote %s',
    async (policy) => {
      tagVault({ 'keyturn-policy': policy });
      const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
      expect((await shown()).notes).toEqual([
        expect.stringContaining('of the tag keyturn-policy of the vault counts as 2d'),
      ]);
      await tenant.advance({ hours: 46 }, { sweepEvery: 6 });
      expect(isLive(v1.value)).toBe(true);
      await tenant.advance({ hours: 4 }, { sweepEvery: 1 });
      expect(isLive(v1.value)).toBe(false);
      await tenant.check();
    },
  );

  it('ATK-06: lengthens the grace', async () => {
    tagVault({ 'keyturn-policy': 'grace=5d' });
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ days: 4 }, { sweepEvery: 12 });
    expect(isLive(v1.value)).toBe(true);
    await tenant.advance({ hours: 30 }, { sweepEvery: 6 });
    expect(isLive(v1.value)).toBe(false);
    await tenant.check();
  });

  it('ATK-06: does not turn a rotation in 60 days into one an hour: an every within the grace is refused, and named', async () => {
    tagVault({ 'keyturn-policy': 'every=1h;grace=0h' });
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.sweepAndSettle();
    await tenant.advance({ days: 3 }, { sweepEvery: 12 });
    expect(tenant.versions('st-a')).toHaveLength(1);
    expect(tenant.alerts('st-a')).toMatchObject([
      {
        reason: 'bad-tags',
        detail: expect.stringMatching(
          /grace \(48 h\).*every \(1 h\) of the tag keyturn-policy of the vault/,
        ),
      },
    ]);
    await tenant.check();
  });

  it("ATK-06: a pause of the vault is no purpose of the secret's owner: what is overdue for it is told", async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    tagVault({ 'keyturn-policy': 'paused=true' });
    await tenant.advance({ days: 5 }, { sweepEvery: 12 });
    expect(isLive(v1.value)).toBe(true);
    expect(tenant.alerts('st-a')).toMatchObject([{ reason: 'overdue', owed: 'key1' }]);
    await tenant.check();
  });

  it('ATK-06: lifts no pause of the operator', async () => {
    tenant.configure({ KEYTURN_POLICY: 'every=60d;paused=true' });
    tagVault({ 'keyturn-policy': 'paused=false' });
    tenant.seed('st-a', { account: 'acct1' });
    await tenant.goTo(tenant.dueOn('st-a'));
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a')).toHaveLength(1);
    expect(await shown()).toMatchObject({ last: { reason: 'paused' } });
  });
});

describe('the longest every', () => {
  it('OPS-05: bounds the tag of a secret: rotated after 90 days, and the inventory and the log say why', async () => {
    tenant.seed('st-a', { account: 'acct1', policy: 'every=3650d' });
    await tenant.goTo(tenant.dueOn('st-a', { days: 90 }));
    expect(await shown()).toMatchObject({
      notes: ['every=3650d of the tag rotator-policy counts as 90d (KEYTURN_EVERY_MAX).'],
    });
    expect(tenant.logs('decided').at(-1)).toMatchObject({
      notes: expect.stringContaining('KEYTURN_EVERY_MAX'),
    });
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });

  it("OPS-05: is the operator's to set", async () => {
    tenant.configure({ KEYTURN_EVERY_MAX: '30d' });
    tenant.seed('st-a', { account: 'acct1', policy: 'every=60d' });
    await tenant.goTo(tenant.dueOn('st-a', { days: 30 }));
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });
});
