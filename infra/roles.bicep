// Keyturn's roles once, at a management group, for all vaults and targets below it: a tenant holds 5,000 custom roles (a figure of
// Azure's documentation, unverified here), and target.bicep alone would make one for each group and kind. Then `rolesAt` of
// vault.bicep names the group, and --role-id of scripts/consent.sh the role of a kind. Run again, it changes nothing; a new kind is
// added by naming it, too.
targetScope = 'managementGroup'

@description('Kinds of rotators: the tag values, as in KEYTURN_ROTATORS. One that is left out later keeps its role.')
@minLength(1)
param rotators string[]

var rights = loadJsonContent('roles.json')
var scope = managementGroup().id
var group = managementGroup().name

// Azure lets a role with data actions stand at a management group and be assigned below it (learn: custom-roles).
resource vaultRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(toLower(group), 'keyturn', 'vault')
  properties: {
    roleName: 'Keyturn vault (${group})'
    description: 'Lets Keyturn read, write and list secrets; not delete or purge them.'
    type: 'CustomRole'
    permissions: [
      { actions: rights.vault.actions, notActions: [], dataActions: rights.vault.dataActions, notDataActions: [] }
    ]
    assignableScopes: [scope]
  }
}

resource targetRoles 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [
  for rotator in rotators: {
    name: guid(toLower(group), 'keyturn', rotator)
    properties: {
      roleName: 'Keyturn ${rotator} (${group})'
      description: 'What Keyturn needs at a target of the rotator ${rotator}.'
      type: 'CustomRole'
      permissions: [
        {
          actions: rights.targets[rotator].actions
          notActions: []
          dataActions: rights.targets[rotator].?dataActions ?? []
          notDataActions: []
        }
      ]
      assignableScopes: [scope]
    }
  }
]

@description('GUIDs of the roles, by kind.')
output roleIds { *: string } = toObject(
  concat(['vault'], rotators),
  each => each,
  each => guid(toLower(group), 'keyturn', each)
)
