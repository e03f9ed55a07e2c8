/** Role assignments of the tenant: exactly what Keyturn's custom roles will hold, and what the conformance suite needs. */

import type { KeyedResource } from './keyedResource.ts';
import type { Grant, Principal } from './principals.ts';
import type { World } from './world.ts';

export const secretActions = (names: string[]) =>
  names.map((name) => `Microsoft.KeyVault/vaults/secrets/${name}`);

/** Reading consent, and what it may do itself. */
const OWN_RIGHTS = ['roleAssignments', 'permissions', 'locks'].map(
  (what) => `Microsoft.Authorization/${what}/read`,
);

/** Least rights of Keyturn's identity (azure-facts 2.6 and 4.1); the description of those at accounts is their owner's consent. */
export function keyturnGrants(world: World, consents: ReadonlyMap<string, string>): Grant[] {
  const principalId = world.identity.oid;
  const vaults = [...world.vaults.values()].map(({ id }) => ({
    principalId,
    scope: id,
    actions: [
      'Microsoft.KeyVault/vaults/read',
      'Microsoft.Authorization/permissions/read',
      'Microsoft.EventGrid/eventSubscriptions/read',
    ],
    dataActions: secretActions([
      'getSecret/action',
      'setSecret/action',
      'update/action',
      'readMetadata/action',
    ]),
  }));
  const accounts = [...world.accounts.values()].map(({ id, name }) => ({
    principalId,
    scope: id,
    actions: [
      ...['read', 'listkeys/action', 'regeneratekey/action'].map(
        (verb) => `Microsoft.Storage/storageAccounts/${verb}`,
      ),
      ...OWN_RIGHTS,
    ],
    description: consents.get(name.toLowerCase()) ?? '',
  }));
  return [...vaults, ...accounts];
}

/** What the three SQL kinds need (azure-facts 5.1); operations live in the subscription, not in the server. */
export function sqlGrants(world: World, consents: ReadonlyMap<string, string>): Grant[] {
  const principalId = world.identity.oid;
  const servers = [...world.sqlServers.values()].map(({ id, name }) => ({
    principalId,
    scope: id,
    actions: [
      ...['read', 'write', 'failoverGroups/read'].map((verb) => `Microsoft.Sql/servers/${verb}`),
      ...OWN_RIGHTS,
    ],
    description: consents.get(name.toLowerCase()) ?? '',
  }));
  const operations = ['serverAzureAsyncOperation', 'serverOperationResults'];
  const actions = operations.map((kind) => `Microsoft.Sql/locations/${kind}/read`);
  const poll = { principalId, scope: `/subscriptions/${world.subscriptionId}`, actions };
  return servers.length > 0 ? [...servers, poll] : [];
}

/** The key actions of a resource's type with its owner's consent, and reading the outermost resource above it. */
export function keyedGrants(world: World, { id, type }: KeyedResource, consent: string): Grant[] {
  const principalId = world.identity.oid;
  const [provider = '', kind = ''] = type.name.split('/');
  const verbs = ['read', ...Object.keys(type.functions).map((name) => `${name}/action`)];
  const actions = [...verbs.map((verb) => `${type.name}/${verb}`), ...OWN_RIGHTS];
  const outermost = {
    principalId,
    scope: id.split('/').slice(0, 9).join('/'),
    actions: [`${provider}/${kind}/read`],
  };
  return [{ principalId, scope: id, actions, description: consent }, outermost];
}

/** The consumer role at a resource: whether the pattern is what Azure calls the refresh of a site is unverified. */
export const consumerGrant = (world: World, scope: string): Grant => ({
  principalId: world.identity.oid,
  scope,
  actions: [
    ...[
      'sites/read',
      'sites/config/read',
      'sites/slots/read',
      'sites/slots/config/read',
      'sites/*/refresh/action',
    ].map((each) => `Microsoft.Web/${each}`),
    ...['read', 'namedValues/read', 'namedValues/refreshSecret/action'].map(
      (each) => `Microsoft.ApiManagement/service/${each}`,
    ),
    'Microsoft.App/containerApps/read',
  ],
});

/** Everything, everywhere in the subscription. */
export const fullGrant = (world: World, { oid }: Principal): Grant => ({
  principalId: oid,
  scope: `/subscriptions/${world.subscriptionId}`,
  actions: ['*'],
  dataActions: ['*'],
});

/** Reads secrets and no more. */
export const readerGrant = (world: World, { oid }: Principal): Grant => ({
  principalId: oid,
  scope: `/subscriptions/${world.subscriptionId}`,
  actions: [],
  dataActions: secretActions(['getSecret/action', 'readMetadata/action']),
});
