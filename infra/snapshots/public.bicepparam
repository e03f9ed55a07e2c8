// The public mode with all defaults.
using '../main.bicep'

param environmentName = 'golden'
param cloud = 'AzureCloud'
param storageSuffix = 'core.windows.net'
param tags = { 'cost-centre': '4711' }
param settings = {
  KEYTURN_AUDIENCE: 'api://keyturn'
  KEYTURN_ROTATORS: 'storage-account-key, sql-login'
  KEYTURN_VAULTS: '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-shop/providers/Microsoft.KeyVault/vaults/kv-shop'
}
