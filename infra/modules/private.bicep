// Network, names and private endpoints of the private mode.
param name string
param location string
param tags { *: string }
param addressPrefix string
param subnets { app: string, endpoints: string, virtualNetworkId: string }?
param privateDns 'create' | 'existing' | 'none'
param privateDnsZoneIds { blob: string?, queue: string?, table: string?, sites: string? }
param cloud string
param storageSuffix string
param storage { name: string, id: string, groups: string[] }[]

// privatelink.azurewebsites.us: learn, private-link/private-endpoint-dns. The Chinese zone is unverified.
var sitesZones = {
  AzureUSGovernment: 'privatelink.azurewebsites.us'
  AzureChinaCloud: 'privatelink.chinacloudsites.cn'
}
var zones = [
  { group: 'blob', name: 'privatelink.blob.${storageSuffix}' }
  { group: 'queue', name: 'privatelink.queue.${storageSuffix}' }
  { group: 'table', name: 'privatelink.table.${storageSuffix}' }
  { group: 'sites', name: sitesZones[?cloud] ?? 'privatelink.azurewebsites.net' }
]
var endpoints = flatten(map(
  storage,
  account => map(account.groups, group => { account: account.name, id: account.id, group: group })
))

module made 'network.bicep' = if (subnets == null) {
  params: { name: name, location: location, tags: tags, addressPrefix: addressPrefix }
}

var virtualNetworkId = subnets.?virtualNetworkId ?? made!.outputs.id
var endpointSubnetId = subnets.?endpoints ?? made!.outputs.endpointSubnetId

module dns 'privateDns.bicep' = [
  for zone in zones: if (privateDns == 'create') {
    params: { zone: zone.name, virtualNetworkId: virtualNetworkId, tags: tags }
  }
]

// Left out, a zone would mean no record, and an app that cannot find its own storage.
var lacking = filter(['blob', 'queue', 'table', 'sites'], group => empty(privateDnsZoneIds[?group]))
var givenZoneIds = privateDns == 'existing' && !empty(lacking)
  ? fail('With privateDns existing, privateDnsZoneIds has to name all four zones; it lacks ${join(lacking, ', ')}')
  : privateDnsZoneIds
var zoneIds = {
  blob: privateDns == 'create' ? dns[0]!.outputs.id : privateDns == 'none' ? '' : givenZoneIds.?blob ?? ''
  queue: privateDns == 'create' ? dns[1]!.outputs.id : privateDns == 'none' ? '' : givenZoneIds.?queue ?? ''
  table: privateDns == 'create' ? dns[2]!.outputs.id : privateDns == 'none' ? '' : givenZoneIds.?table ?? ''
  sites: privateDns == 'create' ? dns[3]!.outputs.id : privateDns == 'none' ? '' : givenZoneIds.?sites ?? ''
}

module storageEndpoints 'privateEndpoint.bicep' = [
  for each in endpoints: {
    params: {
      name: 'pe-${name}-${each.account}-${each.group}'
      location: location
      tags: tags
      subnetId: endpointSubnetId
      targetId: each.id
      group: each.group
      zoneId: zoneIds[each.group]
    }
  }
]

output appSubnetId string = subnets.?app ?? made!.outputs.appSubnetId
output endpointSubnetId string = endpointSubnetId
output sitesZoneId string = zoneIds.sites
