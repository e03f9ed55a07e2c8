/** COR-08 and the last of VAL-03: an application has three ids and two places for secrets; the word that helps is said. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Application, Password } from '../../local/azure/applications.ts';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo } from './stories.ts';

let tenant: Tenant;
let app: Application;
let first: Password;

beforeAll(async () => {
  tenant = await startTenant({ env: { KEYTURN_ROTATORS: 'app-registration' } });
});
beforeEach(async () => {
  await tenant.clear();
  app = tenant.azure.ownedApplication('payroll', 'kv1/gr-a');
  first = app.addPassword({ displayName: 'made by a person', endDateTime: '2038-01-01T00:00:00Z' });
});
afterAll(() => tenant.stop());

async function looked(
  target: string,
  value = first.secretText,
): Promise<Record<string, unknown> | undefined> {
  tenant.seed('gr-a', { value, tags: { rotator: 'app-registration', 'rotator-target': target } });
  await tenant.goTo(tenant.dueOn('gr-a'));
  await tenant.sweepAndSettle();
  expect(tenant.azure.writes()).toEqual([]);
  expect(tenant.versions('gr-a')).toHaveLength(1);
  return await tenant.row('gr-a');
}
const told = () => tenant.alerts('gr-a').map(({ reason, detail }) => [reason, detail]);

describe('COR-08: another id of a consenting application', () => {
  it.each<[string, () => string]>([
    ['its object id', () => app.objectId],
    ['its object id in capitals', () => app.objectId.toUpperCase()],
    ['the object id of its service principal', () => app.principal.oid],
  ])('COR-08: %s: an object id, and which id is wanted', async (_, id) => {
    expect(await looked(id())).toMatchObject({
      ...{ step: 'refuse', reason: 'bad-tags' },
      detail: expect.stringMatching(
        /that is an object id, the application \(client\) id is wanted/,
      ),
    });
    expect(told()).toEqual([['bad-tags', expect.stringContaining(app.appId)]]);
    const { id: version, tags = {} } = tenant.current('gr-a');
    tenant.azure.vault('kv1').retag('gr-a', version, { ...tags, 'rotator-target': app.appId });
    await tenant.advance({ hours: 1 }, { sweepEvery: 0.5 });
    expect(tenant.versions('gr-a')).toHaveLength(2);
    await tenant.check();
  });

  it("COR-08: consent stands in the operator's map, under the object id as well", async () => {
    app.tags = [];
    tenant.configure({
      KEYTURN_CONSENT: JSON.stringify({ [app.objectId]: 'app-registration: kv1/gr-a' }),
    });
    expect((await looked(app.objectId))?.detail).toMatch(/that is an object id/);
  });

  it('SEC-09: one that does not consent reads like one that is not there, by whatever id', async () => {
    app.tags = ['keyturn app-registration: kv1/other'];
    const row = await looked(app.objectId);
    expect(row).toMatchObject({ step: 'refuse', reason: 'no-consent' });
    for (const id of [app.principal.oid, crypto.randomUUID()]) {
      const { id: version, tags = {} } = tenant.current('gr-a');
      tenant.azure.vault('kv1').retag('gr-a', version, { ...tags, 'rotator-target': id });
      await tenant.advance({ hours: 1 });
      await tenant.sweepAndSettle();
      expect(await tenant.row('gr-a')).toMatchObject({ reason: 'no-consent' });
      expect((await tenant.row('gr-a'))?.detail).toBe(row?.detail);
    }
  });
});

describe('COR-08: a value of another place', () => {
  it('COR-08: a password of the service principal: said so, with no advice to override', async () => {
    const { secretText } = app.addPrincipalPassword({ displayName: 'for SAML' });
    const row = await looked(app.appId, secretText);
    expect(row).toMatchObject({
      ...{ step: 'refuse', reason: 'bad-value' },
      detail: expect.stringMatching(/That secret belongs to the service principal/),
    });
    expect(tenant.alerts('gr-a').map(({ remedy }) => remedy)).toEqual([
      expect.not.stringMatching(/override/),
    ]);
    await tenant.check({ broken: ['gr-a'] });
  });

  it('VAL-03: the key id instead of the text: said what it is, and a person may still override', async () => {
    const row = await looked(app.appId, first.keyId);
    expect(row).toMatchObject({
      ...{ step: 'refuse', reason: 'unknown-value' },
      detail: expect.stringMatching(/is the key id of the client secret "made by a person"/),
    });
    expect((await tenant.rotate('gr-a', { override: ['unknown-value'] })).status).toBe(202);
    await tenant.settle();
    expect(tenant.versions('gr-a')).toHaveLength(2);
    // Not `check`: a key id is public, and stands in the notes about what people made.
    expect(app.accepts(tenant.current('gr-a').value)).toBe(true);
  });

  it('VAL-03: the key id in capitals, or that of a secret of the service principal', async () => {
    expect((await looked(app.appId, first.keyId.toUpperCase()))?.detail).toMatch(/is the key id/);
    await tenant.clear();
    app = tenant.azure.ownedApplication('payroll', 'kv1/gr-a');
    const { keyId } = app.addPrincipalPassword();
    expect((await looked(app.appId, keyId))?.detail).toMatch(/belongs to the service principal/);
  });

  it('VAL-03: where the service principal may not be read, the value is one that nobody knows, as before', async () => {
    tenant.azure.outage('graph.servicePrincipal', {
      status: 403,
      code: 'Authorization_RequestDenied',
    });
    const { secretText } = app.addPrincipalPassword();
    expect(await looked(app.appId, secretText)).toMatchObject({
      step: 'refuse',
      reason: 'unknown-value',
    });
    expect(callsTo(tenant, 'graph.servicePrincipal').length).toBeGreaterThan(0);
  });

  it('any other value is unknown as before, and Graph is asked once a look', async () => {
    expect(await looked(app.appId, 'a-value-of-nobody-0123456789')).toMatchObject({
      reason: 'unknown-value',
    });
    const principals = callsTo(tenant, 'graph.servicePrincipal');
    expect(principals.length).toBeLessThan(8);
    expect(told()).toEqual([['unknown-value', undefined]]);
  });
});
