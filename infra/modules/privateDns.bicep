// A private DNS zone, linked to the virtual network.
param zone string
param virtualNetworkId string
param tags { *: string }

resource dns 'Microsoft.Network/privateDnsZones@2020-06-01' = {
  name: zone
  location: 'global'
  tags: tags
}

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = {
  parent: dns
  name: uniqueString(virtualNetworkId)
  location: 'global'
  tags: tags
  properties: { registrationEnabled: false, virtualNetwork: { id: virtualNetworkId } }
}

output id string = dns.id
