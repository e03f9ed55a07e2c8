// The parameters of `azd provision`, from its environment (`azd env set NAME value`), and of plain `az deployment`.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'keyturn')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param instance = readEnvironmentVariable('KEYTURN_INSTANCE', 'keyturn')
param network = readEnvironmentVariable('AZURE_NETWORK_MODE', 'public') == 'private' ? 'private' : 'public'
param nodeVersion = readEnvironmentVariable('AZURE_NODE_VERSION', '24') == '22' ? '22' : '24'

param settings = {
  KEYTURN_AUDIENCE: readEnvironmentVariable('KEYTURN_AUDIENCE', 'api://keyturn')
  KEYTURN_MODE: readEnvironmentVariable('KEYTURN_MODE', 'observe') == 'run'
    ? 'run'
    : readEnvironmentVariable('KEYTURN_MODE', 'observe') == 'drain' ? 'drain' : 'observe'
  KEYTURN_ROTATORS: readEnvironmentVariable('KEYTURN_ROTATORS', '')
  KEYTURN_VAULTS: readEnvironmentVariable('KEYTURN_VAULTS', '')
  KEYTURN_SUBSCRIPTIONS: readEnvironmentVariable('KEYTURN_SUBSCRIPTIONS', '')
  KEYTURN_RATE: readEnvironmentVariable('KEYTURN_RATE', '')
  KEYTURN_POLICY: readEnvironmentVariable('KEYTURN_POLICY', '')
  KEYTURN_CONSENT: readEnvironmentVariable('KEYTURN_CONSENT', '')
  KEYTURN_DATABASE_USER: readEnvironmentVariable('KEYTURN_DATABASE_USER', '')
}
