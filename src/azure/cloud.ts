/** The clouds and their addresses: each address that Keyturn dials is built from one of these rows (design section 6). */
import { z } from 'zod';

const origin = z
  .url({ protocol: /^https$/ })
  .refine((text) => URL.canParse(text) && new URL(text).origin === text.replace(/\/$/, '').toLowerCase(), {
    error: 'expected https://host or https://host:port, and nothing after it',
  })
  .transform((text) => new URL(text).origin);
/** A token's audience: an address, but with any path, and nobody dials it. */
const audience = z
  .string()
  .regex(/^(https|api):\/\/[\w.:/-]{1,200}$/)
  .transform((text) => text.replace(/\/$/, ''));
const HOST = '[a-z0-9-]+(\\.[a-z0-9-]+)+(:\\d{1,5})?';
const hostSuffix = z
  .string()
  .toLowerCase()
  .regex(new RegExp(`^${HOST}$`));
const dottedSuffix = z
  .string()
  .toLowerCase()
  .regex(new RegExp(`^\\.${HOST}$`));

/** KEYTURN_CLOUD_ENDPOINTS, for the local tenant and clouds that are not listed: https only, ports allowed. */
export const CustomCloud = z.strictObject({
  /** Entra. */
  authority: origin,
  /** Azure Resource Manager. */
  arm: origin,
  armAudience: audience,
  /** `.vault.azure.net`: a vault's host is its name and this. */
  vaultSuffix: dottedSuffix,
  /** `core.windows.net`: hosts of storage accounts end in it. */
  storageSuffix: hostSuffix,
  /** Microsoft Graph. */
  graph: origin,
  graphAudience: audience,
});
export type Cloud = Readonly<z.infer<typeof CustomCloud>>;

export type CloudName = 'AzureCloud' | 'AzureUSGovernment' | 'AzureChinaCloud';

/** Endpoints of the public and the sovereign clouds (azure-facts 2.5, 4.2; `az cloud show`). */
export const clouds: Readonly<Record<CloudName, Cloud>> = {
  AzureCloud: {
    authority: 'https://login.microsoftonline.com',
    arm: 'https://management.azure.com',
    armAudience: 'https://management.azure.com',
    vaultSuffix: '.vault.azure.net',
    storageSuffix: 'core.windows.net',
    graph: 'https://graph.microsoft.com',
    graphAudience: 'https://graph.microsoft.com',
  },
  AzureUSGovernment: {
    authority: 'https://login.microsoftonline.us',
    arm: 'https://management.usgovcloudapi.net',
    armAudience: 'https://management.usgovcloudapi.net',
    vaultSuffix: '.vault.usgovcloudapi.net',
    storageSuffix: 'core.usgovcloudapi.net',
    graph: 'https://graph.microsoft.us',
    graphAudience: 'https://graph.microsoft.us',
  },
  AzureChinaCloud: {
    authority: 'https://login.chinacloudapi.cn',
    arm: 'https://management.chinacloudapi.cn',
    armAudience: 'https://management.chinacloudapi.cn',
    vaultSuffix: '.vault.azure.cn',
    storageSuffix: 'core.chinacloudapi.cn',
    graph: 'https://microsoftgraph.chinacloudapi.cn',
    graphAudience: 'https://microsoftgraph.chinacloudapi.cn',
  },
};

/** The address of a vault, from its name and the cloud alone. */
export const vaultUrl = (cloud: Cloud, vault: string): string => `https://${vault.toLowerCase()}${cloud.vaultSuffix}`;
