// A private DNS zone, linked to the virtual network.
param zone string
param virtualNetworkId string
param tags { *: string }

resource dns 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: zone
  location: 'global'
  tags: tags
}

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = {
  parent: dns
  name: uniqueString(virtualNetworkId)
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    // A target whose private endpoint is in another network has no record here. Without this its name would not resolve at
    // all, not even to its public address (learn, dns/private-dns-fallback).
    resolutionPolicy: 'NxDomainRedirect'
    virtualNetwork: { id: virtualNetworkId }
  }
}

output id string = dns.id
