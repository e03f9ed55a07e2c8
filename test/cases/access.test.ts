/** Cases section 10: who may ask, and whose target may be touched. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { due, rotated } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant();
});
beforeEach(async () => {
  await tenant.clear();
  consent('acct1', 'keyturn storage-account-key: kv1/*, kv2/*');
});
afterAll(() => tenant.stop());

function consent(account: string, description: string | undefined): void {
  const { identity } = tenant.azure.world;
  tenant.azure.setDescription(
    { principalId: identity.oid, scope: tenant.azure.account(account).id },
    description,
  );
}
const targetCalls = () =>
  tenant.azure.calls.filter(({ route }) =>
    /^(arm\.(storageAccount|listKeys|regenerateKey)|storage\.)/.test(route),
  );

describe('SEC-08: a token that almost fits', () => {
  it('SEC-08: is 401 and writes nothing; the right one is 202 and rotates', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    const now = Math.floor(Date.now() / 1000);
    const roles = ['Keyturn.Rotate'];
    const wrong: Record<string, unknown>[] = [
      { aud: ['api://keyturn'] },
      { aud: tenant.azure.world.tenantId },
      { tid: crypto.randomUUID() },
      { exp: undefined },
      { exp: now - 61 },
      { nbf: now + 61 },
      { iss: 'https://login.evil.example/v2.0' },
      { idtyp: undefined, scp: 'User.Read' },
      { roles: 'xKeyturn.Rotatex' },
    ];
    for (const claims of wrong) {
      const token = await tenant.azure.issueToken({ roles, ...claims });
      const { status } = await tenant.rotate('st-a', {}, { token });
      expect([Object.keys(claims), [401, 403].includes(status)]).toEqual([
        Object.keys(claims),
        true,
      ]);
    }
    expect((await tenant.rotate('st-a', {}, { token: 'x' })).status).toBe(401);
    expect((await tenant.rotate('st-a', {}, { roles: ['Keyturn.Read'] })).status).toBe(403);
    await tenant.settle();
    expect(tenant.azure.writes()).toEqual([]);
    expect((await tenant.rows()).filter(({ partition }) => partition === 'operations')).toEqual([]);
    const accepted = await tenant.rotate('st-a', {}, { roles });
    expect(accepted.status).toBe(202);
    expect(accepted.headers.get('operation-location')).toMatch(
      /^\/api\/operations\/[0-9a-f-]{36}$/,
    );
    await tenant.settle();
    expect(tenant.versions('st-a')).toHaveLength(2);
    await tenant.check();
  });

  it('SEC-08: without keys to check it by, the answer is 503 and not a guess', async () => {
    tenant.seed('st-a', { account: 'acct1' });
    tenant.configure(); // an app that has no keys yet
    tenant.azure.outage('entra.keys', { status: 503 });
    expect((await tenant.rotate('st-a')).status).toBe(503);
    tenant.azure.heal('entra.keys');
    expect(tenant.azure.writes()).toEqual([]);
  });
});

describe('SEC-09: a tag is not consent', () => {
  it('SEC-09: the account is tagged for the secret, the role has no description → refuse, and no fact about the account', async () => {
    tenant.azure.account('acct1').tags = { keyturn: 'kv1/st-b', 'keyturn-policy': 'kv1/st-b' };
    consent('acct1', undefined);
    await due(tenant, 'st-b', { account: 'acct1' });
    await tenant.event('st-b');
    await tenant.settle();
    expect(await tenant.row('st-b')).toMatchObject({ step: 'refuse', reason: 'no-consent' });
    expect(targetCalls()).toEqual([]);
    expect(tenant.azure.writes()).toEqual([]);
    expect(tenant.alerts('st-b')).toHaveLength(1);
  });

  it("SEC-09: a neighbour's consent reads word for word like an account that does not exist", async () => {
    consent('acct1', 'keyturn storage-account-key: kv1/st-a');
    const { subscriptionId } = tenant.azure.world;
    tenant.seed('st-c', {
      tags: { 'rotator-target': `${subscriptionId}/rg-nowhere/nosuchaccount` },
    });
    await due(tenant, 'st-b', { account: 'acct1' });
    const shown = await Promise.all(
      ['st-b', 'st-c'].map(async (name) => {
        const { step, reason, detail } = (await tenant.row(name)) ?? {};
        const dry = await tenant.rotate(name, { dryRun: true });
        // One of them was alerted alone, the other by the sweep that came next.
        const alerts = tenant
          .alerts(name)
          .map(({ reason, by, remedy }) => ({ reason, by, remedy }));
        const all = { step, reason, detail, alerts, status: dry.status, body: await dry.json() };
        // The line to write names the secret that asks, and nothing else does.
        return JSON.parse(JSON.stringify(all).replaceAll(`kv1/${name}`, 'kv1/it'));
      }),
    );
    expect(shown[0]).toMatchObject({ step: 'refuse', reason: 'no-consent' });
    expect(shown[1]).toEqual(shown[0]);
    expect(targetCalls()).toEqual([]);
    expect(tenant.azure.writes()).toEqual([]);
  });

  it('SEC-09: withdrawn between store and revocation, nothing is revoked and one alert says so; given back, it is', async () => {
    const { v1, v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    consent('acct1', undefined);
    await tenant.advance({ hours: 75 }, { sweepEvery: 5 });
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(true);
    expect(tenant.regenerations('acct1')).toBe(1);
    expect(tenant.alerts('st-a')).toMatchObject([{ reason: 'no-consent' }]);
    consent('acct1', 'keyturn storage-account-key: kv1/st-a');
    await tenant.advance({ hours: 25 }, { sweepEvery: 5 });
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(false);
    expect(tenant.azure.account('acct1').accepts(v2.value)).toBe(true);
    expect(tenant.alerts('st-a')).toHaveLength(1);
    await tenant.check();
  });

  it('SEC-09: what cannot be closed is named: the alert says what is owed, and since when', async () => {
    const { v2 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    consent('acct1', undefined);
    await tenant.advance({ hours: 49 }, { sweepEvery: 7 });
    const since = new Date(v2.created * 1000).toISOString();
    expect(tenant.alerts('st-a')).toMatchObject([{ reason: 'no-consent', owedSince: since }]);
  });

  it('SEC-09: withdrawn after the pass has begun, the key is not revoked', async () => {
    const { v1 } = await rotated(tenant, 'st-a', { account: 'acct1' });
    await tenant.advance({ hours: 47 }, { sweepEvery: 12 });
    const { roles, identity } = tenant.azure.world;
    const which = { principalId: identity.oid, scope: tenant.azure.account('acct1').id };
    const list = roles.list.bind(roles);
    let reads = 0;
    // The answer to the first question of a pass is yes; a moment later the owner takes it back.
    roles.list = (scope, filter) => {
      const shown = structuredClone(list(scope, filter));
      if (scope.toLowerCase() === which.scope.toLowerCase()) {
        reads++;
        tenant.azure.setDescription(which, undefined);
      }
      return shown;
    };
    await tenant.advance({ hours: 2 });
    await tenant.event('st-a', {});
    await tenant.sweepAndSettle();
    roles.list = list;
    expect(reads).toBeGreaterThan(1);
    expect(tenant.azure.account('acct1').accepts(v1.value)).toBe(true);
    expect(tenant.regenerations('acct1')).toBe(1);
  });
});
