// Types and constants that several templates share.

@export()
@description('Customer-managed key of the storage accounts. The identity has to hold Key Vault Crypto Service Encryption User at the key already.')
@sealed()
type Cmk = {
  @description('https://<vault>.<suffix of the cloud>, without a version: the account follows new versions of the key.')
  vaultUri: string
  keyName: string
  @description('Resource id of a user-assigned identity.')
  identityId: string
}

@export()
@sealed()
type Container = {
  name: string
  @description('Days for which a blob can only be appended to. Left out: no immutability policy.')
  immutableDays: int?
}

@export()
@sealed()
type Names = {
  app: string?
  plan: string?
  identity: string?
  packageIdentity: string?
  eventsIdentity: string?
  hostStorage: string?
  packageStorage: string?
  workspace: string?
  insights: string?
  virtualNetwork: string?
  noticesTopic: string?
}

@export()
@description('Sizes that a window of a log alert can have, of those that fit a sweep.')
type SweepWindow = 'PT30M' | 'PT1H' | 'PT2H' | 'PT4H' | 'PT6H' | 'P1D' | 'P2D'

@export()
@description('Role definition ids of Microsoft (azure-facts 9.4; the last two: learn, role-based-access-control/built-in-roles/storage).')
var builtIn = {
  blobOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  queueContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  queueSender: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
  tableContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  // Facts of notices: learn, event-grid/authenticate-with-microsoft-entra-id.
  eventGridSender: 'd5a91429-5739-47e2-a06b-3470a27159e7'
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
}

@export()
@description('Names that the app and the event subscriptions share.')
var storageNames = {
  audit: 'keyturn-audit'
  deadLetters: 'keyturn-deadletters'
  eventsQueue: 'keyturn-events'
  noticesQueue: 'keyturn-notices'
  workQueue: 'keyturn-work'
  package: 'package'
}
