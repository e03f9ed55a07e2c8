/** Seeing what has not opted in costs nothing: a fleet of vaults, where hardly anybody has heard of Keyturn. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { watchStorage } from '../../bench/ownStorage.ts';
import { walk } from '../jest/form.ts';
import { startTenant, type Tenant } from './harness.ts';
import { days, inventoryOf, unmanagedWrites } from './inventory.ts';

const VAULTS = walk({ whole: 200, short: 40 });
const EACH = 25;
const OPTED_IN = 40;
const vaults = Array.from({ length: VAULTS }, (_, at) => `fleet-${at}`);

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ vaults: vaults.map((name) => ({ name, emptyPages: 0 })) });
});
afterAll(() => tenant.stop());
const { all, page, stranger, summary } = inventoryOf(() => tenant);

describe('of 5,000 secrets in 200 vaults (in the short form 1,000 in 40), 40 of them opted in', () => {
  it('a newcomer sees all the others, by age and expiry, with no further call to a vault and no write for what stays', async () => {
    await tenant.sweep(); // a vault's first sweep looks for what was left there: not what is measured
    for (const [at, vault] of vaults.entries()) {
      for (let each = 0; each < EACH; each++) {
        const number = at * EACH + each;
        if (number < OPTED_IN) {
          tenant.seed(`opted-${number}`, {
            vault,
            account: `acct${(number % 5) + 1}`,
            tags: { owner: 'orders' },
          });
          continue;
        }
        // A tenth expires in 20 days, a tenth is expired, a half never expires, the rest in 200 days; a fifth is old.
        const expiresOn = [
          days(20),
          days(-3),
          undefined,
          undefined,
          undefined,
          undefined,
          undefined,
        ][number % 10];
        stranger(`left-${number}`, {
          vault,
          tags: { owner: `team-${number % 4}` },
          ageDays: number % 5 === 0 ? 400 : 1,
          ...(number % 10 < 7 ? (expiresOn ? { expiresOn } : {}) : { expiresOn: days(200) }),
        });
      }
    }
    await tenant.sweepAndSettle();
    await tenant.sweepAndSettle(); // those whose look waited for the index

    // What has been seen costs a list, and nothing else: neither a call nor a write.
    tenant.azure.calls.length = 0;
    const storage = watchStorage(tenant.azure.env().AzureWebJobsStorage ?? '');
    await tenant.sweep();
    storage.stop();
    const routes = Map.groupBy(
      tenant.azure.calls.filter(({ route }) => route.startsWith('keyvault.')),
      ({ route }) => route,
    );
    expect([...routes].map(([route, calls]) => [route, calls.length])).toEqual([
      ['keyvault.list', VAULTS],
    ]);
    expect(unmanagedWrites(storage.calls)).toEqual([]);

    const left = VAULTS * EACH - OPTED_IN;
    const found = await summary();
    expect(found).toMatchObject({
      vaults: VAULTS,
      secrets: VAULTS * EACH,
      managed: OPTED_IN,
      unmanaged: left,
    });
    expect(found.states).toContainEqual({ state: 'unmanaged', secrets: left });
    expect(found.byOwner).toContainEqual({ owner: 'orders', managed: OPTED_IN, unmanaged: 0 });
    expect(found.byOwner).toContainEqual({ owner: 'team-1', managed: 0, unmanaged: left / 4 });
    expect(found.ages).toContainEqual({ age: 'over-1y', managed: 0, unmanaged: left / 5 });
    expect(found.ages).toContainEqual({
      age: 'under-30d',
      managed: OPTED_IN,
      unmanaged: (left * 4) / 5,
    });
    const expiries = new Map(found.expiries.map(({ expires, unmanaged }) => [expires, unmanaged]));
    expect(expiries.get('30d')).toBe(left / 10);
    expect(expiries.get('expired')).toBe(left / 10);
    expect(expiries.get('never')).toBe(left / 2);
    expect(expiries.get('later')).toBe((left * 3) / 10);
    expect(found.unwatched).toMatchObject({ expiring: left / 10, expired: left / 10 });
    expect(found.unwatched.first).toHaveLength(20);
    expect(found.byVault).toHaveLength(VAULTS);

    const listed = await all('managed=false');
    expect(new Set(listed.map(({ vault, secret }) => `${vault}/${secret}`)).size).toBe(left);
    expect(listed.every(({ state }) => state === 'unmanaged')).toBe(true);
    expect(await all('managed=true')).toHaveLength(OPTED_IN);
    expect(await all('')).toHaveLength(OPTED_IN);
    expect(await all('managed=false&expires=30d')).toHaveLength(left / 5);
    expect(await all('managed=false&expires=never&olderThan=90d&owner=team-0')).toEqual(
      listed.filter(
        ({ expiresOn, createdOn = '', owner }) =>
          expiresOn === undefined && new Date(createdOn) <= days(-90) && owner === 'team-0',
      ),
    );
    for (const query of ['managed=false', 'state=unmanaged'])
      expect(await all(`${query}&vault=fleet-7`)).toHaveLength(EACH);
    expect((await page('managed=false')).secrets).toHaveLength(100);
  });
});
