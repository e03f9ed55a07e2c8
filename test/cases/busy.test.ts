/** COR-07, VAL-11: a service that is at work is asked again, whatever its word for it; after an hour somebody is told, once. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as clock from '../../local/clock.ts';
import { startTenant, type Tenant } from './harness.ts';
import { callsTo } from './stories.ts';

const COSMOS = 'Microsoft.DocumentDB/databaseAccounts';
const SEARCH = 'Microsoft.Search/searchServices';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    accounts: [{ name: 'acct1' }],
    keyed: [
      {
        ...{ type: COSMOS, name: 'cosmos1', consent: 'keyturn cosmos-db-key: kv1/busy' },
        properties: { documentEndpoint: 'https://cosmos1.documents.azure.com:443/' },
      },
      {
        ...{ type: SEARCH, name: 'search1', consent: 'keyturn search-admin-key: kv1/busy' },
        properties: {},
      },
    ],
    env: {
      KEYTURN_ROTATORS: 'storage-account-key,cosmos-db-key,search-admin-key,app-registration',
    },
  });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

interface Kind {
  readonly rotator: string;
  /** The call that changes the target. */
  readonly write: string;
  seed(): { readonly target: string; readonly value: string };
}
const KINDS: Record<string, Kind> = {
  storage: {
    ...{ rotator: 'storage-account-key', write: 'arm.regenerateKey' },
    seed: () => ({
      target: tenant.azure.account('acct1').id,
      value: tenant.azure.account('acct1').key('key1'),
    }),
  },
  cosmos: {
    ...{ rotator: 'cosmos-db-key', write: 'arm.regenerateResourceKey' },
    seed: () => keyed(COSMOS, 'cosmos1', 'primaryMasterKey'),
  },
  search: {
    ...{ rotator: 'search-admin-key', write: 'arm.regenerateResourceKey' },
    seed: () => keyed(SEARCH, 'search1', 'primaryKey'),
  },
  app: {
    ...{ rotator: 'app-registration', write: 'graph.addPassword' },
    seed() {
      const app = tenant.azure.ownedApplication('payroll', 'kv1/busy');
      return {
        target: app.appId,
        value: app.addPassword({ endDateTime: '2038-01-01T00:00:00Z' }).secretText,
      };
    },
  },
};
const keyed = (type: string, name: string, slot: string) => {
  const resource = tenant.azure.keyed(type, name);
  return { target: resource.id, value: resource.key(slot) };
};

async function due(kind: string): Promise<Kind> {
  const found = KINDS[kind] as Kind;
  const { target, value } = found.seed();
  const tags = { rotator: found.rotator, 'rotator-target': target };
  tenant.seed('busy', { value, tags });
  await tenant.goTo(tenant.dueOn('busy'));
  return found;
}
/** Minutes until the alert, looked for in small steps and without any sweep; undefined where none came. */
async function toldAfter(minutes: number): Promise<number | undefined> {
  const from = clock.now();
  let told: number | undefined;
  while (clock.now() < from + minutes * 60_000) {
    await tenant.settle(60);
    if (tenant.alerts('busy').length > 0) told ??= (clock.now() - from) / 60_000;
    clock.advance({ seconds: 60 });
  }
  return told;
}

describe('VAL-11: busy in other words', () => {
  it.each([
    ['cosmos', 412, 'PreconditionFailed'],
    ['cosmos', 423, 'Locked'],
    ['search', 412, 'PreconditionFailed'],
    ['search', 409, 'AnotherOperationInProgress'],
    ['storage', 412, 'PreconditionFailed'],
    ['storage', 423, 'ResourceIsLockedForNow'],
    ['storage', 409, 'AccountIsNotReady'],
  ])(
    'VAL-11: %s answers two writes with %i %s: target-busy, tried again, told to nobody',
    async (kind, status, code) => {
      const { write } = await due(kind);
      tenant.azure.fault(write, [
        { status, code },
        { status, code },
      ]);
      await tenant.event('busy');
      // A 409 is asked again within the pass, too (case SDK-02).
      if (status !== 409)
        await tenant.until(
          'the first answer',
          async () => (await tenant.row('busy'))?.reason === 'target-busy',
        );
      await tenant.advance({ hours: 1 }, { sweepEvery: 0.5 });
      expect(tenant.azure.unusedFaults()).toEqual({});
      expect(tenant.versions('busy')).toHaveLength(2);
      expect(tenant.alerts()).toEqual([]);
      await tenant.check();
    },
  );

  it('VAL-11: a message that says so behind a code that says nothing', async () => {
    const { write } = await due('cosmos');
    const message =
      'There is already an operation in progress which requires exclusive lock on this account.';
    tenant.azure.fault(write, [{ status: 409, code: 'BadThing', message }]);
    await tenant.event('busy');
    await tenant.advance({ hours: 1 }, { sweepEvery: 0.5 });
    expect([tenant.versions('busy').length, tenant.alerts()]).toEqual([2, []]);
  });

  it('VAL-11: a long regeneration that ends in the same word', async () => {
    await due('cosmos');
    const principalId = tenant.azure.world.identity.oid;
    const scope = `/subscriptions/${tenant.azure.world.subscriptionId}`;
    tenant.azure.grant({
      principalId,
      scope,
      actions: ['Microsoft.DocumentDB/locations/operationsStatus/read'],
    });
    tenant.azure.keyed(COSMOS, 'cosmos1').failWith = 'PreconditionFailed';
    await tenant.event('busy');
    await tenant.advance({ hours: 1 }, { sweepEvery: 0.5 });
    expect([tenant.versions('busy').length, tenant.alerts()]).toEqual([2, []]);
    await tenant.check();
  });

  it('VAL-11: a lock that a person set stays one, and is told at once', async () => {
    const { write } = await due('cosmos');
    tenant.azure.fault(write, [{ status: 423, code: 'ScopeLocked' }]);
    await tenant.event('busy');
    await tenant.settle();
    expect(tenant.alerts('busy').map(({ reason }) => reason)).toEqual(['scope-locked']);
  });
});

describe('COR-07: an hour is an hour', () => {
  it.each([
    ['storage', { status: 429 }],
    ['cosmos', { status: 412, code: 'PreconditionFailed' }],
    ['search', { status: 423, code: 'Locked' }],
    ['app', { status: 429 }],
  ])(
    'COR-07: %s busy for two hours: one alert after about an hour, and none for 35 minutes',
    async (kind, step) => {
      const { write } = await due(kind);
      tenant.azure.outage(write, step);
      await tenant.event('busy');
      expect(await toldAfter(36)).toBeUndefined();
      const more = await toldAfter(90);
      expect(36 + (more ?? 0)).toBeGreaterThanOrEqual(59);
      expect(36 + (more ?? Number.POSITIVE_INFINITY)).toBeLessThan(76);
      tenant.azure.heal(write);
      await tenant.advance({ hours: 3 }, { sweepEvery: 1 });
      expect(tenant.versions('busy')).toHaveLength(2);
      expect(tenant.alerts('busy').map(({ reason }) => reason)).toEqual(['target-busy']);
      expect(callsTo(tenant, write).length).toBeLessThan(80);
      await tenant.check();
    },
  );

  it.each([
    ['the list of keys', 'arm.listKeys', { status: 429 }, 'target-busy'],
    ['the vault', 'keyvault.get', { status: 503 }, 'vault-busy'],
    ['the vault for tags', 'keyvault.update', { status: 429 }, 'vault-busy'],
  ])('COR-07: %s: the same, whichever call it is', async (_, route, step, reason) => {
    await due('storage');
    tenant.azure.outage(route, step);
    await tenant.event('busy');
    const told = (await toldAfter(120)) ?? Number.POSITIVE_INFINITY;
    expect(told).toBeGreaterThanOrEqual(59);
    expect(told).toBeLessThan(76);
    expect(tenant.alerts('busy').map((each) => each.reason)).toEqual([reason]);
  });
});
