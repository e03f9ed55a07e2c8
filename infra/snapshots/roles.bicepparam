// Three roles for a whole management group: vaults, storage accounts and SQL logins.
using '../roles.bicep'

param rotators = ['storage-account-key', 'sql-login']
