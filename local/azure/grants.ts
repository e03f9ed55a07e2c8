/** Role assignments of the tenant: exactly what Keyturn's custom roles will hold, and what the conformance suite needs. */
import type { Grant, Principal } from './principals.ts';
import type { World } from './world.ts';

const secretActions = (names: string[]) => names.map((name) => `Microsoft.KeyVault/vaults/secrets/${name}`);

/** Least rights of Keyturn's identity (azure-facts 2.6 and 4.1); the description of those at accounts is their owner's consent. */
export function keyturnGrants(world: World, consents: ReadonlyMap<string, string>): Grant[] {
  const principalId = world.identity.oid;
  const vaults = [...world.vaults.values()].map(({ id }) => ({
    principalId,
    scope: id,
    actions: ['Microsoft.KeyVault/vaults/read', 'Microsoft.Authorization/roleAssignments/read'],
    dataActions: secretActions(['getSecret/action', 'setSecret/action', 'update/action', 'readMetadata/action']),
  }));
  const accounts = [...world.accounts.values()].map(({ id, name }) => ({
    principalId,
    scope: id,
    actions: [
      ...['read', 'listkeys/action', 'regeneratekey/action'].map((verb) => `Microsoft.Storage/storageAccounts/${verb}`),
      'Microsoft.Authorization/roleAssignments/read',
    ],
    description: consents.get(name.toLowerCase()) ?? '',
  }));
  return [...vaults, ...accounts];
}

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
