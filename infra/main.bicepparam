// The parameters of `azd provision`, from its environment (`azd env set NAME value`), and of plain `az deployment`. A deployment
// replaces all app settings and sets the network mode, so what makes a deployment what it is has no default: a shell
// without the environment of the last deployment ends here, and so does a misspelt word.
using 'main.bicep'

var schedule = readEnvironmentVariable('KEYTURN_SWEEP_SCHEDULE', '')
var window = readEnvironmentVariable('AZURE_SWEEP_WINDOW', '')

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'keyturn')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param instance = readEnvironmentVariable('KEYTURN_INSTANCE', 'keyturn')
param network = readEnvironmentVariable('AZURE_NETWORK_MODE')
param nodeVersion = readEnvironmentVariable('AZURE_NODE_VERSION', '24')
param auditLocked = bool(readEnvironmentVariable('AZURE_AUDIT_LOCKED', 'false'))
param sweepWindow = !empty(window)
  ? window
  : empty(schedule)
      ? 'PT2H'
      : fail('KEYTURN_SWEEP_SCHEDULE is set: set AZURE_SWEEP_WINDOW, two of its intervals or more.')

param settings = {
  KEYTURN_AUDIENCE: readEnvironmentVariable('KEYTURN_AUDIENCE')
  KEYTURN_MODE: readEnvironmentVariable('KEYTURN_MODE')
  KEYTURN_ROTATORS: readEnvironmentVariable('KEYTURN_ROTATORS', '')
  KEYTURN_VAULTS: readEnvironmentVariable('KEYTURN_VAULTS', '')
  KEYTURN_SUBSCRIPTIONS: readEnvironmentVariable('KEYTURN_SUBSCRIPTIONS', '')
  KEYTURN_SWEEP_SCHEDULE: schedule
  KEYTURN_RATE: readEnvironmentVariable('KEYTURN_RATE', '')
  KEYTURN_POLICY: readEnvironmentVariable('KEYTURN_POLICY', '')
  KEYTURN_CONSENT: readEnvironmentVariable('KEYTURN_CONSENT', '')
  KEYTURN_DATABASE_USER: readEnvironmentVariable('KEYTURN_DATABASE_USER', '')
}
