// The private mode with a network, zones and a customer-managed key of its own, on Node 22.
using '../main.bicep'

param environmentName = 'golden'
param cloud = 'AzureCloud'
param storageSuffix = 'core.windows.net'
param network = 'private'
param nodeVersion = '22'
param storageSku = 'Standard_ZRS'
param zoneRedundant = true
param cmk = {
  vaultUri: 'https://kv-keys.example'
  keyName: 'storage'
  identityId: '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keys/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-keys'
}
param settings = {
  KEYTURN_AUDIENCE: 'api://keyturn'
  KEYTURN_MODE: 'run'
  KEYTURN_SUBSCRIPTIONS: '11111111-2222-4333-8444-555555555555'
}
