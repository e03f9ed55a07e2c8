// Refused: KEYTURN_SWEEP_SCHEDULE is given: give sweepWindow
using '../main.bicep'

param cloud = 'AzureCloud'
param storageSuffix = 'core.windows.net'
param settings = { KEYTURN_AUDIENCE: 'api://keyturn', KEYTURN_SWEEP_SCHEDULE: '0 7 */6 * * *' }
