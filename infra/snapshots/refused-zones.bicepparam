// Refused: privateDnsZoneIds has to name all four zones; it lacks table, sites
using '../main.bicep'

param cloud = 'AzureCloud'
param storageSuffix = 'core.windows.net'
param network = 'private'
param privateDns = 'existing'
param privateDnsZoneIds = {
  blob: '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net'
  queue: '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.queue.core.windows.net'
  table: ''
}
param settings = { KEYTURN_AUDIENCE: 'api://keyturn' }
