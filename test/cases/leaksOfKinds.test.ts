/**
 * Case section 12 no. 12, FN-05, for what `leaks.test.ts` has of storage accounts: the routes of the other kinds throw back
 * what they were sent, and refuse with the values in their words, with every log at its most verbose.
 *
 * @jest-environment-options {"packages": "own"}
 */
// The order matters: the settings first, then the product as the entry file loads it, then what else uses the SDKs.
import './verbose.ts';
import '../../src/app/app.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTenant, type Tenant } from './harness.ts';
import { leaks } from './invariants.ts';
import { catchPrinted } from './printed.ts';
import { ADMIN, PASSWORDS } from './sqlStories.ts';

const COSMOS = 'Microsoft.DocumentDB/databaseAccounts';
let tenant: Tenant;
let printed: string[];
let release: () => void;
beforeAll(async () => {
  ({ printed, release } = catchPrinted());
  tenant = await startTenant({
    accounts: [],
    sqlServers: [
      {
        ...{
          name: 'sql1',
          consent:
            'keyturn sql-login: kv1/db-pw(app_a,app_b); sql-single-login: kv1/one(svc); sql-admin-password: kv1/adm',
          administratorPassword: ADMIN,
        },
        ...{ entraAdministrator: 'dba-group', logins: PASSWORDS },
      },
    ],
    keyed: [
      {
        ...{ type: COSMOS, name: 'cosmos1', consent: 'keyturn cosmos-db-key: kv1/co-a' },
        properties: { documentEndpoint: 'https://cosmos1.documents.azure.com/' },
      },
    ],
    env: {
      KEYTURN_ROTATORS:
        'app-registration,sql-login,sql-single-login,sql-admin-password,cosmos-db-key',
    },
  });
});
beforeEach(async () => {
  await tenant.clear();
  printed.length = 0;
});
afterAll(async () => {
  release();
  await tenant.stop();
});

/** A secret of the kind, with all that may be said of it by a service that knows too much. */
const kinds: Readonly<
  Record<string, () => { tags: Record<string, string>; value: string; known: string[] }>
> = {
  'gr-a': () => {
    const app = tenant.azure.ownedApplication('payroll', 'kv1/gr-a');
    const { secretText } = app.addPassword({ endDateTime: '2038-01-01T00:00:00Z' });
    const tags = { rotator: 'app-registration', 'rotator-target': app.appId };
    return { tags, value: secretText, known: [secretText] };
  },
  adm: () => {
    const tags = {
      rotator: 'sql-admin-password',
      'rotator-target': tenant.azure.sqlServer('sql1').id,
    };
    return { tags, value: ADMIN, known: [ADMIN] };
  },
  'db-pw': () => {
    const options = 'logins=app_a,app_b;field=password;login-field=username';
    const tags = {
      rotator: 'sql-login',
      'rotator-target': tenant.azure.sqlServer('sql1').id,
      'rotator-options': options,
    };
    const value = JSON.stringify({ username: 'app_a', password: PASSWORDS.app_a });
    return { tags, value, known: [PASSWORDS.app_a, PASSWORDS.app_b] };
  },
  'co-a': () => {
    const cosmos = tenant.azure.keyed(COSMOS, 'cosmos1');
    const [value, other] = [cosmos.key('primary'), cosmos.key('secondary')];
    return {
      tags: { rotator: 'cosmos-db-key', 'rotator-target': cosmos.id },
      value,
      known: [value, other],
    };
  },
};

const routes = [
  ...['graph.application', 'graph.addPassword', 'entra.token', 'keyvault.set'].map(
    (route) => ['gr-a', route] as const,
  ),
  ...['arm.sqlServer', 'arm.sqlServerUpdate', 'arm.sqlOperation', 'tds.login'].map(
    (route) => ['adm', route] as const,
  ),
  ...['tds.login', 'tds.batch', 'keyvault.set'].map((route) => ['db-pw', route] as const),
  ...['arm.listResourceKeys', 'arm.regenerateResourceKey', 'keyvault.set'].map(
    (route) => ['co-a', route] as const,
  ),
];

async function dueOf(kind: string): Promise<string[]> {
  const { tags, value, known } = kinds[kind]?.() ?? { tags: {}, value: '', known: [] };
  tenant.seed(kind, { value, tags });
  await tenant.goTo(tenant.dueOn(kind));
  tenant.configure(); // new clients, so that tokens are asked for again
  return known;
}

async function look(kind: string): Promise<void> {
  await tenant.event(kind);
  await tenant.settle();
}

const asked = (route: string) => tenant.azure.calls.some((call) => call.route === route);

describe('FN-05: no value of any kind comes out', () => {
  it.each(routes)('FN-05: %s: while %s throws back what it was sent', async (kind, route) => {
    await dueOf(kind);
    tenant.azure.echo(route);
    await look(kind);
    expect(asked(route)).toBe(true);
    expect(await leaks(tenant, { printed })).toEqual([]);
    tenant.azure.heal();
    await tenant.advance({ hours: 2 }, { sweepEvery: 0.5 });
    expect(await leaks(tenant, { printed })).toEqual([]);
  });

  it.each(routes)(
    'FN-05: %s: while %s refuses with the values in message and header',
    async (kind, route) => {
      const known = await dueOf(kind);
      const text = `invalid: ${known.join(' ')}`;
      for (const status of [400, 403, 500]) {
        tenant.azure.outage(route, { status, message: text, headers: { 'x-echo': text } });
        await look(kind);
        tenant.azure.heal(route);
        await tenant.advance({ minutes: 11 });
      }
      expect(asked(route)).toBe(true);
      expect(await leaks(tenant, { printed })).toEqual([]);
    },
  );
});

describe('SEC-04: tags that have the login read where the password stands', () => {
  const swapped = 'field=username;login-field=password';
  it.each([
    ['db-pw', 'sql-login', `logins=app_a,app_b;${swapped}`, 'app_a', PASSWORDS.app_a],
    ['one', 'sql-single-login', `login=svc;${swapped}`, 'svc', PASSWORDS.svc],
    ['adm', 'sql-admin-password', swapped, 'padm', ADMIN],
  ])(
    'FN-05: %s: the refusal says where to look and nothing of the value',
    async (name, type, options, username, password) => {
      const tags = {
        rotator: type,
        'rotator-target': tenant.azure.sqlServer('sql1').id,
        'rotator-options': options,
      };
      tenant.seed(name, { value: JSON.stringify({ username, password }), tags });
      await tenant.goTo(tenant.dueOn(name));
      await look(name);
      await tenant.rotate(name, { dryRun: true });
      await tenant.rotate(name);
      await tenant.settle();
      for (const path of ['', '/history'])
        await tenant.request(`/api/vaults/kv1/secrets/${name}${path}`);
      expect(await tenant.row(name)).toMatchObject({
        step: 'refuse',
        reason: 'bad-value',
        detail: expect.stringContaining('`login-field`'),
      });
      expect(await leaks(tenant, { printed })).toEqual([]);
      expect(JSON.stringify([tenant.answers, await tenant.rows()])).not.toContain(
        password.slice(0, 12),
      );
    },
  );
});
