/** The two-key family end to end: consent above a rule, connection strings, a pair of Id and Secret, long regenerations. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo } from './stories.ts';

const RULE = 'Microsoft.ServiceBus/namespaces/queues/authorizationRules';
const COSMOS = 'Microsoft.DocumentDB/databaseAccounts';
const CONFIG = 'Microsoft.AppConfiguration/configurationStores';
const SEARCH = 'Microsoft.Search/searchServices';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    accounts: [{ name: 'acct1' }],
    keyed: [
      {
        type: RULE,
        name: 'ns1/orders/send',
        above: {
          serviceBusEndpoint: 'https://ns1.servicebus.windows.net:443/',
          disableLocalAuth: false,
        },
        consent: '',
      },
      {
        ...{ type: COSMOS, name: 'cosmos1', consent: 'keyturn cosmos-db-key: kv1/co-a' },
        properties: { documentEndpoint: 'https://cosmos1.documents.azure.com:443/' },
      },
      {
        ...{ type: CONFIG, name: 'store1', consent: 'keyturn app-configuration-key: kv1/ac-a' },
        properties: { endpoint: 'https://store1.azconfig.io' },
      },
      {
        ...{ type: SEARCH, name: 'search1', consent: 'keyturn search-admin-key: kv1/*' },
        properties: { disableLocalAuth: true },
      },
    ],
    env: {
      KEYTURN_ROTATORS:
        'storage-account-key,service-bus-key,cosmos-db-key,app-configuration-key,search-admin-key',
    },
  });
});
beforeEach(async () => {
  await tenant.clear();
  // The owner of the namespace gives the rule away: consent stands where the role is assigned.
  const namespace = rule().id.split('/').slice(0, 9).join('/');
  tenant.azure.setDescription(
    { principalId: tenant.azure.world.identity.oid, scope: namespace },
    'keyturn service-bus-key: kv1/sb-a(orders/send)',
  );
});
afterEach(() => {
  for (const keyed of tenant.azure.world.keyed.values()) keyed.failWith = undefined;
});
afterAll(() => tenant.stop());

const rule = () => tenant.azure.keyed(RULE, 'ns1/orders/send');
const cosmos = () => tenant.azure.keyed(COSMOS, 'cosmos1');
const store = () => tenant.azure.keyed(CONFIG, 'store1');
const regenerations = () => callsTo(tenant, 'arm.regenerateResourceKey').length;

/** So that the end of a long regeneration can be read. */
function grantOperations(): void {
  const principalId = tenant.azure.world.identity.oid;
  const scope = `/subscriptions/${tenant.azure.world.subscriptionId}`;
  tenant.azure.grant({
    principalId,
    scope,
    actions: ['Microsoft.DocumentDB/locations/operationsStatus/read'],
  });
}

/** A secret of a person that is due now. */
async function due(
  name: string,
  rotator: string,
  target: string,
  value: string,
  options?: string,
): Promise<void> {
  const tags = {
    rotator,
    'rotator-target': target,
    ...(options === undefined ? {} : { 'rotator-options': options }),
  };
  tenant.seed(name, { value, tags });
  await tenant.goTo(tenant.dueOn(name));
}
async function look(name: string): Promise<void> {
  await tenant.event(name);
  await tenant.settle();
}
/** As the API shows it. */
const shown = async (name: string) =>
  (await tenant.request(`/api/vaults/kv1/secrets/${name}`)).json();
const busText = (key: string, host = 'ns1.servicebus.windows.net') =>
  `Endpoint=sb://${host}/;SharedAccessKeyName=send;SharedAccessKey=${key};EntityPath=orders`;

describe('two-key kinds', () => {
  it('a rule of a queue: the key alone is replaced, both work through the grace, and the old one is regenerated after', async () => {
    const old = rule().key('PrimaryKey');
    await due('sb-a', 'service-bus-key', rule().id, busText(old));
    await look('sb-a');
    expect(tenant.current('sb-a').value).toBe(busText(rule().key('SecondaryKey')));
    expect(tenant.stateOf(tenant.current('sb-a'))).toMatchObject({ cred: 'SecondaryKey' });
    expect(rule().accepts(old)).toBe(true);
    await tenant.check();
    await tenant.advance({ hours: 49 }, { sweepEvery: 6 });
    expect(rule().accepts(old)).toBe(false);
    expect(regenerations()).toBe(2);
    expect(tenant.versions('sb-a')).toHaveLength(2);
    await tenant.check();
  });

  it('SEC-02: a connection string that names another namespace is refused, and no key is touched', async () => {
    await due(
      'sb-a',
      'service-bus-key',
      rule().id,
      busText(rule().key('PrimaryKey'), 'evil.example'),
    );
    await look('sb-a');
    expect(await tenant.row('sb-a')).toMatchObject({ step: 'refuse', reason: 'foreign-host' });
    expect(regenerations()).toBe(0);
    await tenant.check();
  });

  it('SEC-09: a secret that the owner of the namespace did not name is refused, and nothing is asked of the rule', async () => {
    await due('sb-b', 'service-bus-key', rule().id, busText(rule().key('PrimaryKey')));
    tenant.azure.calls.length = 0;
    await look('sb-b');
    expect(await tenant.row('sb-b')).toMatchObject({ step: 'refuse', reason: 'no-consent' });
    expect(callsTo(tenant, 'arm.listResourceKeys')).toEqual([]);
    await tenant.check();
  });

  it('App Configuration: the Id changes with the Secret, and both are stored', async () => {
    const text = (slot: string) =>
      `Endpoint=https://store1.azconfig.io;Id=${store().idOf(slot)};Secret=${store().key(slot)}`;
    const old = store().key('Primary');
    await due('ac-a', 'app-configuration-key', store().id, text('Primary'));
    await look('ac-a');
    expect(tenant.current('ac-a').value).toBe(text('Secondary'));
    await tenant.advance({ hours: 49 }, { sweepEvery: 6 });
    expect(tenant.current('ac-a').value).toBe(text('Secondary'));
    expect(store().accepts(old)).toBe(false);
    await tenant.check();
  });

  it('Cosmos DB: a key in a JSON document, over a regeneration that takes its time', async () => {
    const document = (key: string) => JSON.stringify({ db: 'orders', key });
    await due('co-a', 'cosmos-db-key', cosmos().id, document(cosmos().key('primary')), 'field=key');
    await look('co-a');
    expect(tenant.current('co-a').value).toBe(document(cosmos().key('secondary')));
    expect(regenerations()).toBe(1);
    await tenant.check();
  });

  it('SDK-01: a long regeneration that was begun and not answered is found, not begun again', async () => {
    await due('co-a', 'cosmos-db-key', cosmos().id, cosmos().key('primary'));
    tenant.azure.fault('arm.regenerateResourceKey', [{ commit: true, drop: true }]);
    await look('co-a');
    expect(tenant.current('co-a').value).toBe(cosmos().key('secondary'));
    expect(regenerations()).toBe(1);
    await tenant.check();
  });

  it('a long regeneration that fails leaves the live key as it is, says why until it has gone well, and is tried again later', async () => {
    grantOperations();
    const live = cosmos().key('primary');
    await due('co-a', 'cosmos-db-key', cosmos().id, live);
    cosmos().failWith = 'RegionUnavailable';
    await look('co-a');
    expect(tenant.current('co-a').value).toBe(live);
    expect(cosmos().accepts(live)).toBe(true);
    expect(await tenant.row('co-a')).toMatchObject({
      reason: 'failed',
      detail: expect.stringContaining('RegionUnavailable'),
    });
    cosmos().failWith = 'RegionUnavailable';
    for (const minutes of [1, 11, 11]) {
      await tenant.advance({ minutes });
      await look('co-a'); // doubled events: what they come to does not hide why the rotation failed
    }
    expect(regenerations()).toBe(2);
    expect(await shown('co-a')).toMatchObject({
      state: 'failed',
      last: { reason: 'backing-off' },
      lastFailure: { reason: 'failed', detail: expect.stringContaining('RegionUnavailable') },
    });
    await tenant.advance({ hours: 24 }, { sweepEvery: 1 });
    expect(tenant.current('co-a').value).toBe(cosmos().key('secondary'));
    expect(await shown('co-a')).not.toHaveProperty('lastFailure');
    expect(tenant.alerts('co-a')).toHaveLength(1);
  });

  it('what failed is over when a person stores another version, and is told again when it comes back', async () => {
    grantOperations();
    await due('co-a', 'cosmos-db-key', cosmos().id, cosmos().key('primary'));
    cosmos().failWith = 'RegionUnavailable';
    await look('co-a');
    expect(await shown('co-a')).toMatchObject({
      state: 'failed',
      lastFailure: { reason: 'failed' },
    });
    await tenant.advance({ minutes: 30 });
    cosmos().regenerate('primary'); // with the same key stored again it would be due at once, by the key's own age
    await due('co-a', 'cosmos-db-key', cosmos().id, cosmos().key('primary'));
    expect(await shown('co-a')).not.toHaveProperty('lastFailure');
    cosmos().failWith = 'RegionUnavailable';
    await look('co-a');
    expect(tenant.alerts('co-a').map(({ reason }) => reason)).toEqual(['failed', 'failed']);
  });

  it('SEC-03: a consent to the read-only keys gives nobody those that may write', async () => {
    const given = { principalId: tenant.azure.world.identity.oid, scope: cosmos().id };
    tenant.azure.setDescription(given, 'keyturn cosmos-db-key: kv1/co-a(readonly)');
    tenant.seed('co-a', {
      value: 'keyturn:new',
      tags: { rotator: 'cosmos-db-key', 'rotator-target': cosmos().id },
    });
    await tenant.sweepAndSettle();
    expect(await tenant.row('co-a')).toMatchObject({ step: 'refuse', reason: 'no-consent' });
    expect(regenerations()).toBe(0);
    const tags = {
      rotator: 'cosmos-db-key',
      'rotator-target': cosmos().id,
      'rotator-options': 'keys=readonly',
    };
    tenant.seed('co-a', { value: 'keyturn:new', tags });
    await look('co-a');
    expect(cosmos().isIn(tenant.current('co-a').value)).toBe(true);
    expect(regenerations()).toBe(1);
  });

  it('keys that are switched off are refused, saying which switch', async () => {
    const search = tenant.azure.keyed(SEARCH, 'search1');
    await due('se-a', 'search-admin-key', search.id, search.key('primary'));
    await look('se-a');
    const row = await tenant.row('se-a');
    expect(row).toMatchObject({
      step: 'refuse',
      reason: 'keys-off',
      detail: expect.stringContaining('disableLocalAuth'),
    });
    expect(regenerations()).toBe(0);
    await tenant.check();
  });

  it('a placeholder gets the first key of the slot that people use last', async () => {
    tenant.seed('co-a', {
      value: 'keyturn:new',
      tags: { rotator: 'cosmos-db-key', 'rotator-target': cosmos().id },
    });
    await tenant.sweep();
    await tenant.settle();
    expect(tenant.current('co-a').value).toBe(cosmos().key('secondary'));
    await tenant.check();
  });
});
