// Keyturn in one resource group: app, identities, storage, logs and, in the private mode, its network.
targetScope = 'resourceGroup'

import { Cmk, Names, SweepWindow, builtIn, storageNames } from 'modules/types.bicep'
import { Settings, appSettings } from 'modules/settings.bicep'

@description('Name of this installation: what the tag `keyturn` of a vault names. 1 to 40 letters, digits and dashes.')
@minLength(1)
@maxLength(40)
param instance string = 'keyturn'

@description('Name of the azd environment; a tag on everything.')
param environmentName string = instance

param location string = resourceGroup().location

@description('On every resource, beside `azd-env-name`.')
param tags { *: string } = {}

@description('App settings by name (docs/settings.md); what the infrastructure knows is added.')
param settings Settings

@description('public: addresses on the internet, Entra tokens alone. private: virtual network and private endpoints.')
param network 'public' | 'private' = 'public'

@description('Private mode. create: zones here; existing: `privateDnsZoneIds`; none: the landing zone makes the records.')
param privateDns 'create' | 'existing' | 'none' = 'create'

@description('Resource ids of private DNS zones: all four, for `privateDns` existing.')
param privateDnsZoneIds { blob: string?, queue: string?, table: string?, sites: string? } = {}

@description('Private mode: address range of the network that is made, at least a /25.')
param addressPrefix string = '10.64.0.0/24'

@description('Private mode: subnets that are there already, instead. The app\'s is delegated to Microsoft.App/environments.')
param subnets { app: string, endpoints: string, virtualNetworkId: string }?

@description('Node version of the app.')
param nodeVersion '24' | '22' = '24'

param instanceMemoryMB 512 | 2048 | 4096 = 2048

@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Spreads the plan over zones, where the region has them; then take a zone-redundant `storageSku` too.')
param zoneRedundant bool = false

param storageSku 'Standard_LRS' | 'Standard_ZRS' | 'Standard_GRS' | 'Standard_GZRS' = 'Standard_LRS'

@description('Customer-managed key for both storage accounts.')
param cmk Cmk?

@description('Days in which an audit record can be neither changed nor deleted.')
@minValue(1)
@maxValue(146000)
param auditDays int = 365

@description('true once the policy of the audit container is locked: Azure takes no deployment of a locked one, not even an unchanged one (types of @azure/arm-storage: only an unlocked one can be put), so this leaves it as it is.')
param auditLocked bool = false

@minValue(30)
@maxValue(730)
param logDays int = 90

@description('false needs an Azure Monitor Private Link Scope.')
param publicIngestion bool = true

@description('Action groups that alerts tell. None: the alerts are shown in the portal and nowhere else.')
param actionGroupIds string[] = []

@description('At least two intervals of the sweep: for so long without one an alert is raised. The default fits the hourly schedule.')
param sweepWindow SweepWindow = empty(settings.?KEYTURN_SWEEP_SCHEDULE)
  ? 'PT2H'
  : fail('KEYTURN_SWEEP_SCHEDULE is given: give sweepWindow, two of its intervals or more.')

@description('Whether the activity log of the subscription goes to the workspace (docs/operate.md).')
param activityLog bool = true

@description('The cloud, as docs/settings.md names it. Empty: the one that this is deployed in.')
param cloud '' | 'AzureCloud' | 'AzureUSGovernment' | 'AzureChinaCloud' | 'custom' = ''

@description('Suffix of storage hosts. Empty: that of the cloud that this is deployed in.')
param storageSuffix string = ''

@description('Addresses and keys that `KEYTURN_NOTIFY` names, by the names of app settings, as Key Vault references (docs/notices.md).')
param notifySettings { *: string } = {}

@description('Whether a topic of Event Grid is made that notices can be sent to.')
param noticesTopic bool = false

@description('Names of resources, where the defaults do not fit.')
param names Names = {}

var ownCloud = environment().name == 'AzureUSGovernment' || environment().name == 'AzureChinaCloud'
  ? environment().name
  : 'AzureCloud'
var cloudName = empty(cloud) ? ownCloud : cloud
var suffix = empty(storageSuffix) ? environment().suffixes.storage : storageSuffix
var token = uniqueString(resourceGroup().id, instance)
var allTags = { ...tags, 'azd-env-name': environmentName }
var isPublic = network == 'public'
var hostStorageName = names.?hostStorage ?? 'stkth${token}'
var packageStorageName = names.?packageStorage ?? 'stktp${token}'
var appName = names.?app ?? 'func-${instance}-${token}'

module identity 'modules/identity.bicep' = {
  params: { name: names.?identity ?? 'id-${instance}', location: location, tags: allTags }
}

module packageIdentity 'modules/identity.bicep' = {
  params: { name: names.?packageIdentity ?? 'id-${instance}-package', location: location, tags: allTags }
}

// Event Grid delivers as this one, in the public mode; a firewall lets only system-assigned ones through (azure-facts 3.2).
module eventsIdentity 'modules/identity.bicep' = {
  params: { name: names.?eventsIdentity ?? 'id-${instance}-events', location: location, tags: allTags }
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    workspaceName: names.?workspace ?? 'log-${instance}-${token}'
    insightsName: names.?insights ?? 'appi-${instance}-${token}'
    location: location
    tags: allTags
    retentionDays: logDays
    principalId: identity.outputs.principalId
    publicIngestion: publicIngestion
  }
}

module hostStorage 'modules/storage.bicep' = {
  params: {
    name: hostStorageName
    location: location
    tags: allTags
    sku: storageSku
    publicAccess: isPublic
    cmk: cmk
    versioning: false
    containers: [
      { name: storageNames.audit, immutableDays: auditLocked ? null : auditDays }
      { name: storageNames.deadLetters }
    ]
    queues: flatten(map(
      [storageNames.eventsQueue, storageNames.noticesQueue, storageNames.workQueue],
      // The host asks for the poison queues from its start on, and makes them only when something fails (HST-03).
      queue => [queue, '${queue}-poison']
    ))
    workspaceId: monitoring.outputs.workspaceId
  }
}

module packageStorage 'modules/storage.bicep' = {
  params: {
    name: packageStorageName
    location: location
    tags: allTags
    sku: storageSku
    publicAccess: isPublic
    cmk: cmk
    versioning: true
    containers: [{ name: storageNames.package }]
    workspaceId: monitoring.outputs.workspaceId
  }
}

module hostRoles 'modules/storageRoles.bicep' = {
  params: {
    accountName: hostStorage.outputs.name
    principalId: identity.outputs.principalId
    account: [builtIn.blobOwner, builtIn.queueContributor, builtIn.tableContributor]
  }
}

module packageRoles 'modules/storageRoles.bicep' = {
  params: {
    accountName: packageStorage.outputs.name
    principalId: packageIdentity.outputs.principalId
    containers: [{ name: storageNames.package, role: builtIn.blobContributor }]
  }
}

module eventsRoles 'modules/storageRoles.bicep' = {
  params: {
    accountName: hostStorage.outputs.name
    principalId: eventsIdentity.outputs.principalId
    containers: [{ name: storageNames.deadLetters, role: builtIn.blobContributor }]
    queues: [{ name: storageNames.eventsQueue, role: builtIn.queueSender }]
  }
}

module private 'modules/private.bicep' = if (!isPublic) {
  params: {
    name: names.?virtualNetwork ?? 'vnet-${instance}'
    location: location
    tags: allTags
    addressPrefix: addressPrefix
    subnets: subnets
    privateDns: privateDns
    privateDnsZoneIds: privateDnsZoneIds
    cloud: cloudName
    storageSuffix: suffix
    storage: [
      { name: 'host', id: hostStorage.outputs.id, groups: ['blob', 'queue', 'table'] }
      { name: 'package', id: packageStorage.outputs.id, groups: ['blob', 'queue', 'table'] }
    ]
  }
}

module topic 'modules/noticesTopic.bicep' = if (noticesTopic) {
  params: {
    name: names.?noticesTopic ?? 'evgt-${instance}-${token}'
    location: location
    tags: allTags
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module app 'modules/app.bicep' = {
  // The rights come first: a token remembers for hours what it lacked (case FN-03).
  dependsOn: [hostRoles, packageRoles]
  params: {
    name: appName
    planName: names.?plan ?? 'plan-${instance}-${token}'
    location: location
    tags: allTags
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    zoneRedundant: zoneRedundant
    identityId: identity.outputs.id
    packageIdentityId: packageIdentity.outputs.id
    packageUri: 'https://${packageStorageName}.blob.${suffix}/${storageNames.package}'
    subnetId: isPublic ? '' : private!.outputs.appSubnetId
    publicAccess: isPublic
    settings: union(
      notifySettings,
      appSettings(
        settings,
        instance,
        cloudName,
        tenant().tenantId,
        identity.outputs.clientId,
        identity.outputs.principalId,
        hostStorageName,
        suffix,
        packageStorageName
      )
    )
    insightsName: monitoring.outputs.insightsName
    clientId: identity.outputs.clientId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module appEndpoint 'modules/privateEndpoint.bicep' = if (!isPublic) {
  params: {
    name: 'pe-${appName}'
    location: location
    tags: allTags
    subnetId: private!.outputs.endpointSubnetId
    targetId: app.outputs.id
    group: 'sites'
    zoneId: private!.outputs.sitesZoneId
  }
}

module alerts 'modules/alerts.bicep' = {
  params: {
    workspaceId: monitoring.outputs.workspaceId
    actionGroupIds: actionGroupIds
    activityLog: activityLog
    sweepWindow: sweepWindow
    location: location
    tags: allTags
    namePrefix: instance
    packageAccountName: packageStorageName
  }
}

output AZURE_FUNCTION_APP_ID string = app.outputs.id
output AZURE_FUNCTION_APP_NAME string = app.outputs.name
output AZURE_FUNCTION_APP_HOST string = app.outputs.hostName
output AZURE_IDENTITY_ID string = identity.outputs.id
output AZURE_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output AZURE_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output AZURE_EVENTS_IDENTITY_ID string = eventsIdentity.outputs.id
output AZURE_HOST_STORAGE_ID string = hostStorage.outputs.id
output AZURE_WORKSPACE_ID string = monitoring.outputs.workspaceId
output AZURE_NOTICES_ENDPOINT string = noticesTopic ? topic!.outputs.endpoint : ''
output AZURE_NETWORK_MODE string = network
