// The role for storage accounts of one group.
using '../target.bicep'

param rotator = 'storage-account-key'
