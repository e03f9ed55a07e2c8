/** The settings with which the product runs against a local tenant: names as in the product's settings, nothing else shared. */
import { planes } from './planes.ts';
import { appAccount, audiences, hostOf, type World } from './world.ts';

/** Where a tenant is reached. */
interface Reached {
  readonly world: World;
  readonly identityPort: number;
  readonly caPath: string;
  url(name: string): string;
}

export function environment(azure: Reached): Record<string, string> {
  const { world } = azure;
  const endpoints = {
    authority: azure.url('login'),
    arm: azure.url('management'),
    armAudience: audiences.arm,
    vaultSuffix: `.${hostOf(world, 'vault')}`,
    storageSuffix: hostOf(world, 'core'),
    graph: azure.url('graph'),
    graphAudience: audiences.graph,
    sqlSuffix: `.database.keyturn.localhost:${world.tdsPort}`,
    sqlAudience: audiences.sql,
    eventGridSuffix: `.eventgrid.keyturn.localhost:${world.port}`,
    planes: Object.fromEntries(
      planes.flatMap(({ member, label, audience }) =>
        member === undefined ? [] : [[member, { suffix: `.${hostOf(world, label)}`, audience }]],
      ),
    ),
  };
  return {
    KEYTURN_INSTANCE: 'keyturn',
    KEYTURN_MODE: 'run',
    KEYTURN_TENANT_ID: world.tenantId,
    KEYTURN_IDENTITY_CLIENT_ID: world.identity.clientId,
    KEYTURN_IDENTITY_PRINCIPAL_ID: world.identity.oid,
    KEYTURN_ROTATORS: 'storage-account-key',
    KEYTURN_VAULTS: [...world.vaults.values()].map(({ id }) => id).join(','),
    KEYTURN_AUDIENCE: audiences.keyturn,
    KEYTURN_SWEEP_SCHEDULE: '0 7 * * * *',
    KEYTURN_CLOUD: 'custom',
    KEYTURN_CUSTOM_CLOUD: 'accepted',
    KEYTURN_CLOUD_ENDPOINTS: JSON.stringify(endpoints),
    ...(world.azurite ? { AzureWebJobsStorage: world.azurite.connectionString(appAccount) } : {}),
    IDENTITY_ENDPOINT: `http://127.0.0.1:${azure.identityPort}/msi/token`,
    IDENTITY_HEADER: world.identityHeader,
    NODE_EXTRA_CA_CERTS: azure.caPath,
  };
}
