/** ARM calls on SQL servers (azure-facts 5.1). */
import { now } from '../clock.ts';
import { armError, armRefusal } from './armErrors.ts';
import { json, newId, Refusal, type Reply } from './exchange.ts';
import type { Request, Route } from './service.ts';
import { type Operation, SqlServer, weakness } from './sqlServer.ts';
import { hostOf, sqlHostOf, type World } from './world.ts';

const server = String.raw`^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Sql\/servers\/[^/]+)`;
const location = String.raw`^\/subscriptions\/([^/]+)\/providers\/Microsoft\.Sql\/locations\/[^/]+`;
const pathOf = (rest = '') => new RegExp(`${server}${rest}$`, 'i');
const update = 'azure-sdk-for-js arm-sql recording servers_update_test';
const cli = 'azure-cli recording test_sql_server_mgmt';
/** Polls that find it `InProgress`, as recorded. */
const POLLS = 2;
/** How long a change holds up the next one where nobody polls; the length is our choice. */
const RUNNING_MS = 5_000;

function find({ parts: [id = ''] }: Request, world: World): SqlServer {
  const found = [...world.sqlServers.values()].find(
    (item) => item.id.toLowerCase() === id.toLowerCase(),
  );
  if (!found) throw armRefusal.resourceNotFound(id);
  return found;
}

function bodyOf(found: SqlServer, world: World, expanded: boolean): object {
  const { name, id, administrator, entraAdministrator, entraAdministratorId, entraOnly, tags } =
    found;
  const administrators = {
    administratorType: 'ActiveDirectory',
    principalType: entraAdministratorId === undefined ? 'Group' : 'Application',
    login: entraAdministrator ?? 'entra admins',
    sid: entraAdministratorId ?? '00000000-0000-0000-0000-00000000ad11',
    tenantId: world.tenantId,
    azureADOnlyAuthentication: entraOnly,
  };
  return {
    kind: 'v12.0',
    properties: {
      administratorLogin: administrator.name,
      version: '12.0',
      state: 'Ready',
      fullyQualifiedDomainName: sqlHostOf(world, name),
      privateEndpointConnections: [],
      minimalTlsVersion: '1.2',
      publicNetworkAccess: 'Enabled',
      // The administrator is a child resource: shown only where it is asked for (azure-cli `--expand-ad-admin`).
      ...(expanded && (entraOnly || entraAdministrator !== undefined) ? { administrators } : {}),
      restrictOutboundNetworkAccess: 'Disabled',
    },
    location: 'westeurope',
    tags,
    id,
    name,
    type: 'Microsoft.Sql/servers',
  };
}

function get(request: Request, world: World): Reply {
  const expanded = /^administrators\/activedirectory$/i.test(request.query.get('$expand') ?? '');
  return { status: 200, body: bodyOf(find(request, world), world, expanded) };
}

/**
 * Takes every member as Azure would: what is sent is set. `administrators` in an update is ignored or fails
 * [types of arm-sql; azure-rest-api-specs#22464], so that a test must see from `patches` that it was sent.
 */
function patch(request: Request, world: World): Reply {
  const found = find(request, world);
  const body = json(request) ?? {};
  const properties = (body.properties ?? {}) as Record<string, unknown>;
  found.patches.push([
    ...Object.keys(body).filter((name) => name !== 'properties'),
    ...Object.keys(properties).map((name) => `properties.${name}`),
  ]);
  const password = properties.administratorLoginPassword;
  if (password !== undefined && found.entraOnly)
    throw refusal(
      400,
      'AadOnlyAuthenticationIsEnabled',
      'Azure Active Directory Only Authentication is enabled.',
    );
  if ([...found.operations.values()].some(isRunning))
    throw refusal(
      409,
      'UpsertLogicalServerRequestAlreadyInProgress',
      `An upsert of '${found.name}' is in progress.`,
    );
  if (body.tags !== undefined) found.tags = body.tags as Record<string, string>;
  const operation = newId();
  const startTime = SqlServer.time();
  const weak =
    typeof password === 'string' ? weakness(password, found.administrator.name) : undefined;
  if (typeof password === 'string' && !weak) found.setPassword(found.administrator, password);
  found.operations.set(operation, {
    startTime,
    polls: 0,
    ...(weak ? { error: notComplex(weak) } : {}),
  });
  const link = (kind: string) =>
    `https://${hostOf(world, 'management')}/subscriptions/${world.subscriptionId}/providers/Microsoft.Sql/locations/westeurope/${kind}/${operation}?api-version=${request.query.get('api-version')}`;
  return {
    status: 202,
    headers: {
      'azure-asyncoperation': link('serverAzureAsyncOperation'),
      location: link('serverOperationResults'),
      'retry-after': '1',
    },
    body: { operation: 'UpsertLogicalServer', startTime },
  };
}

/** Nobody has seen the end of it, and it began a moment ago. */
const isRunning = ({ polls, startTime }: Operation): boolean =>
  polls <= POLLS && now() - Date.parse(startTime) < RUNNING_MS;

const notComplex = (weak: string) => ({
  code: 'PasswordNotComplex',
  message: `Password validation failed. The password does not meet policy requirements because it is ${weak}.`,
});

/** Members of a refused PATCH, as people quoted them. */
const refusal = (status: number, code: string, message: string) =>
  new Refusal(armError(status, code, message));

function operationOf(id: string, world: World) {
  for (const found of world.sqlServers.values()) {
    const operation = found.operations.get(id);
    if (operation) return { found, operation };
  }
  throw refusal(404, 'OperationIdNotFound', `The operation '${id}' was not found.`);
}

function poll({ parts: [, id = ''] }: Request, world: World): Reply {
  const { operation } = operationOf(id, world);
  operation.polls += 1;
  const { startTime, polls, error } = operation;
  if (polls <= POLLS)
    return {
      status: 200,
      headers: { 'retry-after': '1' },
      body: { name: id, status: 'InProgress', startTime },
    };
  const status = error ? 'Failed' : 'Succeeded';
  return {
    status: 200,
    headers: { 'retry-after': '15' },
    body: { name: id, status, startTime, ...(error ? { error } : {}) },
  };
}

function result({ parts: [, id = ''] }: Request, world: World): Reply {
  const { found, operation } = operationOf(id, world);
  if (operation.polls <= POLLS) return { status: 202, headers: { 'retry-after': '1' } };
  if (operation.error) throw refusal(400, operation.error.code, operation.error.message);
  return { status: 200, body: bodyOf(found, world, false) };
}

function listFailoverGroups(request: Request, world: World): Reply {
  const found = find(request, world);
  const value = found.failoverGroups.map(({ name, partner }) => ({
    id: `${found.id}/failoverGroups/${name}`,
    name,
    type: 'Microsoft.Sql/servers/failoverGroups',
    location: 'West Europe',
    properties: {
      readWriteEndpoint: { failoverPolicy: 'Manual' },
      readOnlyEndpoint: { failoverPolicy: 'Disabled' },
      replicationRole: 'Primary',
      replicationState: 'CATCH_UP',
      partnerServers: [{ id: partner.id, location: 'North Europe', replicationRole: 'Secondary' }],
      databases: [],
    },
  }));
  return { status: 200, body: { value } };
}

export const sqlRoutes: Route[] = [
  {
    name: 'arm.sqlServer',
    method: 'GET',
    path: pathOf(),
    write: false,
    action: 'Microsoft.Sql/servers/read',
    source: 'recorded',
    reference: cli,
    handle: get,
  },
  {
    name: 'arm.sqlServerUpdate',
    method: 'PATCH',
    path: pathOf(),
    write: true,
    action: 'Microsoft.Sql/servers/write',
    source: 'recorded',
    reference: update,
    handle: patch,
  },
  {
    name: 'arm.sqlOperation',
    method: 'GET',
    path: new RegExp(String.raw`${location}\/serverAzureAsyncOperation\/([^/]+)$`, 'i'),
    write: false,
    // That the operation needs its own action is unverified (azure-facts 5.1).
    action: 'Microsoft.Sql/locations/serverAzureAsyncOperation/read',
    source: 'recorded',
    reference: update,
    handle: poll,
  },
  {
    name: 'arm.sqlOperationResult',
    method: 'GET',
    path: new RegExp(String.raw`${location}\/serverOperationResults\/([^/]+)$`, 'i'),
    write: false,
    action: 'Microsoft.Sql/locations/serverOperationResults/read',
    source: 'recorded',
    reference: update,
    handle: result,
  },
  {
    name: 'arm.sqlFailoverGroups',
    method: 'GET',
    path: pathOf(String.raw`\/failoverGroups`),
    write: false,
    action: 'Microsoft.Sql/servers/failoverGroups/read',
    source: 'documented',
    reference: 'https://learn.microsoft.com/rest/api/sql/failover-groups/list-by-server',
    handle: listFailoverGroups,
  },
];
