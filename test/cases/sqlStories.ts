/** A tenant with SQL servers, and what most SQL cases begin with. */
import type { SqlServer } from '../../local/azure/sqlServer.ts';
import type { Version } from '../../local/azure/vault.ts';
import { movingClock } from './clock.ts';
import { startTenant, type Tenant } from './harness.ts';

const KINDS = 'sql-admin-password,sql-login,sql-single-login';
export const PASSWORDS = {
  ...{ app_a: 'Aa0-first-of-a-4711', app_b: 'Bb0-first-of-b-4712', svc: 'Cc0-first-of-c-4713' },
  ...{ "o'neil": 'Gg0-first-of-g-4717', 'x]y': 'Hh0-first-of-h-4718' },
};
export const USERS = { user_a: 'Dd0-first-of-d-4714', user_b: 'Ee0-first-of-e-4715' };
export const ADMIN = 'Zz0-first-of-chief-1';
const CONSENT =
  "keyturn sql-login: kv1/db-pw(app_a,app_b), kv1/odd(o'neil,x]y), kv1/users(shop/user_a,shop/user_b); keyturn sql-single-login: kv1/one(svc); keyturn sql-admin-password: kv1/adm";

/** `sql1` and `sql2`, made alike: one administrator, the same logins and users, the same consent. */
export async function startSqlTenant(): Promise<Tenant> {
  const server = (name: string) => ({
    ...{ name, consent: CONSENT, administratorPassword: ADMIN, entraAdministrator: 'dba-group' },
    ...{ logins: PASSWORDS, databases: { shop: USERS, till: USERS } },
  });
  return await startTenant({
    accounts: [],
    sqlServers: [server('sql1'), server('sql2')],
    env: { KEYTURN_ROTATORS: KINDS },
  });
}

export interface SqlSeed {
  /** Instead of the value of the kind. */
  value?: string;
  /** Instead of the options of the kind. */
  options?: string;
  target?: string;
  policy?: string;
}

const json = (username: string, password: string) =>
  JSON.stringify({ host: 'sql1', username, password, note: 'kept as it is' });

/** What a person stores, by the name of the secret. */
export const SEEDS: Record<string, { type: string; options: string; value: string }> = {
  'db-pw': {
    type: 'sql-login',
    options: 'logins=app_a,app_b;field=password;login-field=username',
    value: json('app_a', PASSWORDS.app_a),
  },
  odd: {
    type: 'sql-login',
    options: "logins=o'neil,x%5Dy;field=password;login-field=username",
    value: json('x]y', PASSWORDS['x]y']),
  },
  users: {
    type: 'sql-login',
    options: 'users=user_a,user_b;database=shop;field=password;login-field=username',
    value: json('user_a', USERS.user_a),
  },
  one: { type: 'sql-single-login', options: 'login=svc', value: PASSWORDS.svc },
  adm: { type: 'sql-admin-password', options: '', value: ADMIN },
};

export function seedSql(tenant: Tenant, name: string, given: SqlSeed = {}): Version {
  const { type, options, value } = SEEDS[name] ??
    SEEDS['db-pw'] ?? { type: '', options: '', value: '' };
  const { options: own = options, target = tenant.azure.sqlServer('sql1').id } = given;
  const tags = {
    rotator: type,
    'rotator-target': target,
    ...(own === '' ? {} : { 'rotator-options': own }),
  };
  const policy = given.policy === undefined ? {} : { policy: given.policy };
  return tenant.seed(name, {
    value: given.value ?? value,
    tags,
    contentType: 'text/x-login',
    ...policy,
  });
}

/** A secret of a person that is due now, in an index that is fresh. */
export async function dueSql(tenant: Tenant, name: string, given: SqlSeed = {}): Promise<Version> {
  const version = seedSql(tenant, name, given);
  await tenant.goTo(tenant.dueOn(name));
  return version;
}

export async function look(tenant: Tenant, name: string): Promise<void> {
  await tenant.event(name);
  await tenant.settle();
}

/** Rotated and proved a minute ago. */
export async function rotatedSql(
  tenant: Tenant,
  name: string,
  given: SqlSeed = {},
): Promise<Version> {
  await dueSql(tenant, name, given);
  await look(tenant, name);
  const current = tenant.current(name);
  if (
    tenant.versions(name).length !== 2 ||
    tenant.stateOf(current).proved !== current.id.slice(0, 8)
  )
    throw new Error(
      `${name} was not rotated and proved: ${JSON.stringify(await tenant.row(name))}`,
    );
  return current;
}

/** Login and password of a value in JSON. */
export function heldIn({ value }: Version): { username: string; password: string } {
  return JSON.parse(value) as { username: string; password: string };
}

export const accepts = (server: SqlServer, version: Version, database?: string): boolean => {
  const { username, password } = heldIn(version);
  return server.accepts(username, password, database);
};

/** Looks at a due secret with a process that dies, wherever it is, as soon as `dead` says so; then a new one starts. */
export async function dieWhen(tenant: Tenant, name: string, dead: () => boolean): Promise<void> {
  const clock = movingClock();
  let died = false;
  const alive = () => {
    died ||= dead();
    if (died) throw new Error('killed');
  };
  tenant.configure(
    {},
    {
      now() {
        alive();
        return clock.now();
      },
      async sleep(milliseconds) {
        alive();
        await clock.sleep(milliseconds);
      },
    },
  );
  await tenant.event(name);
  await tenant.until('the end of the process', () => died);
  tenant.configure();
  await tenant.settle();
}
