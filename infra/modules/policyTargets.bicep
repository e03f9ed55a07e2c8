// What the policy's identity needs at resources of Keyturn that an onboarding refers to: an event subscription and a
// diagnostic setting ask for rights at where they send (learn: event-grid/security-authorization, "write access to that
// resource"; which actions exactly is unverified). None of them lets it become Keyturn.
param policyPrincipalId string
param hostStorageName string
param eventsIdentityName string
param workspaceName string
param queueName string
param containerName string
@description('Whether the policy makes event subscriptions; without them it needs the workspace alone.')
param events bool

var roleName = guid(resourceGroup().id, 'keyturn', 'policy-targets')

var roleId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleName)

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: roleName
  properties: {
    roleName: 'Keyturn policy targets (${uniqueString(resourceGroup().id)})'
    description: 'Lets the onboarding policy point events and logs at Keyturn.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action'
          'Microsoft.OperationalInsights/workspaces/read'
          'Microsoft.OperationalInsights/workspaces/sharedKeys/action' // of no use: local authentication is off
          'Microsoft.Storage/storageAccounts/blobServices/containers/read'
          'Microsoft.Storage/storageAccounts/blobServices/containers/write'
          'Microsoft.Storage/storageAccounts/queueServices/queues/read'
          'Microsoft.Storage/storageAccounts/queueServices/queues/write'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [resourceGroup().id]
  }
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: hostStorageName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource container 'containers' existing = {
      name: containerName
    }
  }

  resource queues 'queueServices' existing = {
    name: 'default'

    resource queue 'queues' existing = {
      name: queueName
    }
  }
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: eventsIdentityName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource atContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (events) {
  scope: storage::blobs::container
  name: guid(storage::blobs::container.id, policyPrincipalId, roleName)
  properties: { principalId: policyPrincipalId, principalType: 'ServicePrincipal', roleDefinitionId: roleId }
  dependsOn: [role]
}

resource atQueue 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (events) {
  scope: storage::queues::queue
  name: guid(storage::queues::queue.id, policyPrincipalId, roleName)
  properties: { principalId: policyPrincipalId, principalType: 'ServicePrincipal', roleDefinitionId: roleId }
  dependsOn: [role]
}

resource atIdentity 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (events) {
  scope: identity
  name: guid(identity.id, policyPrincipalId, roleName)
  properties: { principalId: policyPrincipalId, principalType: 'ServicePrincipal', roleDefinitionId: roleId }
  dependsOn: [role]
}

resource atWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, policyPrincipalId, roleName)
  properties: { principalId: policyPrincipalId, principalType: 'ServicePrincipal', roleDefinitionId: roleId }
  dependsOn: [role]
}
