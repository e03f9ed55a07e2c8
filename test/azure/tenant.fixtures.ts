/** The local tenant with the adapters over it, reached as the product reaches Azure: TLS, tokens, challenges. */
import type { TokenCredential } from '@azure/identity';
import type { Azure } from '../../local/azure/azure.ts';
import { type AzureOptions, startAzure } from '../../local/azure/tenant.ts';
import { type Cloud, CustomCloud, vaultUrl } from '../../src/azure/cloud.ts';
import type { Clock } from '../../src/core/clock.ts';

export interface Tenant {
  readonly azure: Azure;
  readonly cloud: Cloud;
  /** Keyturn's identity. */
  readonly credential: TokenCredential;
  /** Sleeps are over at once and written down, in seconds. */
  readonly clock: Clock & { readonly slept: number[]; offsetMinutes: number };
  readonly vaults: { readonly name: string; readonly url: string }[];
  readonly principalId: string;
  readonly tenantId: string;
}

export async function startTenant(
  tenant: AzureOptions['tenant'] = {},
  azurite = false,
): Promise<Tenant> {
  const azure = await startAzure({ tenant, azurite });
  const env = azure.env();
  const cloud = CustomCloud.parse(JSON.parse(env.KEYTURN_CLOUD_ENDPOINTS ?? ''));
  const names = (tenant.vaults ?? [{ name: 'kv1' }, { name: 'kv2' }]).map(({ name }) => name);
  return {
    azure,
    cloud,
    credential: managedIdentity(env),
    clock: hasty(),
    vaults: names.map((name) => ({ name, url: vaultUrl(cloud, name) })),
    principalId: env.KEYTURN_IDENTITY_PRINCIPAL_ID ?? '',
    tenantId: azure.world.tenantId,
  };
}

/** The protocol of the App Service endpoint (azure-facts 8.3), which `ManagedIdentityCredential` speaks, too. */
function managedIdentity(env: Record<string, string>): TokenCredential {
  return {
    async getToken(scopes) {
      const resource = String([scopes].flat()[0]).replace(/\/\.default$/, '');
      const query = new URLSearchParams({ 'api-version': '2019-08-01', resource });
      query.set('client_id', env.KEYTURN_IDENTITY_CLIENT_ID ?? '');
      const headers = { 'x-identity-header': env.IDENTITY_HEADER ?? '' };
      const answer = await fetch(`${env.IDENTITY_ENDPOINT}?${query}`, { headers });
      const { access_token, expires_on } = (await answer.json()) as {
        access_token: string;
        expires_on: string;
      };
      return { token: access_token, expiresOnTimestamp: Number(expires_on) * 1000 };
    },
  };
}

function hasty(): Tenant['clock'] {
  const slept: number[] = [];
  const clock = {
    slept,
    offsetMinutes: 0,
    now: () => new Date(Date.now() + clock.offsetMinutes * 60_000),
    sleep: async (milliseconds: number) => void slept.push(milliseconds / 1000),
  };
  return clock;
}
