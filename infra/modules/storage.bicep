// A storage account that nobody can reach with a key, with its containers, queues and logs.
import { Cmk, Container } from 'types.bicep'

param name string
param location string
param tags { *: string }
param sku string
@description('false: only private endpoints, and Event Grid as a trusted service with a system-assigned identity (azure-facts 3.2).')
param publicAccess bool
param cmk Cmk?
param containers Container[]
param queues string[] = []
@description('Keeps overwritten blobs, so that a package can be rolled back.')
param versioning bool
param workspaceId string

var customerKey = cmk == null
  ? {}
  : {
      encryption: {
        keySource: 'Microsoft.Keyvault'
        keyvaultproperties: { keyvaulturi: cmk!.vaultUri, keyname: cmk!.keyName }
        identity: { userAssignedIdentity: cmk!.identityId }
        // Queues and tables take the key of the account only when they are created with it.
        services: {
          blob: { enabled: true, keyType: 'Account' }
          file: { enabled: true, keyType: 'Account' }
          queue: { enabled: true, keyType: 'Account' }
          table: { enabled: true, keyType: 'Account' }
        }
      }
    }

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  identity: cmk == null ? null : { type: 'UserAssigned', userAssignedIdentities: { '${cmk!.identityId}': {} } }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: publicAccess ? 'None' : 'AzureServices'
      defaultAction: publicAccess ? 'Allow' : 'Deny'
    }
    ...customerKey
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: versioning
    deleteRetentionPolicy: { enabled: true, days: 14 }
    containerDeleteRetentionPolicy: { enabled: true, days: 14 }
  }
}

resource blobContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = [
  for container in containers: {
    parent: blobs
    name: container.name
    properties: { publicAccess: 'None' }
  }
]

// Unlocked: locking it cannot be undone, so a person does that, and then sets `auditLocked` (docs/deploy.md).
resource immutability 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2024-01-01' = [
  for (container, at) in containers: if (container.?immutableDays != null) {
    parent: blobContainers[at]
    name: 'default'
    properties: {
      immutabilityPeriodSinceCreationInDays: container.?immutableDays
      allowProtectedAppendWrites: true
    }
  }
]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource accountQueues 'Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01' = [
  for queue in queues: {
    parent: queueService
    name: queue
  }
]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2024-01-01' = {
  parent: account
  name: 'default'
}

// Who wrote or removed a package, an audit record or a host key is seen in these.
var logs = [
  { category: 'StorageWrite', enabled: true }
  { category: 'StorageDelete', enabled: true }
]

resource blobLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: blobs
  name: 'keyturn'
  properties: { workspaceId: workspaceId, logs: concat(logs, [{ category: 'StorageRead', enabled: true }]) }
}

resource queueLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: queueService
  name: 'keyturn'
  properties: { workspaceId: workspaceId, logs: logs }
}

resource tableLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: tableService
  name: 'keyturn'
  properties: { workspaceId: workspaceId, logs: logs }
}

output id string = account.id
output name string = account.name
output blobUri string = account.properties.primaryEndpoints.blob
