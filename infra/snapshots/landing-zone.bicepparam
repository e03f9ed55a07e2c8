// The private mode in a network that is there, with names that the company gives and records that its policies make; swept
// twice a day, and the policy of its audit container is locked.
using '../main.bicep'

param instance = 'zone-b'
param environmentName = 'golden'
param cloud = 'AzureCloud'
param storageSuffix = 'core.windows.net'
param network = 'private'
param privateDns = 'none'
param subnets = {
  app: '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet-hub/subnets/keyturn'
  endpoints: '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet-hub/subnets/endpoints'
  virtualNetworkId: '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet-hub'
}
param names = {
  app: 'own-app'
  plan: 'own-plan'
  identity: 'own-identity'
  packageIdentity: 'own-package-identity'
  eventsIdentity: 'own-events-identity'
  hostStorage: 'ownhost'
  packageStorage: 'ownpackage'
  workspace: 'own-workspace'
  insights: 'own-insights'
  virtualNetwork: 'own-network'
  noticesTopic: 'own-topic'
}
param auditLocked = true
param sweepWindow = 'P1D'
param noticesTopic = true
param notifySettings = {
  KEYTURN_NOTIFY_OPS: '@Microsoft.KeyVault(SecretUri=https://kv-ops.vault.azure.net/secrets/teams-ops)'
}
param settings = { KEYTURN_AUDIENCE: 'api://keyturn', KEYTURN_RATE: '2/20', KEYTURN_SWEEP_SCHEDULE: '0 7 */12 * * *' }
