using '../discovery.bicep'

param principalId = 'aaaaaaaa-2222-4333-8444-555555555555'
