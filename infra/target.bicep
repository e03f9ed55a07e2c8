// Makes the role that Keyturn needs at targets of one kind in a group, and nothing else: it may be deployed again by anybody.
// infra/scripts/consent.sh deploys it where there is no such role yet, assigns it, and writes into the assignment's description
// which secrets may have the target. A template would write that description as a whole, and with it take away what the owner
// gave to others before.
targetScope = 'resourceGroup'

@description('The tag value that names the rotator: `storage-account-key`.')
param rotator string

var kinds = loadJsonContent('roles.json', '$.targets')

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(toLower(resourceGroup().id), 'keyturn', rotator)
  properties: {
    // The name is unique in the tenant, so it carries the group that it is for.
    roleName: 'Keyturn ${rotator} (${uniqueString(toLower(resourceGroup().id))})'
    description: 'What Keyturn needs at a target of the rotator ${rotator}. Group ${resourceGroup().name}.'
    type: 'CustomRole'
    permissions: [
      {
        actions: kinds[rotator].actions
        notActions: []
        dataActions: kinds[rotator].?dataActions ?? []
        notDataActions: []
      }
    ]
    assignableScopes: [resourceGroup().id]
  }
}

@description('What consent.sh takes as --role-id.')
output roleId string = role.name
