/** Alerts of many secrets: one for each vault and reason at once, the others counted and told by the next sweep. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { namesIn, startTenant, type Tenant } from './harness.ts';
import { rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    accounts: [{ name: 'acct1' }, { name: 'acct2' }, { name: 'silent', consent: 'somebody else' }],
  });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const refused = (names: readonly string[], vault = 'kv1') => {
  for (const name of names) tenant.seed(name, { vault, account: 'silent' });
};
const told = () => tenant.alerts().map((alert) => [alert.vault, alert.reason, alert.count ?? 1]);

describe('secrets of one vault with one reason', () => {
  it('are one alert at once and one more with the next sweep, that counts them and names ten', async () => {
    const names = Array.from({ length: 13 }, (_, at) => `st-${at}`);
    refused(names);
    await tenant.sweepAndSettle();
    expect(told()).toEqual([['kv1', 'no-consent', 1]]);
    await tenant.sweepAndSettle();
    expect(told()).toEqual([
      ['kv1', 'no-consent', 1],
      ['kv1', 'no-consent', 12],
    ]);
    const [single, grouped] = tenant.alerts();
    expect(namesIn(grouped as NonNullable<typeof grouped>)).toHaveLength(10);
    // The others can be counted, and it is said where they are.
    expect(String(grouped?.details).split('\n').at(-1)).toBe(
      'And 2 more: GET /api/secrets?vault=kv1 lists each with its reason, no-consent.',
    );
    // The remedy names the secret: of several, each has its own.
    expect(single?.remedy).toContain('`keyturn storage-account-key: kv1/');
    expect(grouped).toMatchObject({
      by: single?.by,
      remedy: expect.stringContaining('stands in `details`'),
    });
    await tenant.sweepAndSettle();
    expect(told()).toHaveLength(2);
    // Each one is shown with its reason, whoever was named.
    const shown = await (await tenant.request('/api/secrets?state=refused')).json();
    expect(JSON.stringify(shown).match(/"no-consent"/g)).toHaveLength(13);
    await tenant.check();
  });

  it('are counted in the table: another worker tells of what this one saw', async () => {
    refused(['st-a', 'st-b']);
    await tenant.sweepAndSettle();
    tenant.configure();
    refused(['st-c']);
    await tenant.event('st-c');
    await tenant.settle();
    expect(told()).toHaveLength(1);
    tenant.configure();
    await tenant.sweepAndSettle();
    expect(told()).toEqual([
      ['kv1', 'no-consent', 1],
      ['kv1', 'no-consent', 2],
    ]);
  });

  it('swallow no other reason and no other vault', async () => {
    refused(['st-a', 'st-b']);
    refused(['st-c'], 'kv2');
    tenant.seed('st-d', { account: 'acct1', policy: 'evry=60d' });
    await tenant.sweepAndSettle();
    expect(told().sort()).toEqual([
      ['kv1', 'bad-tags', 1],
      ['kv1', 'no-consent', 1],
      ['kv2', 'no-consent', 1],
    ]);
  });

  it('are alerted at once again when the hour is over', async () => {
    refused(['st-a', 'st-b']);
    await tenant.sweepAndSettle();
    await tenant.advance({ hours: 1 });
    await tenant.sweepAndSettle();
    refused(['st-c']);
    await tenant.event('st-c');
    await tenant.settle();
    expect(tenant.alerts('st-c')).toMatchObject([{ name: 'st-c', reason: 'no-consent' }]);
  });

  it('say since when something is owed that cannot be closed, also in the one that counts', async () => {
    await rotated(tenant, 'st-a', { account: 'acct1' });
    const since = new Date(tenant.current('st-a').created * 1000).toISOString();
    refused(['st-b']);
    await tenant.sweepAndSettle();
    for (const grant of tenant.azure.world.roles.all)
      if (/acct1$/i.test(grant.scope)) grant.description = 'none';
    await tenant.event('st-a');
    await tenant.settle();
    await tenant.sweepAndSettle();
    expect(tenant.alerts('st-a')).toMatchObject([
      { reason: 'no-consent', count: 1, owedSince: since },
    ]);
  });
});
