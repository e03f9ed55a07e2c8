/** Cases FN-03, FN-04 and DP-05: what readiness tells whoever deploys Keyturn. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ReadinessBody } from '../../src/api/readinessBody.ts';
import { startTenant, type Tenant } from './harness.ts';

const RIGHT = 'Application.ReadWrite.OwnedBy';
let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ env: { KEYTURN_ROTATORS: 'app-registration,storage-account-key' } });
});
beforeEach(async () => {
  await tenant.clear();
  await tenant.advance({ days: 2 }); // no token of an earlier test is any good
  tenant.azure.world.identity.graphRoles = [RIGHT];
});
afterAll(() => tenant.stop());

async function readiness() {
  const response = await tenant.request('/api/readiness', { roles: ['Keyturn.Read'] });
  return { status: response.status, ...ReadinessBody.parse(await response.json()) };
}
const health = async () => {
  const response = await fetch(`${tenant.host.url}/api/health`);
  return [response.status, await response.text()];
};

describe('FN-03: tokens remember old permissions', () => {
  it('FN-03: a permission granted after the token was issued: not ready, with the time from which on to wait', async () => {
    const { identity } = tenant.azure.world;
    identity.graphRoles = [];
    const { status, rotators } = await readiness();
    expect(status).toBe(503);
    expect(rotators).toMatchObject([
      {
        rotator: 'app-registration',
        ready: false,
        reason: 'graph-permission',
        detail: expect.stringMatching(
          new RegExp(`^${RIGHT} is not in the token, which was issued on 20\\d\\d-.*Z`),
        ),
        remedy: expect.stringMatching(/Grant it.*wait/),
        by: 'operator',
      },
      { rotator: 'storage-account-key', ready: true },
    ]);

    // Granted now: the token that the process holds does not know it, and readiness says the same of it until a new one does.
    identity.graphRoles = [RIGHT];
    expect((await readiness()).rotators[0]).toEqual(rotators[0]);
    await tenant.advance({ days: 1, minutes: 1 });
    expect(await readiness()).toMatchObject({ status: 200, ready: true });
    expect(tenant.azure.writes()).toEqual([]);
  });

  it('FN-03: nobody needs it who has no app registrations', async () => {
    tenant.azure.world.identity.graphRoles = [];
    tenant.configure({ KEYTURN_ROTATORS: 'storage-account-key' });
    expect(await readiness()).toMatchObject({ status: 200, ready: true });
  });
});

describe('FN-04: which identity', () => {
  it('FN-04: the identity endpoint answers 400: health is 503 and nothing else, readiness names the client id', async () => {
    tenant.azure.outage('identity.token', { status: 400 });
    expect(await health()).toEqual([503, '']);
    const { status, rotators, vaults } = await readiness();
    expect(status).toBe(503);
    for (const rotator of rotators)
      expect(rotator).toMatchObject({
        ready: false,
        reason: 'no-identity',
        detail: expect.stringContaining(tenant.azure.world.identity.clientId),
        remedy: expect.stringContaining('KEYTURN_IDENTITY_CLIENT_ID'),
      });
    expect(vaults.every(({ ready }) => !ready)).toBe(true);
  });

  it('FN-04: an AZURE_CLIENT_ID in the environment draws in no other identity', async () => {
    process.env.AZURE_CLIENT_ID = crypto.randomUUID();
    try {
      tenant.configure();
      expect(await readiness()).toMatchObject({ status: 200, ready: true });
    } finally {
      delete process.env.AZURE_CLIENT_ID;
    }
  });
});

describe('DP-05: first run after deployment', () => {
  it('DP-05: a vault that answers 403 for five minutes is named as not ready, then it is ready', async () => {
    tenant.azure.outage('keyvault.list', { status: 403, host: 'kv1.vault' });
    for (let minute = 0; minute < 5; minute += 1) {
      const { status, vaults } = await readiness();
      expect(status).toBe(503);
      expect(vaults).toMatchObject([
        { vault: 'kv1', ready: false, reason: 'vault-forbidden' },
        { vault: 'kv2', ready: true },
      ]);
      await tenant.advance({ minutes: 1 });
    }
    tenant.azure.heal();
    expect(await readiness()).toMatchObject({ status: 200, ready: true });
    expect(tenant.azure.writes()).toEqual([]);
  });
});
