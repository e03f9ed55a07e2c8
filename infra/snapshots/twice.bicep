// For snapshots only: the same vault onboarded twice in one deployment.
targetScope = 'resourceGroup'

param location string = resourceGroup().location

module first '../vault.bicep' = {
  params: {
    vaultName: 'kv-shop'
    location: location
    principalId: 'aaaaaaaa-2222-4333-8444-555555555555'
    hostStorageId: '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.Storage/storageAccounts/stkthgolden'
    workspaceId: '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.OperationalInsights/workspaces/log-keyturn'
    network: 'private'
  }
}

module second '../vault.bicep' = {
  dependsOn: [first]
  params: {
    vaultName: 'KV-shop'
    location: location
    principalId: 'aaaaaaaa-2222-4333-8444-555555555555'
    hostStorageId: '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.Storage/storageAccounts/stkthgolden'
    workspaceId: '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.OperationalInsights/workspaces/log-keyturn'
    network: 'private'
  }
}
