/** What goes wrong after a rotation has begun, or while a request is open: bounded tries, no lost request, no late lock-out. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Refusal } from '../../local/azure/exchange.ts';
import { kv } from '../../local/azure/keyVaultErrors.ts';
import { startTenant, type Tenant } from './harness.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const key = (slot: 'key1' | 'key2') => tenant.azure.account('acct1').key(slot);

async function due(name = 'st-a'): Promise<string> {
  const { id } = tenant.seed(name, { account: 'acct1' });
  await tenant.goTo(tenant.dueOn(name));
  return id;
}
async function look(name: string, version?: string): Promise<void> {
  await tenant.event(name, version === undefined ? {} : { version });
  await tenant.settle();
}
/** The vault refuses every new version with this inner code until `heal`. */
function refusePuts(innerCode: string): { heal(): void } {
  const vault = tenant.azure.vault('kv1');
  const put = vault.put.bind(vault);
  vault.put = () => {
    throw new Refusal(kv(403, 'Forbidden', 'Refused.', innerCode));
  };
  return { heal: () => Object.assign(vault, { put }) };
}
const idOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { id: string }).id;
const operation = async (id: string) => (await tenant.request(`/api/operations/${id}`)).json();

describe('a rotation that has begun', () => {
  it('UA-6: a vault that takes tags and no version gets five tries, not one with every sweep', async () => {
    await due();
    const old = key('key1');
    const { heal } = refusePuts('ForbiddenByRbac');
    await look('st-a');
    await tenant.advance({ hours: 30 }, { sweepEvery: 1 });
    expect(tenant.regenerations('acct1')).toBeLessThanOrEqual(10); // five new keys, each taken away again
    expect(key('key1')).toBe(old);
    expect(await (await tenant.request('/api/vaults/kv1/secrets/st-a')).json()).toMatchObject({
      state: 'failed',
      lastFailure: { reason: 'vault-forbidden' },
    });
    heal();
    await tenant.rotate('st-a');
    await tenant.settle();
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });

  it('KV-06: a person who knows that the vault takes it now gets the rotation that a refusal once stopped', async () => {
    await due();
    const { heal } = refusePuts('ForbiddenByPolicy');
    await look('st-a');
    heal();
    await tenant.advance({ hours: 30 }, { sweepEvery: 1 });
    expect(tenant.versions('st-a')).toHaveLength(1); // nobody asks the vault again by himself
    const id = await idOf(await tenant.rotate('st-a'));
    await tenant.settle();
    expect(await operation(id)).toMatchObject({ phase: 'proved' });
    await tenant.check();
  });

  it('SDK-01: a revocation that was lost on the way settles, also when the list cannot be read after it', async () => {
    await due();
    await look('st-a');
    await tenant.advance({ hours: 47 }, { sweepEvery: 1 });
    await tenant.advance({ hours: 2 });
    const account = tenant.azure.account('acct1');
    const regenerate = account.regenerate.bind(account);
    account.regenerate = (slot) => {
      tenant.azure.outage('arm.listKeys', { status: 403 });
      return regenerate(slot);
    };
    tenant.azure.fault('arm.regenerateKey', [{ commit: true, drop: true }]);
    await look('st-a');
    account.regenerate = regenerate;
    expect(await tenant.row('st-a')).toMatchObject({
      reason: 'settling',
      settlingUntil: expect.any(String),
    });
  });
});

describe('a request that is open', () => {
  it('EG-05: is not ended by a late event about an older version', async () => {
    const older = await due();
    await look('st-a');
    await tenant.advance({ hours: 50 }, { sweepEvery: 1 });
    tenant.azure.outage('arm.listKeys', { status: 503 });
    const id = await idOf(await tenant.rotate('st-a', { override: ['too-soon'] }));
    await tenant.settle();
    await look('st-a', older);
    expect(await operation(id)).toMatchObject({ phase: 'accepted' });
    tenant.azure.heal();
    await tenant.advance({ hours: 2 }, { sweepEvery: 1 });
    expect(await operation(id)).toMatchObject({ phase: 'proved' });
    expect(tenant.versions('st-a')).toHaveLength(3);
    await tenant.check();
  });

  it('uses up nothing of KEYTURN_RATE: what is due beside it is rotated', async () => {
    tenant.configure({ KEYTURN_RATE: '1/1' });
    tenant.seed('st-b', { account: 'acct2' });
    await due();
    await tenant.rotate('st-a');
    await tenant.settle();
    await look('st-b');
    expect([tenant.versions('st-a').length, tenant.versions('st-b').length]).toEqual([2, 2]);
    await tenant.check();
  });
});
