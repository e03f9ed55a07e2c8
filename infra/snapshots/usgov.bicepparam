// US Government, private: other suffixes and zones, and the addresses of the host's storage in full.
using '../main.bicep'

param environmentName = 'golden'
param cloud = 'AzureUSGovernment'
param storageSuffix = 'core.usgovcloudapi.net'
param network = 'private'
param settings = { KEYTURN_AUDIENCE: 'api://keyturn', KEYTURN_SUBSCRIPTIONS: '11111111-2222-4333-8444-555555555555' }
