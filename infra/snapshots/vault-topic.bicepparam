// A vault whose system topic was there before, with an identity of its own; private mode, so the queue.
using '../vault.bicep'

param vaultName = 'kv-shop'
param principalId = 'aaaaaaaa-2222-4333-8444-555555555555'
param hostStorageId = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.Storage/storageAccounts/stkthgolden'
param workspaceId = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.OperationalInsights/workspaces/log-keyturn'
param network = 'private'
param systemTopicName = 'shop-topic'
