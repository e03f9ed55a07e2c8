/** Azure Resource Manager: tokens, rights and error bodies of every ARM call, and the vaults and role assignments. */

import { aboutRoutes, scopeAbout } from './armAbout.ts';
import { consumerRoutes } from './armConsumers.ts';
import { databaseRoutes } from './armDatabases.ts';
import { armError, armRefusal } from './armErrors.ts';
import { sqlRoutes } from './armSql.ts';
import { storageRoutes } from './armStorage.ts';
import { bearer, type Call, decodePath, newId, type Reply } from './exchange.ts';
import type { Principal } from './principals.ts';
import { authorizeGraph, graphPath, resourceGraphRoutes } from './resourceGraph.ts';
import type { Request, Route, Service } from './service.ts';
import { twoKeyRoutes } from './twoKeys.ts';
import type { Vault } from './vault.ts';
import { audiences, hostOf, type World } from './world.ts';

const vaultPath =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.KeyVault\/vaults\/([^/]+)$/i;
const assignmentsPath =
  /^(\/subscriptions\/.+?)\/providers\/Microsoft\.Authorization\/roleAssignments$/i;
const permissionsPath =
  /^(\/subscriptions\/.+?)\/providers\/Microsoft\.Authorization\/permissions$/i;
const listForScope =
  'https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope';

function getVault({ path }: Request, world: World): Reply {
  const vault = [...world.vaults.values()].find(
    ({ id }) => id.toLowerCase() === path.toLowerCase(),
  );
  if (!vault) throw armRefusal.resourceNotFound(path);
  return { status: 200, body: vaultBody(vault, world) };
}

const vaultBody = (vault: Vault, world: World) => ({
  id: vault.id,
  name: vault.name,
  type: 'Microsoft.KeyVault/vaults',
  location: 'westeurope',
  tags: vault.tags,
  properties: {
    sku: { family: 'A', name: 'standard' },
    tenantId: world.tenantId,
    accessPolicies: [],
    enabledForDeployment: false,
    enableSoftDelete: true,
    softDeleteRetentionInDays: vault.recoverableDays,
    enableRbacAuthorization: vault.rbac,
    vaultUri: `https://${hostOf(world, `${vault.name.toLowerCase()}.vault`)}/`,
    provisioningState: 'Succeeded',
    publicNetworkAccess: 'Enabled',
  },
});

function listAssignments({ parts: [scope = ''], query }: Request, world: World): Reply {
  const filter = query.get('$filter') ?? '';
  const principalId = /^(?:principalId eq|assignedTo\()\s*'([^']*)'\)?$/.exec(
    filter.replace(/^atScope\(\) and /, ''),
  )?.[1];
  const atScope = filter.startsWith('atScope()');
  // Anything else is refused: a filter that is silently ignored would show other people's consent as ours.
  if (filter !== '' && filter !== 'atScope()' && principalId === undefined)
    throw armRefusal.badFilter(filter);
  const value = world.roles.list(scope, {
    atScope,
    ...(principalId === undefined ? {} : { principalId }),
  });
  return {
    status: 200,
    body: {
      value: value.map((item) => ({
        id: `${item.scope}/providers/Microsoft.Authorization/roleAssignments/${item.name}`,
        name: item.name,
        type: 'Microsoft.Authorization/roleAssignments',
        properties: {
          roleDefinitionId: `/subscriptions/${world.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${item.roleDefinitionId}`,
          principalId: item.principalId,
          principalType: 'ServicePrincipal',
          scope: item.scope,
          condition: item.condition ?? null,
          conditionVersion: item.condition === undefined ? null : '2.0',
          description: item.description ?? null,
        },
      })),
    },
  };
}

/** One block for each role that applies to the caller, from above too; neither scope nor name is told. */
function listPermissions({ parts: [scope = ''], principal }: Request, world: World): Reply {
  const held = world.roles.list(scope, {
    atScope: true,
    ...(principal ? { principalId: principal.oid } : {}),
  });
  const value = held.map(
    ({ actions = [], notActions = [], dataActions = [], notDataActions = [] }) => ({
      ...{ actions, notActions, dataActions, notDataActions },
    }),
  );
  return { status: 200, body: { value, nextLink: null } };
}

export const armRoutes: Route[] = [
  ...storageRoutes,
  ...sqlRoutes,
  ...databaseRoutes,
  ...resourceGraphRoutes,
  {
    name: 'arm.vault',
    method: 'GET',
    path: vaultPath,
    write: false,
    action: 'Microsoft.KeyVault/vaults/read',
    source: 'documented',
    reference: 'https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/get',
    handle: getVault,
  },
  {
    name: 'arm.roleAssignments',
    method: 'GET',
    path: assignmentsPath,
    write: false,
    action: 'Microsoft.Authorization/roleAssignments/read',
    source: 'documented',
    reference: listForScope,
    handle: listAssignments,
  },
  {
    name: 'arm.permissions',
    method: 'GET',
    path: permissionsPath,
    write: false,
    action: 'Microsoft.Authorization/permissions/read',
    source: 'documented',
    reference: 'https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource',
    handle: listPermissions,
  },
  ...consumerRoutes,
  ...aboutRoutes,
  ...twoKeyRoutes,
];

async function authenticate(call: Call, world: World): Promise<Principal> {
  const token = bearer(call);
  if (token === undefined)
    throw armRefusal.unauthenticated(
      world,
      'AuthenticationFailed',
      "Authentication failed. The 'Authorization' header is missing.",
    );
  const claims = await world.signer.read(token);
  if (claims === 'expired')
    throw armRefusal.unauthenticated(
      world,
      'ExpiredAuthenticationToken',
      'The access token expiry UTC time is earlier than current UTC time.',
    );
  if (claims === 'malformed')
    throw armRefusal.unauthenticated(
      world,
      'InvalidAuthenticationToken',
      'The access token is invalid.',
    );
  const audience = String(claims.aud).replace(/\/$/, '');
  if (audience !== audiences.arm)
    throw armRefusal.unauthenticated(
      world,
      'InvalidAuthenticationTokenAudience',
      `The access token has been obtained for wrong audience or resource '${audience}'. It should exactly match with one of the allowed audiences '${audiences.arm}/','${audiences.arm}'.`,
    );
  const principal = world.principals.find(({ oid }) => oid === claims.oid);
  if (!principal)
    throw armRefusal.unauthenticated(
      world,
      'InvalidAuthenticationToken',
      'The access token is invalid.',
    );
  return principal;
}

/** Rights first, then existence: who may not look learns nothing about what is there. */
function authorize(request: Request, route: Route, world: World): void {
  const { principal, path } = request;
  const action = route.actionOf?.(request) ?? route.action;
  if (!principal) throw new Error('ARM takes no anonymous calls');
  const scope = scopeOf(path);
  if (!world.roles.allows(principal, 'actions', action, scope))
    throw armRefusal.unauthorized(principal, action, scope);
  const [, subscription = '', group] =
    /^\/subscriptions\/([^/]+)(?:\/resourceGroups\/([^/]+))?/i.exec(scope) ?? [];
  if (subscription.toLowerCase() !== world.subscriptionId)
    throw armRefusal.noSubscription(subscription);
  if (group !== undefined && !world.resourceGroups.has(group.toLowerCase()))
    throw armRefusal.noGroup(group);
  const lockedAt = route.method === 'GET' ? undefined : world.locks.readOnlyOver(scope);
  if (lockedAt !== undefined) throw armRefusal.locked(path, lockedAt);
}

/** The resource that a path is about, without the action or the sub-list at its end. */
const scopeOf = (path: string) =>
  (assignmentsPath.exec(path) ?? permissionsPath.exec(path))?.[1] ??
  scopeAbout(path) ??
  path.replace(/(\/providers\/[^/]+(?:\/[^/]+\/[^/]+)+)\/[^/]+$/, '$1');

export const arm: Service = {
  name: 'arm',
  routes: armRoutes,
  authenticate,
  pathOf: decodePath,
  precheck: ({ query }) => {
    const version = query.get('api-version');
    if (!version) throw armRefusal.noVersion();
    if (!/^\d{4}-\d{2}-\d{2}(?:-[a-z]+)?$/i.test(version)) throw armRefusal.badVersion(version);
  },
  authorize: (request, route, world) =>
    graphPath.test(request.path)
      ? authorizeGraph(request, world)
      : authorize(request, route, world),
  error: armError,
  unrouted: ({ path, method }) => {
    if (/^\/subscriptions\//i.test(path) && method !== 'GET')
      return armError(405, 'MethodNotAllowed', `${method} is not allowed.`);
    return armError(
      404,
      'InvalidResourceType',
      `The resource type could not be found for ${path}.`,
    );
  },
  headers: () => ({
    'x-ms-request-id': newId(),
    'x-ms-correlation-request-id': newId(),
    'x-ms-routing-request-id': `WESTEUROPE:${newId()}`,
  }),
};
