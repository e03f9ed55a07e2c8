// One storage account for one secret.
using '../target.bicep'

param targetId = '/subscriptions/22222222-2222-4333-8444-555555555555/resourceGroups/rg-shop/providers/Microsoft.Storage/storageAccounts/storders'
param rotator = 'storage-account-key'
param principalId = 'aaaaaaaa-2222-4333-8444-555555555555'
param secrets = ['kv-shop/orders-storage', 'kv-data/*']
