/** Vaults whose secrets carry the tags of Microsoft's two-key rotation sample (design section 2; azure-facts 4.2). */
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ env: { KEYTURN_SAMPLE_TAGS: 'KV1' } });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

/** As the sample's own script tags a secret: what is in it is told by `CredentialId`, here wrongly. */
function sample(vault = 'kv1', over: Record<string, string> = {}): Record<string, string> {
  const account = tenant.azure.account('acct1');
  const tags = {
    CredentialId: 'key2',
    ProviderAddress: account.id,
    ValidityPeriodDays: '90',
    ...over,
  };
  tenant.azure.vault(vault).set('st-a', account.key('key1'), { tags });
  return tags;
}

it('is rotated by its own period, its tags stay the sample’s, and the value says which key it is', async () => {
  const tags = sample();
  await tenant.goTo(tenant.dueOn('st-a', { days: 89 }));
  await tenant.sweepAndSettle();
  expect(tenant.versions('st-a')).toHaveLength(1);
  await tenant.goTo(tenant.dueOn('st-a', { days: 90 }));
  await tenant.sweepAndSettle();
  const current = tenant.current('st-a');
  expect(tenant.versions('st-a')).toHaveLength(2);
  expect(current.value).toBe(tenant.azure.account('acct1').key('key2'));
  const { 'rotator-state': state, ...rest } = current.tags ?? {};
  expect(rest).toEqual(tags);
  expect(state).toContain('cred=key2');

  await tenant.advance({ hours: 60 }, { sweepEvery: 6 });
  expect(tenant.regenerations('acct1')).toBe(2); // issued, and the old one revoked
  await tenant.goTo(tenant.dueOn('st-a', { days: 90 }));
  await tenant.sweepAndSettle();
  expect(tenant.versions('st-a')).toHaveLength(3);
  await tenant.check();
});

it('is not touched in a vault that the settings do not name: nobody sees it there', async () => {
  sample('kv2');
  await tenant.goTo(tenant.dueOn('st-a', { vault: 'kv2', days: 100 }));
  await tenant.event('st-a', { vault: 'kv2' });
  await tenant.sweepAndSettle();
  expect(tenant.azure.writes()).toEqual([]);
  expect((await tenant.request('/api/vaults/kv2/secrets/st-a')).status).toBe(404);
  expect((await tenant.rotate('st-a', {}, { vault: 'kv2' })).status).toBe(404);
});

it('is shown, and rotated on request, like any other', async () => {
  sample();
  await tenant.sweepAndSettle();
  const shown = await tenant.request('/api/vaults/kv1/secrets/st-a');
  expect(await shown.json()).toMatchObject({ state: 'ok', rotator: 'storage-account-key' });
  const asked = await tenant.rotate('st-a', { override: ['too-soon'] });
  expect(asked.status).toBe(202);
  await tenant.settle();
  expect(tenant.versions('st-a')).toHaveLength(2);
});

it('is refused, naming the tag, where its period makes no sense; nothing is changed', async () => {
  sample('kv1', { ValidityPeriodDays: '1' });
  await tenant.sweepAndSettle();
  expect(await tenant.row('st-a')).toMatchObject({ step: 'refuse', reason: 'bad-tags' });
  expect(tenant.alerts('st-a')).toHaveLength(1);
  expect(tenant.azure.writes()).toEqual([]);
});

it('is alerted as lost when the settings no longer name its vault', async () => {
  sample();
  await tenant.sweepAndSettle();
  tenant.configure({ KEYTURN_SAMPLE_TAGS: '' });
  await tenant.sweepAndSettle();
  expect(tenant.alerts('st-a')).toMatchObject([{ reason: 'opt-in-lost' }]);
});
