/** Refusals that pass by themselves, and waits that repeat: roles that are still spreading, secrets of certificates. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { dueSql, PASSWORDS } from './sqlStories.ts';
import { callsTo, due } from './stories.ts';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    env: { KEYTURN_ROTATORS: 'app-registration,sql-login,storage-account-key' },
    sqlServers: [
      { name: 'sql1', consent: 'keyturn sql-login: kv1/db-pw(app_a,app_b)', logins: PASSWORDS },
    ],
  });
});
beforeEach(() => tenant.clear());
afterAll(() => tenant.stop());

const identity = () => tenant.azure.world.identity.oid;
/** Lets the looks come that a pass put off: nobody sweeps, nothing else happens. */
async function minutes(count: number, step = 1): Promise<void> {
  for (let at = 0; at < count; at += step) {
    await tenant.advance({ minutes: step });
    await tenant.settle(0);
  }
}
const forbidden = ['vault-forbidden', 'target-forbidden'];

/** Calls that a role refuses, and the code with which each service says so. */
const calls: [string, string, object][] = [
  ['the current version', 'keyvault.get', { status: 403, inner: 'ForbiddenByRbac' }],
  ['the list of versions', 'keyvault.versions', { status: 403, inner: 'ForbiddenByRbac' }],
  [
    'the list of versions of a vault with policies',
    'keyvault.versions',
    { status: 403, inner: 'AccessDenied' },
  ],
  ['the tags', 'keyvault.update', { status: 403, inner: 'ForbiddenByRbac' }],
  [
    'the tags, without an inner code',
    'keyvault.update',
    { status: 403, body: { error: { code: 'Forbidden', message: 'Caller is not authorized.' } } },
  ],
  ['the account', 'arm.storageAccount', { status: 403, code: 'AuthorizationFailed' }],
  ['its keys', 'arm.listKeys', { status: 403, code: 'AuthorizationFailed' }],
  ['a new key', 'arm.regenerateKey', { status: 403, code: 'AuthorizationFailed' }],
];

const NO_ROLE = { status: 403, code: 'AuthorizationFailed' };
const DENIED = { status: 403, code: 'Authorization_RequestDenied' };
const dueLogins = () => dueSql(tenant, 'db-pw');
async function dueApplication(): Promise<void> {
  const app = tenant.azure.ownedApplication('payroll', 'kv1/gr-a');
  const { secretText } = app.addPassword({
    displayName: 'a person',
    endDateTime: '2038-01-01T00:00:00Z',
  });
  tenant.seed('gr-a', {
    value: secretText,
    tags: { rotator: 'app-registration', 'rotator-target': app.appId },
  });
  await tenant.goTo(tenant.dueOn('gr-a'));
}

describe('COR-02: a role that is spreading', () => {
  it.each(calls)(
    'COR-02: %s: refused for half an hour nobody is alerted, and then it is rotated',
    async (_, route, step) => {
      await due(tenant, 'st-a', { account: 'acct1' });
      tenant.azure.outage(route, step);
      await tenant.event('st-a');
      await tenant.settle(5);
      expect(forbidden).toContain((await tenant.row('st-a'))?.reason);
      await minutes(35);
      expect(tenant.alerts()).toEqual([]);
      tenant.azure.heal();
      await minutes(60);
      expect(tenant.versions('st-a')).toHaveLength(2);
      expect(tenant.alerts()).toEqual([]);
      await tenant.check();
    },
  );

  it.each(calls)(
    'COR-02: %s: what stays refused is one alert that names what and whom, and a new role is seen within the hour',
    async (_, route, step) => {
      await due(tenant, 'st-a', { account: 'acct1' });
      const asked = tenant.azure.calls.length;
      tenant.azure.outage(route, step);
      await tenant.event('st-a');
      await tenant.settle(5);
      await minutes(15 * 60, 5);
      expect(tenant.alerts()).toMatchObject([{ name: 'st-a', identity: identity() }]);
      expect(forbidden).toContain(tenant.alerts()[0]?.reason);
      expect(`${tenant.alerts()[0]?.detail}`).toMatch(/kv1|acct1/);
      // Growing pauses, at most an hour each.
      const tried = tenant.azure.calls.slice(asked).filter((call) => call.route === route).length;
      expect(tried).toBeGreaterThan(14);
      expect(tried).toBeLessThan(45);
      tenant.azure.heal();
      await minutes(60, 5);
      expect(tenant.versions('st-a')).toHaveLength(2);
      expect(tenant.alerts()).toHaveLength(1);
      await tenant.check();
    },
  );

  const others: [string, string, () => Promise<unknown>, string, object, RegExp][] = [
    ['the server of SQL logins', 'db-pw', dueLogins, 'arm.sqlServer', NO_ROLE, /sql1/],
    ['ALTER LOGIN', 'db-pw', dueLogins, 'tds.batch', { code: '15151' }, /sql1.*LoginManager/s],
    [
      'an application',
      'gr-a',
      dueApplication,
      'graph.application',
      DENIED,
      /tags of the application/,
    ],
    [
      'a client secret',
      'gr-a',
      dueApplication,
      'graph.addPassword',
      DENIED,
      /owner of the application/,
    ],
  ];
  it.each(others)(
    'COR-02: %s: refused for half an hour nobody is alerted, and then it is rotated',
    async (_, name, begin, route, step) => {
      await begin();
      tenant.azure.outage(route, step);
      await tenant.event(name);
      await tenant.settle(5);
      expect((await tenant.row(name))?.reason).toMatch(/forbidden|no-consent/);
      await minutes(35);
      expect(tenant.alerts()).toEqual([]);
      tenant.azure.heal();
      await minutes(60);
      await tenant.sweepAndSettle();
      expect(tenant.versions(name)).toHaveLength(2);
      expect(tenant.alerts()).toEqual([]);
      await tenant.check();
    },
  );
  it.each(others)(
    'COR-02: %s: what stays refused is one alert that names what and whom',
    async (_, name, begin, route, step, what) => {
      await begin();
      tenant.azure.outage(route, step);
      await tenant.event(name);
      await tenant.settle(5);
      await tenant.advance({ hours: 12 }, { sweepEvery: 1 });
      const [alert, ...more] = tenant.alerts();
      expect([alert?.name, more]).toEqual([name, []]);
      expect(`${alert?.detail} ${alert?.remedy}`).toMatch(what);
      if (alert?.reason !== 'no-consent') expect(alert?.identity).toBe(identity());
      tenant.azure.heal();
      await tenant.advance({ hours: 24 }, { sweepEvery: 3 });
      expect(tenant.versions(name)).toHaveLength(2);
      expect(tenant.alerts()).toHaveLength(1);
      await tenant.check();
    },
  );

  it.each(calls.slice(0, -1))(
    'COR-02: %s: a person who asks sees the refusal at once',
    async (_, route, step) => {
      await due(tenant, 'st-a', { account: 'acct1' });
      tenant.azure.outage(route, step);
      const dry = await tenant.rotate('st-a', { dryRun: true });
      const shown = JSON.stringify(await dry.json());
      if (route !== 'keyvault.update') expect(shown).toMatch(/forbidden/);
      const asked = await tenant.rotate('st-a');
      if (asked.status !== 202) return;
      const { id } = (await asked.json()) as { id: string };
      await tenant.settle(30);
      const operation = await (await tenant.request(`/api/operations/${id}`)).json();
      expect(operation).toMatchObject({ phase: 'failed' });
      expect(JSON.stringify(operation)).toContain('forbidden');
    },
  );

  it('COR-02: a list of role assignments that may not be seen yet is no consent, told when it lasts', async () => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.outage('arm.roleAssignments', { status: 403, code: 'AuthorizationFailed' });
    await tenant.event('st-a');
    await tenant.settle();
    expect(await tenant.row('st-a')).toMatchObject({ step: 'refuse', reason: 'no-consent' });
    expect(tenant.alerts()).toEqual([]);
    tenant.azure.heal();
    await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    expect(tenant.versions('st-a')).toHaveLength(2);

    tenant.seed('st-b', { account: 'acct2', value: 'keyturn:new' });
    tenant.azure.outage('arm.roleAssignments', { status: 403, code: 'AuthorizationFailed' });
    await tenant.advance({ hours: 8 }, { sweepEvery: 1 });
    expect(tenant.alerts('st-b')).toMatchObject([{ reason: 'no-consent' }]);
  });

  it('COR-02: a vault whose list is refused is told when it lasts, with the identity', async () => {
    tenant.azure.outage('keyvault.list', {
      status: 403,
      inner: 'ForbiddenByRbac',
      host: 'kv2.vault',
    });
    await tenant.sweepAndSettle();
    expect(tenant.alerts()).toEqual([]);
    await tenant.advance({ hours: 5 }, { sweepEvery: 1 });
    expect(tenant.alerts()).toMatchObject([
      { vault: 'kv2', reason: 'vault-forbidden', identity: identity() },
    ]);
    tenant.azure.heal();
    await tenant.advance({ hours: 1 }, { sweepEvery: 1 });
    tenant.azure.outage('keyvault.list', {
      status: 403,
      inner: 'ForbiddenByRbac',
      host: 'kv2.vault',
    });
    await tenant.sweepAndSettle();
    expect(tenant.alerts()).toHaveLength(1);
  });
});

describe('COR-03: a wait that repeats grows', () => {
  it.each(['SecretManagedByKeyVault'])(
    'COR-03: a PATCH that answers 403 %s is refused, not tried 1,454 times a day',
    async (inner) => {
      await due(tenant, 'st-a', { account: 'acct1' });
      tenant.azure.outage('keyvault.update', { status: 403, inner });
      await tenant.event('st-a');
      await tenant.settle(5);
      expect(await tenant.row('st-a')).toMatchObject({ step: 'refuse', reason: 'managed' });
      await minutes(25 * 60, 5);
      expect(callsTo(tenant, 'keyvault.update').length).toBeLessThan(4);
      expect(tenant.alerts()).toMatchObject([{ reason: 'managed', by: 'secret owner' }]);
    },
  );

  /** Siblings: whatever a write answers for a day, it is sent a few dozen times at most. */
  it.each([
    ['404 to the tags', 'keyvault.update', { status: 404 }],
    ['500 to the tags', 'keyvault.update', { status: 500 }],
    ['503 to the tags', 'keyvault.update', { status: 503 }],
    ['429 to the tags', 'keyvault.update', { status: 429 }],
    ['409 to the tags', 'keyvault.update', { status: 409 }],
    ['500 to a new key', 'arm.regenerateKey', { status: 500 }],
    [
      '409 to a new key',
      'arm.regenerateKey',
      { status: 409, code: 'StorageAccountOperationInProgress' },
    ],
    ['400 to a new key', 'arm.regenerateKey', { status: 400 }],
    ['404 to a new version', 'keyvault.set', { status: 404 }],
  ])('COR-03: %s', async (_, route, step) => {
    await due(tenant, 'st-a', { account: 'acct1' });
    tenant.azure.outage(route, step);
    await tenant.event('st-a');
    await tenant.settle(5);
    const before = tenant.azure.calls.length;
    for (let hour = 0; hour < 24; hour += 1) {
      await minutes(60, 5);
      await tenant.sweep();
    }
    const writes = tenant.azure.calls
      .slice(before)
      .filter((call) => /update|set|regenerate/.test(call.route));
    expect(writes.length).toBeLessThan(200); // six a pass where a write is repeated within it
  });
});
