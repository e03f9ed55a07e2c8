/** A tenant in which there is a target of every kind, and Keyturn holds the roles of infra/roles.json and no other right. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { addDatabaseServer } from '../../local/azure/armDatabases.ts';
import type { Azure } from '../../local/azure/azure.ts';
import type { LoggedCall } from '../../local/azure/calls.ts';
import type { World } from '../../local/azure/world.ts';
import { pairOf } from '../../src/core/formSpec.ts';
import { type TwoKeyRow, twoKeyTable } from '../../src/rotators/twoKeyTable.ts';
import { startTenant, type Tenant } from '../cases/harness.ts';
import { resourceFor } from '../contract/twoKey.fixtures.ts';

const Role = z.object({
  actions: z.array(z.string()),
  dataActions: z.array(z.string()).default([]),
});
const Roles = z.object({ vault: Role, discovery: Role, targets: z.record(z.string(), Role) });
export type Roles = z.infer<typeof Roles>;

/** What main, vault, target and discovery.bicep load. */
export const rolesInBicep = (): Roles =>
  Roles.parse(
    JSON.parse(readFileSync(join(import.meta.dirname, '../../infra/roles.json'), 'utf8')),
  );

/** One target; `name` is in the path of every call about it. */
export interface Place {
  readonly kind: string;
  readonly name: string;
  readonly id: string;
  readonly value: string;
  readonly options?: string;
  /** Logins that the consent names. */
  readonly logins?: string;
  /** Of its secret; default: kv1. */
  readonly vault?: string;
}

const PASSWORDS = {
  app_a: 'Aa0-first-of-a-4711',
  app_b: 'Bb0-first-of-b-4712',
  svc: 'Cc0-first-of-c-4713',
};
const ADMIN = 'Zz0-first-of-chief-1';
const SQL = {
  'sql-admin-password': { value: ADMIN },
  'sql-login': {
    value: JSON.stringify({ username: 'app_a', password: PASSWORDS.app_a }),
    options: 'logins=app_a,app_b;field=password;login-field=username',
    logins: '(app_a,app_b)',
  },
  'sql-single-login': { value: PASSWORDS.svc, options: 'login=svc', logins: '(svc)' },
};
const DATABASE = {
  value: JSON.stringify({ username: 'app_a', password: PASSWORDS.app_a }),
  options: 'logins=app_a,app_b;field=password;login-field=username',
  logins: '(app_a,app_b)',
};

const keyedName = (row: TwoKeyRow, at: number): string => `${row.type}-${at}`;
const keyed = twoKeyTable.flatMap((row) =>
  row.armTypes.map((type, at) => resourceFor(row, type, keyedName(row, at))),
);

/** Starts it; nothing is seeded or granted yet. */
export async function startEveryKind(kinds: readonly string[]): Promise<Tenant> {
  const sqlServers = Object.keys(SQL).map((name) => ({
    ...{ name, administratorPassword: ADMIN, entraAdministrator: 'dba-group', logins: PASSWORDS },
  }));
  const tenant = await startTenant({
    vaults: ['kv1'],
    accounts: [{ name: 'storage-account-key'.replaceAll('-', '') }],
    ...{ keyed, sqlServers },
  });
  const { KEYTURN_CLOUD_ENDPOINTS, KEYTURN_VAULTS } = tenant.azure.env();
  const zone = 'database.keyturn.localhost';
  const audience = 'https://ossrdbms-aad.database.windows.net';
  const endpoints = JSON.parse(KEYTURN_CLOUD_ENDPOINTS ?? '');
  const planes = {
    ...endpoints.planes,
    postgresql: { suffix: `.postgres.${zone}`, audience },
    mysql: { suffix: `.mysql.${zone}`, audience },
  };
  tenant.configure({
    KEYTURN_ROTATORS: kinds.join(),
    KEYTURN_RATE: '1000/10000',
    KEYTURN_DATABASE_USER: 'id-keyturn',
    KEYTURN_SUBSCRIPTIONS: tenant.azure.world.subscriptionId,
    KEYTURN_VAULTS: KEYTURN_VAULTS ?? '',
    KEYTURN_CLOUD_ENDPOINTS: JSON.stringify({ ...endpoints, planes }),
  });
  return tenant;
}

const azureFolder = join(import.meta.dirname, '../../local/azure');
/** Kinds whose file in the stand-in says where one is and what people use of it: `iotDeviceKeyFake.ts` is of `iot-device-key`. */
const fakes = await Promise.all(
  readdirSync(azureFolder)
    .filter((file) => file.endsWith('Fake.ts'))
    .map(async (file) => {
      const made: { place(world: World, name: string): Omit<Place, 'kind' | 'name'> } =
        await import(join(azureFolder, file));
      const kind = file
        .replace('Fake.ts', '')
        .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      return { kind, place: made.place };
    }),
);

/** A target of each kind, with the value that people use. */
export function placesIn({ azure }: Tenant): Place[] {
  const keys = twoKeyTable.flatMap((row) =>
    row.armTypes.map((type, at): Place => {
      const name = keyedName(row, at);
      const resource = azure.keyed(type, resourceFor(row, type, name).name);
      const [, slot = ''] = Object.keys(row.slots);
      const member = (row.list.array === undefined ? slot : row.slots[slot]) ?? '';
      const key = resource.key(member);
      return {
        kind: row.type,
        name,
        id: resource.id,
        value: row.pair ? pairOf(row.pair, resource.idOf(member), key) : key,
      };
    }),
  );
  const sql = Object.entries(SQL).map(
    ([kind, given]): Place => ({ kind, name: kind, id: azure.sqlServer(kind).id, ...given }),
  );
  const databases = (['postgresql', 'mysql'] as const).map((kind): Place => {
    const name = `${kind}-login`;
    return { kind: name, name, id: addDatabaseServer(azure.world, { kind, name }).id, ...DATABASE };
  });
  const application = azure.ownedApplication('payroll', 'kv1/app-registration');
  const { secretText } = application.addPassword({
    displayName: 'by hand',
    endDateTime: '2038-01-01T00:00:00Z',
  });
  const account = azure.account('storageaccountkey');
  const own = fakes.map(
    ({ kind, place }): Place => ({ kind, name: kind, ...place(azure.world, kind) }),
  );
  return [
    ...keys,
    ...own,
    ...sql,
    ...databases,
    {
      kind: 'app-registration',
      name: 'app-registration',
      id: application.appId,
      value: secretText,
      options: 'revoke-adopted=true',
    },
    { kind: 'storage-account-key', name: account.name, id: account.id, value: account.key('key1') },
  ];
}

/**
 * Takes every right from Keyturn's identity and gives it the roles where docs/permissions.md has them assigned: of a resource
 * below another at the outermost one, whose facts are read, too, and the operations of SQL in the subscription.
 */
export function assign(azure: Azure, roles: Roles, places: readonly Place[]): void {
  const { world } = azure;
  const principalId = world.identity.oid;
  const inSubscription = (action: string) => action.includes('/locations/');
  world.roles.all.length = 0;
  const subscription = `/subscriptions/${world.subscriptionId}`;
  for (const { id } of world.vaults.values())
    world.roles.grant({ principalId, scope: id, ...roles.vault });
  world.roles.grant({ principalId, scope: subscription, ...roles.discovery });
  for (const { kind, id, name, vault = 'kv1', logins = '' } of places) {
    const { actions = [], dataActions = [] } = roles.targets[kind] ?? {};
    if (!id.startsWith('/')) continue; // an application: its permission is Graph's
    const scope = id.split('/').slice(0, 9).join('/');
    const own = actions.filter((action) => !inSubscription(action));
    // Above what stands below another resource the consent names it.
    const below = id.split('/').filter((_, at) => at > 8 && at % 2 === 0);
    const part = logins || (below.length > 0 ? `(${below.join('/')})` : '');
    const description = `keyturn ${kind}: ${vault}/${name}${part}`;
    world.roles.grant({ principalId, scope, actions: own, dataActions, description });
    const shared = actions.filter(inSubscription);
    if (shared.length > 0) world.roles.grant({ principalId, scope: subscription, actions: shared });
  }
}

/**
 * A look at a long regeneration, in the subscription's `locations/…/operationsStatus`: whether Azure asks for a right there is
 * unverified, no role holds one, and Keyturn goes by the listed keys where it is refused. The doctor asks for more than a role
 * gives where somebody may have given it: topics of the vault's group, locks above a target, conditions of assignments.
 */
export const isOptional = ({ route, path }: LoggedCall): boolean =>
  ['arm.keyOperation', 'arm.systemTopics', 'arm.topicSubscriptions'].includes(route) ||
  (route === 'arm.locks' && !/\/providers\/[^/]+\/.+\/providers\//i.test(path)) ||
  (route === 'arm.roleAssignments' && /\/vaults\//i.test(path));

/** Actions by what they were used at: `vault`, `discovery`, or the kind of the target. Those of Graph stand apart. */
export function usedIn(
  calls: readonly LoggedCall[],
  principal: string,
  places: readonly Place[],
): Map<string, Set<string>> {
  const used = new Map<string, Set<string>>();
  for (const call of calls) {
    if (call.principal !== principal || !call.action.startsWith('Microsoft.') || isOptional(call))
      continue;
    const at = whereOf(call, places);
    used.set(at, (used.get(at) ?? new Set()).add(call.action.toLowerCase()));
  }
  return used;
}

function whereOf({ action, host, path }: LoggedCall, places: readonly Place[]): string {
  if (action.startsWith('Microsoft.KeyVault/') || /\/Microsoft\.KeyVault\//i.test(path))
    return 'vault';
  if (action.startsWith('Microsoft.ResourceGraph/')) return 'discovery';
  if (action.startsWith('Microsoft.Sql/locations/')) return 'sql-admin-password';
  // A data plane is the resource's own host.
  const segments = [host.split('.')[0], ...path.toLowerCase().split(/[/?]/)];
  return places.find(({ name }) => segments.includes(name))?.kind ?? `nowhere: ${path}`;
}
