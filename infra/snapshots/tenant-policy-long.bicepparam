// A management group whose vaults have system topics of their own, so no events; the longest name that an instance can have.
using '../tenant-policy.bicep'

param location = 'westeurope'
param instance = 'contoso-production-secrets-west-europe-1'
param events = false
param principalId = 'aaaaaaaa-2222-4333-8444-555555555555'
param policyPrincipalId = 'bbbbbbbb-2222-4333-8444-555555555555'
param policyIdentityId = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-policy/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-keyturn-policy'
param hostStorageId = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.Storage/storageAccounts/stkthgolden'
param workspaceId = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.OperationalInsights/workspaces/log-keyturn'
param eventsIdentityId = '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-keyturn/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-keyturn-events'
