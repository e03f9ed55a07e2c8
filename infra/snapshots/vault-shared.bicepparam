// A vault in another subscription than Keyturn's, two of its secrets, events to the function.
using '../vault.bicep'

param vaultName = 'kv-shop'
param principalId = 'aaaaaaaa-2222-4333-8444-555555555555'
param hostStorageId = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.Storage/storageAccounts/stkthgolden'
param workspaceId = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.OperationalInsights/workspaces/log-keyturn'
param functionAppId = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.Web/sites/func-keyturn'
param eventsIdentityId = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-keyturn-events'
param secretNames = ['orders-storage', 'orders-sql']
param rolesAt = 'mg-golden'
