/** VAL-12: a secret whose expiry never comes, or that has none, is due a turn after it was opted in; nothing is written before. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as clock from '../../local/clock.ts';
import { startTenant, type Tenant } from './harness.ts';

const ACCOUNTS = Array.from({ length: 12 }, (_, at) => `acct${at + 1}`);
let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ accounts: ACCOUNTS.map((name) => ({ name })) });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const DAY_MS = 86_400_000;
const NEVER = new Date('9999-12-31T00:00:00Z');
const HOT = { policy: 'every=60d' };

/** A person's version that has been there for long, and is opted in now. */
async function takenOver(
  name: string,
  account: string,
  expiresOn: Date | undefined,
  policy = HOT.policy,
) {
  const target = tenant.azure.account(account);
  const kv1 = tenant.azure.vault('kv1');
  const { id } = kv1.set(name, target.key('key1'), {
    tags: { owner: 'team' },
    ...(expiresOn ? { expiresOn } : {}),
  });
  clock.advance({ days: 200 });
  const tags = {
    rotator: 'storage-account-key',
    'rotator-target': target.id,
    'rotator-policy': policy,
    owner: 'team',
  };
  kv1.retag(name, id, tags);
  await tenant.sweepAndSettle();
  return clock.now();
}

const shown = async (name: string): Promise<number> => {
  const answer = await tenant.request(`/api/vaults/kv1/secrets/${name}`);
  return Date.parse(((await answer.json()) as { dueOn: string }).dueOn);
};

describe('VAL-12: an expiry that never comes', () => {
  it.each<[string, Date | undefined]>([
    ['in the year 9999', NEVER],
    ['in 2100', new Date('2100-01-01T00:00:00Z')],
    ['past 2038', new Date('2038-01-20T00:00:00Z')],
    ['none', undefined],
  ])(
    'VAL-12: %s: shown in the plan, written to by nobody before, rotated no later than its takeover and a turn',
    async (_, expiresOn) => {
      const on = await takenOver('st-a', 'acct1', expiresOn);
      const due = await shown('st-a');
      expect(due).toBeLessThanOrEqual(on + 60 * DAY_MS);
      expect(due).toBeGreaterThan(on + 59 * DAY_MS);
      const [plan] = (
        (await (await tenant.request('/api/secrets?due=61d')).json()) as { secrets: object[] }
      ).secrets;
      expect(plan).toMatchObject({ secret: 'st-a', dueOn: new Date(due).toISOString() });
      await tenant.goTo(new Date(due - 60_000));
      expect(tenant.azure.writes()).toEqual([]);
      await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
      expect(tenant.versions('st-a')).toHaveLength(2);
      // From now on its dates are Keyturn's.
      expect((tenant.current('st-a').exp ?? 0) * 1000).toBeLessThan(clock.now() + 90 * DAY_MS);
      await tenant.check();
    },
  );

  it('VAL-12: one whose tags were wrong at first has its turn from when it was opted in', async () => {
    const target = tenant.azure.account('acct1');
    const { id, tags = {} } = tenant.seed('st-a', {
      account: 'acct1',
      tags: { 'rotator-policy': 'every=often' },
    });
    await tenant.sweepAndSettle();
    await tenant.goTo(tenant.dueOn('st-a'));
    tenant.azure.vault('kv1').retag('st-a', id, { ...tags, 'rotator-policy': 'every=60d' });
    await tenant.sweepAndSettle();
    expect(tenant.versions('st-a')).toHaveLength(2);
    expect(target.key('key2')).toBe(tenant.current('st-a').value);
    await tenant.check();
  });

  it('VAL-12: a version that has expired before is due at once, and rotated once', async () => {
    await takenOver('st-a', 'acct1', new Date(clock.now() + 100 * DAY_MS));
    await tenant.advance({ hours: 30 }, { sweepEvery: 6 });
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });

  it('VAL-12: a fleet that one apply opted in is braked: it goes hour by hour, those of its window within the window', async () => {
    const names = ACCOUNTS.map((account) => `st-${account}`);
    const policy = 'every=60d;window=Mon-Sun 08:00-16:00 UTC';
    for (const account of ACCOUNTS)
      tenant.seed(`st-${account}`, { account, expiresOn: NEVER, policy });
    const on = clock.now();
    await tenant.sweepAndSettle();
    for (const each of await Promise.all(names.map(shown)))
      expect(each).toBeLessThanOrEqual(on + 60 * DAY_MS + 90_000);
    await tenant.goTo(new Date(on + 60 * DAY_MS - 60_000));
    expect(tenant.azure.writes()).toEqual([]);
    await tenant.advance({ hours: 30 }, { sweepEvery: 0.5 });
    expect(names.map((name) => tenant.versions(name).length)).toEqual(names.map(() => 2));
    const stored = names.map((name) => tenant.current(name).created);
    for (const from of stored)
      expect(stored.filter((each) => each >= from && each < from + 3500).length).toBeLessThan(12);
    const hours = stored.map((seconds) => new Date(seconds * 1000).getUTCHours());
    expect(hours.filter((hour) => hour < 8 || hour >= 16)).toEqual([]);
    expect(tenant.alerts()).toEqual([]);
    await tenant.check();
  });
});
