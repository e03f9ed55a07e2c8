// The parameters of main.bicep, all of them from the environment: `azd env set NAME value`, or exports before plain `az deployment`.
// A deployment replaces all app settings and sets the network mode, so what makes a deployment what it is has no default: a
// shell without the environment of the last deployment ends here, and so does a misspelt value. A name that nothing below reads
// is found by infra/hooks/environment.sh. Lists of settings are written as docs/settings.md says; what is `json` here is JSON.
using 'main.bicep'

var schedule = readEnvironmentVariable('KEYTURN_SWEEP_SCHEDULE', '')
var window = readEnvironmentVariable('AZURE_SWEEP_WINDOW', '')
var groups = readEnvironmentVariable('AZURE_ACTION_GROUP_IDS', '')
var ownSubnets = readEnvironmentVariable('AZURE_SUBNETS', '')
var ownKey = readEnvironmentVariable('AZURE_CMK', '')

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'keyturn')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param tags = json(readEnvironmentVariable('AZURE_TAGS', '{}'))
param names = json(readEnvironmentVariable('AZURE_NAMES', '{}'))
param instance = readEnvironmentVariable('KEYTURN_INSTANCE', 'keyturn')
param cloud = readEnvironmentVariable('KEYTURN_CLOUD', '')
param storageSuffix = readEnvironmentVariable('AZURE_STORAGE_SUFFIX', '')

param network = readEnvironmentVariable('AZURE_NETWORK_MODE')
param addressPrefix = readEnvironmentVariable('AZURE_ADDRESS_PREFIX', '10.64.0.0/24')
param subnets = json(empty(ownSubnets) ? 'null' : ownSubnets)
param privateDns = readEnvironmentVariable('AZURE_PRIVATE_DNS', 'create')
param privateDnsZoneIds = json(readEnvironmentVariable('AZURE_PRIVATE_DNS_ZONE_IDS', '{}'))

param nodeVersion = readEnvironmentVariable('AZURE_NODE_VERSION', '24')
param instanceMemoryMB = { '512': 512, '2048': 2048, '4096': 4096 }[readEnvironmentVariable(
  'AZURE_INSTANCE_MEMORY_MB',
  '2048'
)]
param maximumInstanceCount = int(readEnvironmentVariable('AZURE_MAXIMUM_INSTANCE_COUNT', '40'))
param zoneRedundant = bool(readEnvironmentVariable('AZURE_ZONE_REDUNDANT', 'false'))
param storageSku = readEnvironmentVariable('AZURE_STORAGE_SKU', 'Standard_LRS')
param cmk = json(empty(ownKey) ? 'null' : ownKey)

param auditDays = int(readEnvironmentVariable('AZURE_AUDIT_DAYS', '365'))
param auditLocked = bool(readEnvironmentVariable('AZURE_AUDIT_LOCKED', 'false'))
param logDays = int(readEnvironmentVariable('AZURE_LOG_DAYS', '90'))
param publicIngestion = bool(readEnvironmentVariable('AZURE_PUBLIC_INGESTION', 'true'))
param activityLog = bool(readEnvironmentVariable('AZURE_ACTIVITY_LOG', 'true'))
param actionGroupIds = empty(groups) ? [] : split(replace(groups, ' ', ''), ',')
param sweepWindow = !empty(window)
  ? window
  : empty(schedule)
      ? 'PT2H'
      : fail('KEYTURN_SWEEP_SCHEDULE is set: set AZURE_SWEEP_WINDOW, two of its intervals or more.')

param noticesTopic = bool(readEnvironmentVariable('AZURE_NOTICES_TOPIC', 'false'))
param notifySettings = json(readEnvironmentVariable('AZURE_NOTIFY_SETTINGS', '{}'))

param settings = {
  KEYTURN_AUDIENCE: readEnvironmentVariable('KEYTURN_AUDIENCE')
  KEYTURN_MODE: readEnvironmentVariable('KEYTURN_MODE')
  KEYTURN_SUGGEST: readEnvironmentVariable('KEYTURN_SUGGEST', 'off')
  KEYTURN_RATE: readEnvironmentVariable('KEYTURN_RATE', '')
  KEYTURN_ROTATORS: readEnvironmentVariable('KEYTURN_ROTATORS', '')
  KEYTURN_DATABASE_USER: readEnvironmentVariable('KEYTURN_DATABASE_USER', '')
  KEYTURN_VAULTS: readEnvironmentVariable('KEYTURN_VAULTS', '')
  KEYTURN_SUBSCRIPTIONS: readEnvironmentVariable('KEYTURN_SUBSCRIPTIONS', '')
  KEYTURN_CONSUMERS: readEnvironmentVariable('KEYTURN_CONSUMERS', '')
  KEYTURN_SAMPLE_TAGS: readEnvironmentVariable('KEYTURN_SAMPLE_TAGS', '')
  KEYTURN_CONSENT: readEnvironmentVariable('KEYTURN_CONSENT', '')
  KEYTURN_POLICY: readEnvironmentVariable('KEYTURN_POLICY', '')
  KEYTURN_EVERY_MAX: readEnvironmentVariable('KEYTURN_EVERY_MAX', '')
  KEYTURN_GRACE_MIN: readEnvironmentVariable('KEYTURN_GRACE_MIN', '')
  KEYTURN_VALIDITY_CAP: readEnvironmentVariable('KEYTURN_VALIDITY_CAP', '')
  KEYTURN_FREEZE: readEnvironmentVariable('KEYTURN_FREEZE', '')
  KEYTURN_NOTIFY: readEnvironmentVariable('KEYTURN_NOTIFY', '')
  KEYTURN_WORKSPACES: readEnvironmentVariable('KEYTURN_WORKSPACES', '')
  KEYTURN_OWNER_TAG: readEnvironmentVariable('KEYTURN_OWNER_TAG', '')
  KEYTURN_PUBLIC_URL: readEnvironmentVariable('KEYTURN_PUBLIC_URL', '')
  KEYTURN_SWEEP_SCHEDULE: schedule
  KEYTURN_CLOUD_ENDPOINTS: readEnvironmentVariable('KEYTURN_CLOUD_ENDPOINTS', '')
  KEYTURN_CUSTOM_CLOUD: readEnvironmentVariable('KEYTURN_CUSTOM_CLOUD', '')
}
