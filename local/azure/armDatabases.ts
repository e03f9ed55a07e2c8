/** ARM's GET on flexible servers of PostgreSQL and MySQL; the servers themselves are real ones, or none. */

import { armError, armRefusal } from './armErrors.ts';
import type { DatabaseServer, DatabaseServerOptions } from './databaseServer.ts';
import { Refusal, type Reply } from './exchange.ts';
import type { Request, Route } from './service.ts';
import type { World } from './world.ts';

const KINDS = {
  postgresql: {
    type: 'Microsoft.DBforPostgreSQL/flexibleServers',
    zone: 'postgres',
    version: '15',
  },
  mysql: { type: 'Microsoft.DBforMySQL/flexibleServers', zone: 'mysql', version: '8.0.21' },
} as const;
type Kind = keyof typeof KINDS;

/** Stable versions in azure-rest-api-specs (specification/postgresql and mysql), the newest last. */
const VERSIONS: Readonly<Record<Kind, readonly string[]>> = {
  postgresql: ['2022-12-01', '2023-12-01', '2024-08-01'],
  mysql: ['2021-05-01', '2023-12-30'],
};

/** Puts a server into the tenant, with the right to read it and its owner's consent. */
export function addDatabaseServer(world: World, options: DatabaseServerOptions): DatabaseServer {
  world.resourceGroups.add('rg-keyturn');
  const { type } = KINDS[options.kind];
  const id = `/subscriptions/${world.subscriptionId}/resourceGroups/rg-keyturn/providers/${type}/${options.name}`;
  const server = { ...options, id };
  world.databases.set(id.toLowerCase(), server);
  world.roles.grant({
    principalId: world.identity.oid,
    scope: id,
    actions: [`${type}/read`, 'Microsoft.Authorization/roleAssignments/read'],
    description: options.consent ?? '',
  });
  return server;
}

function get(kind: Kind, { path, query }: Request, world: World): Reply {
  const version = query.get('api-version') ?? '';
  if (!VERSIONS[kind].includes(version)) {
    const known = VERSIONS[kind].join(', ');
    const message = `No registered resource provider found for API version '${version}'. The supported api-versions are '${known}'.`;
    throw new Refusal(armError(400, 'NoRegisteredProviderFound', message));
  }
  const found = world.databases.get(path.toLowerCase());
  if (!found) throw armRefusal.resourceNotFound(path);
  return { status: 200, body: bodyOf(found, world) };
}

function bodyOf({ kind, id, name, ...server }: DatabaseServer, world: World): object {
  const { type, zone, version } = KINDS[kind];
  const { administrator = 'padm', passwordAuth = 'Enabled' } = server;
  const authConfig = { activeDirectoryAuth: 'Enabled', passwordAuth, tenantId: world.tenantId };
  return {
    id,
    name,
    type,
    location: 'West Europe',
    sku: { name: 'Standard_D2ds_v4', tier: 'GeneralPurpose' },
    properties: {
      administratorLogin: administrator,
      version,
      state: 'Ready',
      fullyQualifiedDomainName:
        server.host ?? `${name.toLowerCase()}.${zone}.database.keyturn.localhost`,
      replicationRole: kind === 'mysql' ? 'None' : 'Primary',
      ...(kind === 'postgresql' ? { authConfig } : {}),
    },
  };
}

const routeOf = (kind: Kind): Route => ({
  name: `databases.${kind}`,
  method: 'GET',
  path: new RegExp(
    String.raw`^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/${KINDS[kind].type.replaceAll('.', String.raw`\.`)}\/[^/]+$`,
    'i',
  ),
  write: false,
  action: `${KINDS[kind].type}/read`,
  source: 'documented',
  reference: `azure-rest-api-specs ${kind} flexibleServers ServerGet`,
  handle: (request, world) => get(kind, request, world),
});

export const databaseRoutes: Route[] = [routeOf('postgresql'), routeOf('mysql')];
