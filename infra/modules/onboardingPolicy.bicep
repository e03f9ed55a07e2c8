// The policy that deploys vault.bicep, as it is compiled, to every vault with the tag. In a file of its own, without types,
// imports and other things that make a template one of language version 2.0: in those the expressions of a policyRule stay
// what they are (seen in the snapshot, Bicep 0.49.2; unverified in Azure).
targetScope = 'managementGroup'

param instance string
param principalId string
param hostStorageId string
param workspaceId string
param eventsIdentityId string
param network string
param events bool
@description('Names (GUIDs) of the roles of tenant-policy.bicep.')
param vaultRole string
param policyRole string
param grantRole string

var template = loadJsonContent('../compiled/vault.json')
var isVault = { field: 'type', equals: 'Microsoft.KeyVault/vaults' }

var onboardRule = {
  if: {
    allOf: [
      isVault
      { field: 'tags[\'keyturn\']', equals: instance }
      { field: 'Microsoft.KeyVault/vaults/enableRbacAuthorization', equals: 'true' }
    ]
  }
  then: {
    effect: '[parameters(\'effect\')]'
    details: {
      // The last thing that vault.bicep makes.
      type: 'Microsoft.Insights/diagnosticSettings'
      name: 'keyturn'
      existenceCondition: { field: 'Microsoft.Insights/diagnosticSettings/workspaceId', equals: workspaceId }
      roleDefinitionIds: [
        tenantResourceId('Microsoft.Authorization/roleDefinitions', policyRole)
        tenantResourceId('Microsoft.Authorization/roleDefinitions', grantRole)
      ]
      deployment: {
        properties: {
          mode: 'incremental'
          template: template
          parameters: {
            vaultName: { value: '[field(\'name\')]' }
            location: { value: '[field(\'location\')]' }
            principalId: { value: principalId }
            hostStorageId: { value: hostStorageId }
            workspaceId: { value: workspaceId }
            eventsIdentityId: { value: eventsIdentityId }
            network: { value: network }
            // The queue in both modes: to point events at a function is to have rights at it.
            destination: { value: 'queue' }
            events: { value: events }
            roleId: { value: vaultRole }
          }
        }
      }
    }
  }
}

resource onboard 'Microsoft.Authorization/policyDefinitions@2025-01-01' = {
  name: 'keyturn-onboard-${instance}'
  properties: {
    displayName: 'Keyturn: onboard vaults tagged keyturn=${instance}'
    description: 'Deploys vault.bicep of Keyturn to every vault in RBAC mode with this tag.'
    policyType: 'Custom'
    mode: 'Indexed'
    metadata: { category: 'Key Vault', version: '1.0.0' }
    parameters: {
      effect: { type: 'String', allowedValues: ['DeployIfNotExists', 'AuditIfNotExists', 'Disabled'] }
    }
    policyRule: onboardRule
  }
}

output id string = onboard.id
