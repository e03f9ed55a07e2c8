// App settings by the names of docs/settings.md. A name that is not listed here does not compile.

@export()
@sealed()
@description('What the operator sets. Empty values count as not set.')
type Settings = {
  KEYTURN_MODE: ('observe' | 'run' | 'drain')?
  KEYTURN_SUGGEST: ('off' | 'values')?
  KEYTURN_RATE: string?
  KEYTURN_ROTATORS: string?
  KEYTURN_DATABASE_USER: string?
  KEYTURN_VAULTS: string?
  KEYTURN_SUBSCRIPTIONS: string?
  KEYTURN_CONSUMERS: string?
  KEYTURN_SAMPLE_TAGS: string?
  KEYTURN_CONSENT: string?
  KEYTURN_POLICY: string?
  KEYTURN_EVERY_MAX: string?
  KEYTURN_GRACE_MIN: string?
  KEYTURN_VALIDITY_CAP: string?
  KEYTURN_FREEZE: string?
  KEYTURN_NOTIFY: string?
  KEYTURN_WORKSPACES: string?
  KEYTURN_OWNER_TAG: string?
  KEYTURN_PUBLIC_URL: string?
  @minLength(1)
  KEYTURN_AUDIENCE: string
  KEYTURN_SWEEP_SCHEDULE: string?
  KEYTURN_CLOUD_ENDPOINTS: string?
  KEYTURN_CUSTOM_CLOUD: ('' | 'accepted')?
}

@export()
// The host builds the public cloud's addresses from an account's name. Other clouds need them in full, and both together
// end in an error there (hashicorp/terraform-provider-azurerm#32062).
@description('All settings of the app, less those of telemetry.')
func appSettings(
  given Settings,
  instance string,
  cloud string,
  tenantId string,
  clientId string,
  principalId string,
  hostStorage string,
  storageSuffix string,
  packageStorage string
) { *: string } =>
  union(
    { KEYTURN_SWEEP_SCHEDULE: '0 7 * * * *' },
    toObject(filter(items(given), each => !empty(each.?value)), each => each.key, each => each.?value ?? ''),
    {
      KEYTURN_INSTANCE: instance
      KEYTURN_CLOUD: cloud
      KEYTURN_TENANT_ID: tenantId
      KEYTURN_IDENTITY_CLIENT_ID: clientId
      KEYTURN_IDENTITY_PRINCIPAL_ID: principalId
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: clientId
      // Tells the app which account it must never rotate: the one that it was deployed from (case ST-07).
      DEPLOYMENT_STORAGE__accountName: packageStorage
      // A package that does not load stops the host instead of leaving an app without functions (case FN-01).
      FUNCTIONS_NODE_BLOCK_ON_ENTRY_POINT_ERROR: 'true'
      // No page at `/` that tells everybody what runs here (HST-07).
      AzureWebJobsDisableHomepage: 'true'
    },
    cloud == 'AzureCloud'
      ? { AzureWebJobsStorage__accountName: hostStorage }
      : {
          AzureWebJobsStorage__blobServiceUri: 'https://${hostStorage}.blob.${storageSuffix}'
          AzureWebJobsStorage__queueServiceUri: 'https://${hostStorage}.queue.${storageSuffix}'
          AzureWebJobsStorage__tableServiceUri: 'https://${hostStorage}.table.${storageSuffix}'
        }
  )
