// What the identity of a system topic needs to deliver: at the container of dead letters and, for the queue, at that.
// Without a loop: its `copy` would be taken for one of the deployment's own where tenant-policy.bicep holds the compiled
// template in a variable (Azure/bicep#7241; seen in the snapshot).
import { builtIn, storageNames } from 'types.bicep'

param accountName string
param principalId string
param toQueue bool

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: accountName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource deadLetters 'containers' existing = {
      name: storageNames.deadLetters
    }
  }

  resource queues 'queueServices' existing = {
    name: 'default'

    resource events 'queues' existing = {
      name: storageNames.eventsQueue
    }
  }
}

resource atDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage::blobs::deadLetters
  name: guid(storage::blobs::deadLetters.id, principalId, builtIn.blobContributor)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtIn.blobContributor)
  }
}

resource atQueue 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (toQueue) {
  scope: storage::queues::events
  name: guid(storage::queues::events.id, principalId, builtIn.queueSender)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtIn.queueSender)
  }
}
