// Onboards every vault of a management group whose ARM tag `keyturn` names this instance, with vault.bicep as it is compiled
// in compiled/vault.json, and audits how the vaults are secured. Existing vaults need a remediation task (docs/deploy.md).
targetScope = 'managementGroup'

import { storageNames } from 'modules/types.bicep'

@description('Name of this installation, the value of the tag `keyturn`.')
@minLength(1)
@maxLength(40)
param instance string = 'keyturn'

@description('Region of the policy assignment\'s identity.')
param location string = deployment().location

@description('Object id of Keyturn\'s identity: output AZURE_IDENTITY_PRINCIPAL_ID of main.bicep.')
param principalId string

@description('Resource id of Keyturn\'s host storage: output AZURE_HOST_STORAGE_ID.')
param hostStorageId string

@description('Resource id of the workspace: output AZURE_WORKSPACE_ID.')
param workspaceId string

@description('Resource id of the identity that Event Grid delivers as: output AZURE_EVENTS_IDENTITY_ID.')
param eventsIdentityId string

@description('Network mode of the Keyturn deployment. In the private mode the policy makes no event subscriptions: they would need an identity of each topic, to which it may grant nothing. The sweep serves these vaults, or vault.bicep does it by hand.')
param network 'public' | 'private' = 'public'

@description('false: no event subscriptions in the public mode either. A vault can have but one system topic, and the policy cannot tell whether there is one: at a vault that has, making another fails for ever. Onboard such vaults with vault.bicep and their topic\'s name, or all of them without events, which the sweep makes up for.')
param events bool = true

@description('Resource id of the user-assigned identity that the policy works as; it is of no other use.')
param policyIdentityId string

@description('Object id of that identity.')
param policyPrincipalId string

@description('DeployIfNotExists onboards; AuditIfNotExists shows what it would do.')
param effect 'DeployIfNotExists' | 'AuditIfNotExists' | 'Disabled' = 'DeployIfNotExists'

var rights = loadJsonContent('roles.json', '$.vault')
var scope = managementGroup().id
var makesEvents = events && network == 'public'
var vaultRole = guid(scope, 'keyturn', 'vault', instance)
var policyRole = guid(scope, 'keyturn', 'policy', instance)
var grantRole = guid(scope, 'keyturn', 'policy-grant', instance)

// Azure lets a role with data actions stand at a management group and be assigned below it (learn: custom-roles).
resource vaultRoleDefinition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: vaultRole
  properties: {
    roleName: 'Keyturn vault (${managementGroup().name}, ${instance})'
    description: 'Lets Keyturn read, write and list secrets; not delete or purge them.'
    type: 'CustomRole'
    permissions: [{ actions: rights.actions, notActions: [], dataActions: rights.dataActions, notDataActions: [] }]
    assignableScopes: [scope]
  }
}

resource policyRoleDefinition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: policyRole
  properties: {
    roleName: 'Keyturn policy (${managementGroup().name}, ${instance})'
    description: 'What deploying vault.bicep takes at a vault. Which reads Azure asks for beside the writes is unverified.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.EventGrid/systemTopics/eventSubscriptions/read'
          'Microsoft.EventGrid/systemTopics/eventSubscriptions/write'
          'Microsoft.EventGrid/systemTopics/read'
          'Microsoft.EventGrid/systemTopics/write'
          'Microsoft.Insights/diagnosticSettings/read'
          'Microsoft.Insights/diagnosticSettings/write'
          'Microsoft.KeyVault/vaults/read'
          'Microsoft.Resources/deployments/read'
          'Microsoft.Resources/deployments/validate/action'
          'Microsoft.Resources/deployments/write'
          'Microsoft.Resources/subscriptions/resourceGroups/read'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [scope]
  }
}

resource grantRoleDefinition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: grantRole
  properties: {
    roleName: 'Keyturn policy grant (${managementGroup().name}, ${instance})'
    description: 'Assigning roles; never without the condition of its one assignment.'
    type: 'CustomRole'
    permissions: [
      {
        actions: ['Microsoft.Authorization/roleAssignments/read', 'Microsoft.Authorization/roleAssignments/write']
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [scope]
  }
}

resource deploys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(scope, policyPrincipalId, policyRole)
  dependsOn: [policyRoleDefinition]
  properties: {
    principalId: policyPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: tenantResourceId('Microsoft.Authorization/roleDefinitions', policyRole)
  }
}

// Keyturn's role to Keyturn's principal, and nothing else to anybody.
var onlyKeyturn = '((!(ActionMatches{\'Microsoft.Authorization/roleAssignments/write\'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${vaultRole}} AND @Request[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals {${principalId}}))'

resource grants 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(scope, policyPrincipalId, grantRole)
  dependsOn: [grantRoleDefinition]
  properties: {
    principalId: policyPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: tenantResourceId('Microsoft.Authorization/roleDefinitions', grantRole)
    condition: onlyKeyturn
    conditionVersion: '2.0'
  }
}

module targets 'modules/policyTargets.bicep' = {
  scope: resourceGroup(split(hostStorageId, '/')[2], split(hostStorageId, '/')[4])
  params: {
    policyPrincipalId: policyPrincipalId
    hostStorageName: last(split(hostStorageId, '/'))
    eventsIdentityName: last(split(eventsIdentityId, '/'))
    workspaceName: last(split(workspaceId, '/'))
    queueName: storageNames.eventsQueue
    containerName: storageNames.deadLetters
    events: makesEvents
  }
}

module onboard 'modules/onboardingPolicy.bicep' = {
  params: {
    instance: instance
    principalId: principalId
    hostStorageId: hostStorageId
    workspaceId: workspaceId
    eventsIdentityId: eventsIdentityId
    network: network
    events: makesEvents
    vaultRole: vaultRole
    policyRole: policyRole
    grantRole: grantRole
  }
}

resource onboarding 'Microsoft.Authorization/policyAssignments@2025-01-01' = {
  // 24 characters are all that a name has at a management group (learn: resource-name-rules); cut off, two instances would
  // share one.
  name: length(instance) <= 16 ? 'keyturn-${instance}' : 'keyturn-${take(instance, 2)}-${uniqueString(instance)}'
  location: location
  dependsOn: [vaultRoleDefinition, deploys, grants, targets] // the policy needs its rights before it is asked
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${policyIdentityId}': {} } }
  properties: {
    displayName: 'Keyturn: onboard vaults tagged keyturn=${instance}'
    policyDefinitionId: onboard.outputs.id
    parameters: { effect: { value: effect } }
  }
}

module audits 'modules/vaultAudits.bicep' = {
  params: { instance: instance }
}

@description('Of the assignment that onboards: what a remediation task is made for.')
output assignmentId string = onboarding.id
