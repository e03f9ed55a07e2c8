/** OPS-03: a right that is known to be missing is said before anything is changed: in a dry run, by readiness, while observing. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ReadinessBody } from '../../src/api/readinessBody.ts';
import { startTenant, type Tenant } from './harness.ts';

const PASSWORDS = {
  app_a: 'Aa0-first-of-a-4711',
  app_b: 'Bb0-first-of-b-4712',
  svc: 'Cc0-first-of-c-4713',
};
const USERS = { user_a: 'Dd0-first-of-d-4714', user_b: 'Ee0-first-of-e-4715' };
const REDIS = 'Microsoft.Cache/redis';
let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({
    accounts: [{ name: 'acct1' }],
    keyed: [{ type: REDIS, name: 'redis1', consent: 'keyturn redis-key: kv1/redis' }],
    sqlServers: [
      {
        ...{
          name: 'sql1',
          logins: PASSWORDS,
          databases: { shop: USERS },
          administratorPassword: 'Zz0-first-of-chief-1',
        },
        consent:
          'keyturn sql-login: kv1/login(app_a,app_b), kv1/user(shop/user_a,shop/user_b); keyturn sql-single-login: kv1/single(svc); keyturn sql-admin-password: kv1/admin',
      },
    ],
    env: {
      KEYTURN_ROTATORS:
        'storage-account-key,redis-key,sql-login,sql-single-login,sql-admin-password,app-registration',
    },
  });
});
beforeEach(async () => {
  await tenant.clear();
  tenant.azure.world.identity.graphRoles = [OWNED_BY];
  tenant.azure
    .sqlServer('sql1')
    .entraLogins.set(oid(), new Set(['ALTER ANY LOGIN', 'ALTER ANY USER']));
});
afterAll(() => tenant.stop());

const OWNED_BY = 'Application.ReadWrite.OwnedBy';
const json = (username: string, password: string) => JSON.stringify({ username, password });
const sql = (rotator: string, options: string) => ({
  tags: {
    rotator,
    'rotator-target': tenant.azure.sqlServer('sql1').id,
    'rotator-options': options,
  },
});
const FIELDS = 'field=password;login-field=username';
const oid = () => tenant.azure.world.identity.oid;
/** The identity loses what fits the pattern, wherever it was given. */
function lose(pattern: RegExp): void {
  for (const grant of tenant.azure.world.roles.all)
    for (const kind of ['actions', 'dataActions'] as const)
      if (grant.principalId === oid())
        grant[kind] = (grant[kind] ?? []).filter((action) => !pattern.test(action));
}
const permissions = () => tenant.azure.sqlServer('sql1').entraLogins.get(oid()) as Set<string>;

/** One secret of each kind, and what takes a right away. */
const KINDS: Record<
  string,
  {
    seed: () => void;
    lose: () => void;
    reason: string;
    detail: RegExp;
    remedy: RegExp;
    by?: string;
  }
> = {
  'storage-account-key': {
    seed: () => tenant.seed('a', { account: 'acct1' }),
    lose: () => lose(/regenerateKey/i),
    reason: 'target-forbidden',
    detail: /lacks Microsoft\.Storage\/storageAccounts\/regenerateKey\/action/,
    remedy: /role/,
  },
  'redis-key': {
    seed: () => {
      const redis = tenant.azure.keyed(REDIS, 'redis1');
      tenant.seed('redis', {
        value: redis.key('primaryKey'),
        tags: { rotator: 'redis-key', 'rotator-target': redis.id },
      });
    },
    lose: () => lose(/redis\/regenerateKey/i),
    reason: 'target-forbidden',
    detail: /lacks Microsoft\.Cache\/redis\/regenerateKey\/action/,
    remedy: /role/,
  },
  'sql-login': {
    seed: () =>
      tenant.seed('login', {
        value: json('app_a', PASSWORDS.app_a),
        ...sql('sql-login', `logins=app_a,app_b;${FIELDS}`),
      }),
    lose: () => permissions().delete('ALTER ANY LOGIN'),
    reason: 'target-forbidden',
    detail: /lacks ALTER ANY LOGIN in sql1/,
    remedy: /##MS_LoginManager##/,
  },
  'sql-login of a database': {
    seed: () =>
      tenant.seed('user', {
        value: json('user_a', USERS.user_a),
        ...sql('sql-login', `users=user_a,user_b;database=shop;${FIELDS}`),
      }),
    lose: () => permissions().delete('ALTER ANY USER'),
    reason: 'target-forbidden',
    detail: /lacks ALTER ANY USER in the database "shop" of sql1/,
    remedy: /GRANT ALTER ANY USER/,
  },
  'sql-single-login': {
    seed: () =>
      tenant.seed('single', { value: PASSWORDS.svc, ...sql('sql-single-login', 'login=svc') }),
    lose: () => permissions().delete('ALTER ANY LOGIN'),
    reason: 'target-forbidden',
    detail: /lacks ALTER ANY LOGIN in sql1/,
    remedy: /##MS_LoginManager##/,
  },
  'sql-login that Keyturn has no login for': {
    seed: () =>
      tenant.seed('login', {
        value: json('app_a', PASSWORDS.app_a),
        ...sql('sql-login', `logins=app_a,app_b;${FIELDS}`),
      }),
    lose: () => tenant.azure.sqlServer('sql1').entraLogins.delete(oid()),
    reason: 'target-forbidden',
    detail: /does not let the identity of Keyturn in/,
    remedy: /CREATE LOGIN/,
  },
  'sql-admin-password': {
    seed: () =>
      tenant.seed('admin', { value: 'Zz0-first-of-chief-1', ...sql('sql-admin-password', '') }),
    lose: () => lose(/servers\/write/),
    reason: 'target-forbidden',
    detail: /lacks Microsoft\.Sql\/servers\/write/,
    remedy: /role/,
  },
  'app-registration': {
    seed: () => {
      const app = tenant.azure.ownedApplication('portal', 'kv1/portal');
      const { secretText } = app.addPassword({ displayName: 'by hand' });
      tenant.seed('portal', {
        value: secretText,
        tags: { rotator: 'app-registration', 'rotator-target': app.appId },
      });
    },
    lose: () => tenant.azure.world.applications[0]?.owners.clear(),
    reason: 'target-forbidden',
    detail: /is no owner of the application/,
    remedy: /owner of the application/,
  },
  'a vault role without set': {
    seed: () => tenant.seed('a', { account: 'acct1' }),
    lose: () => lose(/secrets\/setSecret/),
    reason: 'vault-forbidden',
    detail: /lacks Microsoft\.KeyVault\/vaults\/secrets\/setSecret\/action/,
    remedy: /Key Vault Secrets Officer/,
    by: 'operator',
  },
};
const nameOf = () => [...tenant.azure.vault('kv1').secrets.values()][0]?.name ?? '';

async function dryRun(name = nameOf()) {
  const answer = await tenant.rotate(name, { dryRun: true });
  expect(answer.status).toBe(200);
  const { plan } = (await answer.json()) as {
    plan: {
      accepted: boolean;
      refusal?: { detail: string; remedy: string };
      checks: { check: string }[];
    };
  };
  return { ...plan, rights: plan.checks.filter(({ check }) => check === 'rights') };
}
const writes = () => tenant.azure.writes().length;

describe('OPS-03: a dry run', () => {
  beforeEach(async () => {
    await tenant.sweepAndSettle(); // the index
  });

  it.each(Object.entries(KINDS))(
    'of %s: accepted with all rights, refused with the one that is missing, and nothing is written',
    async (_title, kind) => {
      kind.seed();
      await tenant.advance({ days: 2 }, { sweepEvery: 24 });
      const before = writes();
      const good = await dryRun();
      expect(good).toMatchObject({ accepted: true });
      expect(good.rights.length).toBeGreaterThan(0);
      for (const right of good.rights) expect(right).toMatchObject({ passed: true });
      expect(good.rights.some((right) => 'unknown' in right)).toBe(false);

      kind.lose();
      tenant.configure({ KEYTURN_ROTATORS: ROTATORS() });
      const bad = await dryRun();
      const { reason, detail, remedy, by = 'target owner' } = kind;
      expect(bad).toMatchObject({ accepted: false, steps: [], refusal: { reason, by } });
      const refusal = bad.refusal ?? { detail: '', remedy: '' };
      expect(refusal.detail).toMatch(detail);
      expect(refusal.remedy).toMatch(remedy);
      expect(refusal.remedy).not.toMatch(/<\w+>/);
      expect(writes()).toBe(before);
      // The request itself is refused for the same at once.
      const asked = await tenant.rotate(nameOf(), {});
      expect(asked.status).toBeGreaterThanOrEqual(400);
      expect(await asked.json()).toMatchObject({ reason });
    },
  );

  it('says that it cannot tell where it may not ask, and refuses nothing for that', async () => {
    tenant.seed('a', { account: 'acct1' });
    await tenant.advance({ days: 2 }, { sweepEvery: 24 });
    lose(/Authorization\/permissions/);
    const plan = await dryRun();
    expect(plan).toMatchObject({ accepted: true });
    expect(plan.rights).toEqual([
      expect.objectContaining({
        passed: true,
        unknown: true,
        detail: expect.stringMatching(/permissions\/read/),
      }),
      expect.objectContaining({ passed: true, unknown: true }),
    ]);
  });

  it('cannot tell where the server of SQL gives NULL and lists nothing; what it lists counts', async () => {
    const { seed } = KINDS['sql-login'] as (typeof KINDS)[string];
    seed();
    await tenant.advance({ days: 2 }, { sweepEvery: 24 });
    tenant.azure.sqlServer('sql1').permissionsUnknown = true;
    try {
      expect((await dryRun()).rights.some((right) => 'unknown' in right)).toBe(false);
      permissions().delete('ALTER ANY LOGIN');
      const plan = await dryRun();
      expect(plan).toMatchObject({ accepted: true });
      expect(plan.rights.filter((right) => 'unknown' in right)).toHaveLength(1);
    } finally {
      tenant.azure.sqlServer('sql1').permissionsUnknown = false;
      permissions().add('ALTER ANY LOGIN');
    }
  });

  it('asks, as a look does that changes nothing: no pass does between two of its writes', async () => {
    tenant.seed('a', { account: 'acct1' });
    await tenant.goTo(tenant.dueOn('a'));
    tenant.azure.calls.length = 0;
    await tenant.sweepAndSettle();
    await tenant.advance({ hours: 50 }, { sweepEvery: 12 });
    expect(tenant.versions('a')).toHaveLength(2);
    const { calls } = tenant.azure;
    const from = calls.findIndex(({ write }) => write);
    const stored = calls.findIndex(({ write, method }) => write && method === 'PUT');
    const between = calls.slice(0, stored).filter(({ route }) => route === 'arm.permissions');
    expect([from < stored, between]).toEqual([true, []]);
  });
});

const ROTATORS = () =>
  'storage-account-key,redis-key,sql-login,sql-single-login,sql-admin-password,app-registration';

describe('OPS-03: an instance that only observes', () => {
  it.each(Object.entries(KINDS).filter(([title]) => !/no login for/.test(title)))(
    'lists what %s would be refused for',
    async (_title, kind) => {
      kind.seed();
      kind.lose();
      tenant.configure({ KEYTURN_MODE: 'observe', KEYTURN_ROTATORS: ROTATORS() });
      await tenant.goTo(tenant.dueOn(nameOf()));
      await tenant.advance({ hours: 3 }, { sweepEvery: 1 }); // a role may be spreading for half an hour
      expect(await tenant.row(nameOf())).toMatchObject({
        step: 'refuse',
        reason: kind.reason,
        detail: expect.stringMatching(kind.detail),
      });
      expect(tenant.logs('would alert')).toMatchObject([
        { reason: kind.reason, remedy: expect.stringMatching(kind.remedy) },
      ]);
      expect(tenant.alerts()).toEqual([]);
    },
  );

  it('shows the plan of what has all its rights', async () => {
    tenant.seed('a', { account: 'acct1' });
    tenant.configure({ KEYTURN_MODE: 'observe' });
    await tenant.goTo(tenant.dueOn('a'));
    await tenant.sweepAndSettle();
    expect(await tenant.row('a')).toMatchObject({
      reason: 'mode-observe',
      detail: expect.stringMatching(/^Would rotate/),
    });
  });
});

describe('OPS-03: readiness', () => {
  const vaults = async () => {
    const response = await tenant.request('/api/readiness', { roles: ['Keyturn.Read'] });
    return { status: response.status, ...ReadinessBody.parse(await response.json()) };
  };

  it('names a vault that may be read and not written', async () => {
    expect((await vaults()).vaults).toMatchObject([{ ready: true }, { ready: true }]);
    for (const grant of tenant.azure.world.roles.all)
      if (grant.scope === tenant.azure.vault('kv1').id)
        grant.dataActions = (grant.dataActions ?? []).filter(
          (action) => !/setSecret|update/.test(action),
        );
    const answer = await vaults();
    expect(answer.status).toBe(503);
    expect(answer.vaults).toMatchObject([
      {
        vault: 'kv1',
        ready: false,
        reason: 'vault-forbidden',
        by: 'operator',
        detail: expect.stringMatching(/setSecret.*update/),
      },
      { vault: 'kv2', ready: true },
    ]);
  });

  it('is ready where it cannot be told', async () => {
    lose(/Authorization\/permissions/);
    expect(await vaults()).toMatchObject({ status: 200, ready: true });
  });
});
