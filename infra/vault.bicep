// Onboards one vault that is there already: what Keyturn may do in it, its events and its log. Deployed into the vault's
// resource group, in whatever subscription that is. It never defines the vault: a redeploy would replace what its owner
// set (case KV-10). Run again, it changes nothing.
targetScope = 'resourceGroup'

import { storageNames } from 'modules/types.bicep'

@description('Name of the vault, which is in RBAC mode.')
param vaultName string

@description('Region of the vault, where its system topic has to be.')
param location string = resourceGroup().location

@description('Object id of Keyturn\'s identity: output AZURE_IDENTITY_PRINCIPAL_ID of main.bicep.')
param principalId string

@description('Resource id of Keyturn\'s host storage: output AZURE_HOST_STORAGE_ID.')
param hostStorageId string

@description('Resource id of the workspace: output AZURE_WORKSPACE_ID.')
param workspaceId string

@description('Resource id of the function app: output AZURE_FUNCTION_APP_ID. Needed where events go to the function, which has to be deployed already.')
param functionAppId string = ''

@description('Resource id of the identity that Event Grid delivers as: output AZURE_EVENTS_IDENTITY_ID. Of no use in the private mode.')
param eventsIdentityId string = ''

@description('Network mode of the Keyturn deployment.')
param network 'public' | 'private' = 'public'

@description('Where events go. A function behind private endpoints cannot be reached: its private mode takes the queue.')
param destination 'function' | 'queue' = network == 'private' ? 'queue' : 'function'

@description('false: no events; the sweep finds everything within its interval.')
param events bool = true

@description('Name of the system topic that the vault has already: there can be but one for each vault.')
param systemTopicName string = ''

@description('Identity that this topic has.')
param systemTopicIdentity 'SystemAssigned' | 'UserAssigned' | 'None' = 'SystemAssigned'

@description('Name of the management group at which infra/roles.bicep made the roles, above this group. Empty: a role of this resource group is made.')
param rolesAt string = ''

@description('Id (GUID) of a role "Keyturn vault" that is there already, as tenant-policy.bicep makes it; empty: as rolesAt says.')
param roleId string = ''

@description('Names of the only secrets that Keyturn may read and write, in the very case they have. Empty: all of them. Key Vault has this as a preview.')
param secretNames string[] = []

@description('false where another diagnostic setting sends the audit log to the same workspace.')
param diagnostics bool = true

param tags { *: string } = {}

var rights = loadJsonContent('roles.json', '$.vault')
var ownRole = empty(roleId) && empty(rolesAt)
var vaultRole = !empty(roleId)
  ? roleId
  : guid(toLower(empty(rolesAt) ? resourceGroup().id : rolesAt), 'keyturn', 'vault')
var reuse = !empty(systemTopicName)
var topicName = reuse ? systemTopicName : 'egst-keyturn-${toLower(vaultName)}'
// A firewall lets Event Grid through with a system-assigned identity only (azure-facts 3.2).
var identity = reuse
  ? systemTopicIdentity
  : network == 'private' || empty(eventsIdentityId) ? 'SystemAssigned' : 'UserAssigned'
var deliverAs = identity == 'UserAssigned'
  ? { type: 'UserAssigned', userAssignedIdentity: eventsIdentityId }
  : { type: 'SystemAssigned' }

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (ownRole) {
  name: vaultRole
  properties: {
    // The name is unique in the tenant, so it carries the group that it is for.
    roleName: 'Keyturn vault (${uniqueString(toLower(resourceGroup().id))})'
    description: 'Lets Keyturn read, write and list secrets; not delete or purge them. Group ${resourceGroup().name}.'
    type: 'CustomRole'
    permissions: [{ actions: rights.actions, notActions: [], dataActions: rights.dataActions, notDataActions: [] }]
    assignableScopes: [resourceGroup().id]
  }
}

// On readMetadata a condition would make listing 403 (azure-facts 2.6), so names stay visible.
var named = {
  '@Resource': map(secretNames, name => '@Resource[Microsoft.KeyVault/vaults/secrets:name] StringEquals \'${name}\'')
  '@Request': map(secretNames, name => '@Request[Microsoft.KeyVault/vaults/secrets:name] StringEquals \'${name}\'')
}
var clauses = map(
  [
    { action: 'getSecret', of: '@Resource' }
    { action: 'update', of: '@Resource' }
    { action: 'setSecret', of: '@Request' }
  ],
  each =>
    '(!(ActionMatches{\'Microsoft.KeyVault/vaults/secrets/${each.action}/action\'}) OR (${join(named[each.of], ' OR ')}))'
)

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  // Lower-cased, since the same vault in another spelling would be the same assignment under a second name: an error.
  name: guid(toLower(vault.id), toLower(principalId), vaultRole)
  dependsOn: [role]
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', vaultRole)
    condition: empty(secretNames) ? null : join(clauses, ' AND ')
    conditionVersion: empty(secretNames) ? null : '2.0'
  }
}

resource newTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (events && !reuse) {
  name: topicName
  location: location
  tags: tags
  identity: identity == 'UserAssigned'
    ? { type: 'UserAssigned', userAssignedIdentities: { '${eventsIdentityId}': {} } }
    : { type: 'SystemAssigned' }
  properties: { source: vault.id, topicType: 'Microsoft.KeyVault.vaults' }
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

// Read when the deployment starts, so only a topic that was there before: the one made here would not be found.
resource topicIdentity 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = if (events && reuse && identity == 'SystemAssigned') {
  name: topicName
}

// Of the shared identity main.bicep has made these already.
module delivery 'modules/delivery.bicep' = if (events && identity == 'SystemAssigned') {
  scope: resourceGroup(split(hostStorageId, '/')[2], split(hostStorageId, '/')[4])
  params: {
    accountName: last(split(hostStorageId, '/'))
    principalId: reuse ? topicIdentity!.identity.principalId : newTopic!.identity.principalId
    toQueue: destination == 'queue'
  }
}

var deadLetters = {
  endpointType: 'StorageBlob'
  properties: { resourceId: hostStorageId, blobContainerName: storageNames.deadLetters }
}
var toFunction = {
  endpointType: 'AzureFunction'
  properties: {
    resourceId: '${functionAppId}/functions/secretEvents'
    maxEventsPerBatch: 1
    preferredBatchSizeInKilobytes: 64
  }
}
// Without an end of its own a message would expire after seven days (azure-facts 9.5).
var toQueue = {
  endpointType: 'StorageQueue'
  properties: {
    resourceId: hostStorageId
    queueName: storageNames.eventsQueue
    queueMessageTimeToLiveInSeconds: -1
  }
}

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = if (events) {
  parent: topic
  name: 'keyturn'
  dependsOn: [newTopic, delivery]
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: [
        'Microsoft.KeyVault.SecretNearExpiry'
        'Microsoft.KeyVault.SecretExpired'
        'Microsoft.KeyVault.SecretNewVersionCreated'
      ]
    }
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
    // Event Grid calls functions without an identity; a topic without one can neither fill a queue nor keep dead letters.
    destination: destination == 'function' ? toFunction : null
    deliveryWithResourceIdentity: destination == 'queue'
      ? identity == 'None'
          ? fail('A topic without an identity cannot deliver to the queue: give it one, or take the function.')
          : { identity: deliverAs, destination: toQueue }
      : null
    deadLetterWithResourceIdentity: identity == 'None'
      ? null
      : { identity: deliverAs, deadLetterDestination: deadLetters }
  }
}

// Last, since tenant-policy.bicep takes this for the sign that the vault is onboarded.
resource log 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (diagnostics) {
  scope: vault
  name: 'keyturn'
  dependsOn: [access, subscription]
  properties: { workspaceId: workspaceId, logs: [{ categoryGroup: 'audit', enabled: true }] }
}

resource topicLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (events && !reuse) {
  scope: newTopic
  name: 'keyturn'
  properties: { workspaceId: workspaceId, logs: [{ category: 'DeliveryFailures', enabled: true }] }
}
