// Roles of one principal at a storage account, or at one container or queue of it where that is enough.
param accountName string
param principalId string
@description('Role definition ids at the account.')
param account string[] = []
param containers { name: string, role: string }[] = []
param queues { name: string, role: string }[] = []

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: accountName

  resource blobs 'blobServices' existing = {
    name: 'default'
  }

  resource queueService 'queueServices' existing = {
    name: 'default'
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = [
  for each in containers: { parent: storage::blobs, name: each.name }
]

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01' existing = [
  for each in queues: { parent: storage::queueService, name: each.name }
]

resource atAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in account: {
    scope: storage
    name: guid(storage.id, principalId, role)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

resource atContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (each, at) in containers: {
    scope: container[at]
    name: guid(container[at].id, principalId, each.role)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', each.role)
    }
  }
]

resource atQueue 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (each, at) in queues: {
    scope: queue[at]
    name: guid(queue[at].id, principalId, each.role)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', each.role)
    }
  }
]
