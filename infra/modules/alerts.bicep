// Who has to act, and who became Keyturn: rules over the workspace, and a workbook. The queries are files of their own; a test
// feeds them the records that the app really writes (test/infra/queries.test.ts).
import { SweepWindow } from 'types.bicep'

@description('The Log Analytics workspace of the deployment: app, storage and vaults log there.')
param workspaceId string
@description('Resource ids of action groups that are told. None: alerts are shown in the portal and nowhere else.')
param actionGroupIds string[] = []
param location string
param tags { *: string }
@description('Begins the names of rules and workbook, so that two deployments can share a group.')
param namePrefix string = 'keyturn'
@description('Name of the storage account that holds the package.')
param packageAccountName string
@description('At least two intervals of the sweep (KEYTURN_SWEEP_SCHEDULE): without a sweep for so long an alert is raised.')
param sweepWindow SweepWindow
@description('Whether the activity log of the subscription goes to this workspace (docs/operate.md).')
param activityLog bool = true
param enabled bool = true

type Rule = {
  name: string
  title: string
  query: string
  @description('0 critical to 4 verbose.')
  severity: int
  every: string
  window: string
  @description('Columns of the query. An alert that has fired tells nobody again until it is resolved, so each combination of their values has an alert of its own: 300 for each evaluation at most (learn, azure-monitor/service-limits).')
  by: string[]
}

var activityQuery = replace(loadTextContent('../queries/became-keyturn.kql'), '{group}', resourceGroup().name)
var packageQuery = replace(loadTextContent('../queries/package-written.kql'), '{packageAccount}', packageAccountName)

var always Rule[] = [
  {
    name: 'failed-or-refused'
    title: 'A secret was refused or a step failed'
    query: loadTextContent('../queries/failed-or-refused.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT30M'
    by: ['vault', 'secret', 'reason']
  }
  {
    name: 'expiring'
    title: 'A secret has expired or does within seven days'
    query: loadTextContent('../queries/expiring.kql')
    severity: 1
    every: sweepWindow == 'PT30M' ? 'PT30M' : 'PT1H' // a rule may not sleep longer than it looks back
    window: sweepWindow
    by: ['vault', 'secret']
  }
  {
    name: 'overdue'
    title: 'A rotation or revocation is overdue by 24 hours'
    query: loadTextContent('../queries/overdue.kql')
    severity: 2
    every: 'PT1H'
    window: 'P1D'
    by: ['vault', 'secret']
  }
  {
    name: 'no-sweep'
    title: 'No sweep for two intervals'
    query: loadTextContent('../queries/no-sweep.kql')
    severity: 1
    every: 'PT15M'
    window: sweepWindow
    by: [] // one row, or none
  }
  {
    name: 'poison'
    title: 'A message was given up'
    query: loadTextContent('../queries/poison.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT30M'
    by: ['vault', 'secret', 'what']
  }
  {
    name: 'dead-letters'
    title: 'Event Grid gave up an event'
    query: loadTextContent('../queries/dead-letters.kql')
    severity: 3
    every: 'PT15M'
    window: 'PT30M'
    by: [] // each event is a blob of its own, and all say the same: look at the door
  }
  {
    name: 'access-denied'
    title: 'Somebody, or Keyturn, was kept out'
    query: loadTextContent('../queries/access-denied.kql')
    severity: 3
    every: 'PT15M'
    window: 'PT30M'
    by: ['place', 'who']
  }
  {
    name: 'package-written'
    title: 'The package of Keyturn was written'
    query: packageQuery
    severity: 1
    every: 'PT5M'
    window: 'PT10M'
    by: ['who', 'Uri']
  }
  {
    name: 'settings-changed'
    title: 'Keyturn started with other settings'
    query: loadTextContent('../queries/settings-changed.kql')
    severity: 1
    every: 'PT15M'
    window: 'P1D'
    by: ['instance', 'settings']
  }
]
var ofActivity Rule[] = [
  {
    name: 'became-keyturn'
    title: 'A write that makes somebody Keyturn'
    query: activityQuery
    severity: 1
    every: 'PT5M'
    window: 'PT10M'
    by: ['Caller', 'OperationNameValue']
  }
]

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in concat(always, activityLog ? ofActivity : []): {
    name: '${namePrefix}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Keyturn: ${rule.title}'
      description: 'See docs/operate.md, "${rule.name}".'
      severity: rule.severity
      enabled: enabled
      scopes: [workspaceId]
      evaluationFrequency: rule.every
      windowSize: rule.window
      criteria: {
        allOf: [
          {
            query: rule.query
            dimensions: map(rule.by, column => { name: column, operator: 'Include', values: ['*'] })
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      // Tables come into being with their first row, which on a fresh workspace is after this deployment.
      skipQueryValidation: true
      // Told once while it lasts, and again when it comes back.
      autoMitigate: true
      actions: { actionGroups: actionGroupIds }
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2022-04-01' = {
  name: guid(workspaceId, namePrefix, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Keyturn (${namePrefix})'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: string(loadJsonContent('../workbook.json'))
    version: 'Notebook/1.0'
  }
}

output workbookId string = workbook.id
