// The function app on Flex Consumption. Nobody publishes to it by password, and nobody debugs it.
param name string
param planName string
param location string
param tags { *: string }
param nodeVersion string
param instanceMemoryMB int
param maximumInstanceCount int
param zoneRedundant bool
@description('Keyturn works as this identity.')
param identityId string
@description('The platform fetches and stores the package as this one: Keyturn itself has no right to its own package.')
param packageIdentityId string
@description('Address of the container that holds the package.')
param packageUri string
@description('Empty: no virtual network.')
param subnetId string
param publicAccess bool
@description('App settings without those of telemetry.')
param settings { *: string }
param insightsName string
@description('Client id for telemetry.')
param clientId string
param workspaceId string

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { tier: 'FlexConsumption', name: 'FC1' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  // azd finds the app by this tag, and only one may carry it.
  tags: { ...tags, 'azd-service-name': 'keyturn' }
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {}, '${packageIdentityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    // References in settings (notices) are read as Keyturn itself; without this the platform asks for a system-assigned identity.
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageUri
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: packageIdentityId }
        }
      }
      runtime: { name: 'node', version: nodeVersion }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      remoteDebuggingEnabled: false
      http20Enabled: true
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    ...settings
    // Names an address and an instrumentation key, which admits nobody: the component takes Entra tokens alone.
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${clientId};Authorization=AAD'
  }
}

resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

resource appLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: app
  name: 'keyturn'
  properties: { workspaceId: workspaceId, logs: [{ category: 'FunctionAppLogs', enabled: true }] }
}

output id string = app.id
output name string = app.name
output hostName string = app.properties.defaultHostName
