// Lets Keyturn find the vaults of one subscription by their tag (KEYTURN_SUBSCRIPTIONS). At subscription scope, since a
// query names no resource group.
targetScope = 'subscription'

@description('Object id of Keyturn\'s identity: output AZURE_IDENTITY_PRINCIPAL_ID of main.bicep.')
param principalId string

var rights = loadJsonContent('roles.json', '$.discovery')
var roleName = guid(subscription().id, 'keyturn', 'discovery')

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: roleName
  properties: {
    roleName: 'Keyturn discovery (${uniqueString(subscription().id)})'
    description: 'Lets Keyturn find vaults by their tag; not open them.'
    type: 'CustomRole'
    permissions: [{ actions: rights.actions, notActions: [], dataActions: [], notDataActions: [] }]
    assignableScopes: [subscription().id]
  }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, roleName)
  properties: { principalId: principalId, principalType: 'ServicePrincipal', roleDefinitionId: role.id }
}
