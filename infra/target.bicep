// Gives Keyturn what one kind of rotator needs at one target, for the secrets that the target's owner names: the assignment's
// description is the consent (design section 6). Deployed into the target's resource group.
targetScope = 'resourceGroup'

@description('Resource id of the target: an account, a server, a namespace.')
param targetId string

@description('The tag value that names the rotator: `storage-account-key`.')
param rotator string

@description('Object id of Keyturn\'s identity: output AZURE_IDENTITY_PRINCIPAL_ID of main.bicep.')
param principalId string

@description('Which secrets may have the target: `kv1/db-pw(app_a,app_b)`, `kv2/*`. `kv/*` gives it to everyone who may write any secret in kv.')
@minLength(1)
param secrets string[]

@description('Id (GUID) of a role for this kind that is there already; empty: made here.')
param roleId string = ''

var kinds = loadJsonContent('roles.json', '$.targets')
var roleName = empty(roleId) ? guid(toLower(resourceGroup().id), 'keyturn', rotator) : roleId

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (empty(roleId)) {
  name: roleName
  properties: {
    // The name is unique in the tenant, so it carries the group that it is for.
    roleName: 'Keyturn ${rotator} (${uniqueString(toLower(resourceGroup().id))})'
    description: 'What Keyturn needs at a target of the rotator ${rotator}. Group ${resourceGroup().name}.'
    type: 'CustomRole'
    permissions: [{ actions: kinds[rotator].actions, notActions: [], dataActions: [], notDataActions: [] }]
    assignableScopes: [resourceGroup().id]
  }
}

module consent 'modules/assignment.json' = {
  dependsOn: [role]
  params: {
    targetId: targetId
    principalId: principalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleName)
    description: 'keyturn ${rotator}: ${join(secrets, ', ')}'
  }
}
