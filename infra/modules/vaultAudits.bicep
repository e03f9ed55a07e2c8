// Audits of how vaults are secured: soft delete, purge protection, RBAC mode, firewall and the audit log.
// Without types and imports, for the reason that onboardingPolicy.bicep has.
targetScope = 'managementGroup'

param instance string

// A name has 64 characters, and 24 where it is an assignment's (learn: resource-name-rules); cut off, two instances would share one.
var label = length(instance) <= 39 ? instance : '${take(instance, 25)}-${uniqueString(instance)}'

// Fields as Azure/azure-policy names them in its built-in definitions for Key Vault.
var audits = [
  {
    name: 'soft-delete'
    says: 'soft delete is on'
    wrong: { field: 'Microsoft.KeyVault/vaults/enableSoftDelete', equals: 'false' }
  }
  {
    name: 'purge-protection'
    says: 'purge protection is on'
    wrong: { field: 'Microsoft.KeyVault/vaults/enablePurgeProtection', notEquals: 'true' }
  }
  {
    name: 'rbac-mode'
    says: 'access goes by roles, not by access policies'
    wrong: { field: 'Microsoft.KeyVault/vaults/enableRbacAuthorization', notEquals: 'true' }
  }
  {
    name: 'firewall'
    says: 'the firewall denies what it does not list'
    wrong: { field: 'Microsoft.KeyVault/vaults/networkAcls.defaultAction', notEquals: 'Deny' }
  }
]
var ours = [
  { field: 'type', equals: 'Microsoft.KeyVault/vaults' }
  { field: 'tags[\'keyturn\']', equals: instance }
]

var rules = map(audits, audit => { if: { allOf: concat(ours, [audit.wrong]) }, then: { effect: 'audit' } })
var diagnosticsRule = {
  if: { allOf: ours }
  then: {
    effect: 'auditIfNotExists'
    details: {
      type: 'Microsoft.Insights/diagnosticSettings'
      existenceCondition: {
        count: {
          field: 'Microsoft.Insights/diagnosticSettings/logs[*]'
          where: { field: 'Microsoft.Insights/diagnosticSettings/logs[*].enabled', equals: 'true' }
        }
        greaterOrEquals: 1
      }
    }
  }
}

resource settings 'Microsoft.Authorization/policyDefinitions@2025-01-01' = [
  for (audit, at) in audits: {
    name: 'keyturn-${audit.name}-${label}'
    properties: {
      displayName: 'Keyturn: ${audit.says} (vaults tagged keyturn=${instance})'
      policyType: 'Custom'
      mode: 'Indexed'
      metadata: { category: 'Key Vault', version: '1.0.0' }
      policyRule: rules[at]
    }
  }
]

resource diagnostics 'Microsoft.Authorization/policyDefinitions@2025-01-01' = {
  name: 'keyturn-diagnostics-${label}'
  properties: {
    displayName: 'Keyturn: the audit log is kept (vaults tagged keyturn=${instance})'
    policyType: 'Custom'
    mode: 'Indexed'
    metadata: { category: 'Key Vault', version: '1.0.0' }
    policyRule: diagnosticsRule
  }
}

resource set 'Microsoft.Authorization/policySetDefinitions@2025-01-01' = {
  name: 'keyturn-vaults-${label}'
  properties: {
    displayName: 'Keyturn: how vaults tagged keyturn=${instance} are secured'
    policyType: 'Custom'
    metadata: { category: 'Key Vault', version: '1.0.0' }
    policyDefinitions: concat(
      map(range(0, length(audits)), at => {
        policyDefinitionId: managementGroupResourceId(
          'Microsoft.Authorization/policyDefinitions',
          'keyturn-${audits[at].name}-${label}'
        )
        policyDefinitionReferenceId: audits[at].name
      }),
      [{ policyDefinitionId: diagnostics.id, policyDefinitionReferenceId: 'diagnostics' }]
    )
  }
  dependsOn: [settings]
}

resource assignment 'Microsoft.Authorization/policyAssignments@2025-01-01' = {
  name: length(instance) <= 15 ? 'kt-audit-${instance}' : 'kt-audit-${take(instance, 1)}-${uniqueString(instance)}'
  properties: { displayName: set.properties.displayName, policyDefinitionId: set.id }
}
