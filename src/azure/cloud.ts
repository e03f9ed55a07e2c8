/** The clouds and their addresses: each address that Keyturn dials is built from one of these rows (design section 6). */
import { z } from 'zod';
import { compact } from '../core/compact.ts';

const origin = z
  .url({ protocol: /^https$/ })
  .refine(
    (text) => URL.canParse(text) && new URL(text).origin === text.replace(/\/$/, '').toLowerCase(),
    {
      error: 'expected https://host or https://host:port, and nothing after it',
    },
  )
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

/** Where a data plane lies in one cloud. */
export interface PlanePlace {
  /** With the dot in front: `.postgres.database.azure.com`. Hosts end in it, and nothing else is dialled. */
  readonly suffix: string;
  /** Of the token; absent where the plane is reached by its own credentials alone. */
  readonly audience?: string | undefined;
}

const Members = z.strictObject({
  /** Entra. */
  authority: origin,
  /** The issuer of tokens of version 1; of the public cloud where it is left out. */
  sts: origin.optional(),
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
  /** `.database.windows.net`: hosts of SQL servers end in it; with a port where it is not 1433. */
  sqlSuffix: dottedSuffix,
  sqlAudience: audience,
  /** TDS 8.0: TLS comes before the first packet. Otherwise the handshake runs inside of TDS, as every Azure SQL takes it. */
  sqlStrict: z.boolean().optional(),
  /** Data planes of kinds, by the name that their declaration has (`dataPlane.ts`); a cloud without one leaves it out. */
  planes: z
    .record(
      z.string().regex(/^[a-z][A-Za-z0-9]{0,39}$/),
      z.strictObject({ suffix: dottedSuffix, audience: audience.optional() }),
    )
    .optional(),
  /** Earlier names of what stands in `planes.postgresql` and `planes.mysql`. */
  postgresqlSuffix: dottedSuffix.optional(),
  mysqlSuffix: dottedSuffix.optional(),
  databaseAudience: audience.optional(),
  /** `.eventgrid.azure.net`: hosts of topics end in it; a cloud without them leaves it out. */
  eventGridSuffix: dottedSuffix.optional(),
  /** Queries to Log Analytics; a cloud without them leaves it out. */
  logs: origin.optional(),
});

/** KEYTURN_CLOUD_ENDPOINTS, for the local tenant and clouds that are not listed: https only, ports allowed. */
export const CustomCloud = Members.transform(
  ({ postgresqlSuffix, mysqlSuffix, databaseAudience, planes, ...cloud }) => {
    const earlier = Object.entries({ postgresql: postgresqlSuffix, mysql: mysqlSuffix }).flatMap(
      ([name, suffix]) =>
        suffix === undefined
          ? []
          : [[name, compact({ suffix, audience: databaseAudience })] as const],
    );
    const all: Readonly<Record<string, PlanePlace>> = { ...Object.fromEntries(earlier), ...planes };
    return { ...cloud, ...compact({ planes: Object.keys(all).length > 0 ? all : undefined }) };
  },
);
export type Cloud = Readonly<z.infer<typeof CustomCloud>>;

/**
 * Endpoints of the public and the sovereign clouds (azure-facts 2.5, 4.2, 5.3; `az cloud show`). The audience of SQL and
 * the suffix of topics are unverified outside of the public cloud. A row is all that a cloud takes: the setting, its page and the app know it by its name.
 */
export const clouds = {
  AzureCloud: {
    authority: 'https://login.microsoftonline.com',
    arm: 'https://management.azure.com',
    armAudience: 'https://management.azure.com',
    vaultSuffix: '.vault.azure.net',
    storageSuffix: 'core.windows.net',
    graph: 'https://graph.microsoft.com',
    graphAudience: 'https://graph.microsoft.com',
    sqlSuffix: '.database.windows.net',
    sqlAudience: 'https://database.windows.net',
    eventGridSuffix: '.eventgrid.azure.net',
    logs: 'https://api.loganalytics.io',
  },
  AzureUSGovernment: {
    authority: 'https://login.microsoftonline.us',
    arm: 'https://management.usgovcloudapi.net',
    armAudience: 'https://management.usgovcloudapi.net',
    vaultSuffix: '.vault.usgovcloudapi.net',
    storageSuffix: 'core.usgovcloudapi.net',
    graph: 'https://graph.microsoft.us',
    graphAudience: 'https://graph.microsoft.us',
    sqlSuffix: '.database.usgovcloudapi.net',
    sqlAudience: 'https://database.usgovcloudapi.net',
    eventGridSuffix: '.eventgrid.azure.us',
    logs: 'https://api.loganalytics.us',
  },
  AzureChinaCloud: {
    authority: 'https://login.chinacloudapi.cn',
    sts: 'https://sts.chinacloudapi.cn',
    arm: 'https://management.chinacloudapi.cn',
    armAudience: 'https://management.chinacloudapi.cn',
    vaultSuffix: '.vault.azure.cn',
    storageSuffix: 'core.chinacloudapi.cn',
    graph: 'https://microsoftgraph.chinacloudapi.cn',
    graphAudience: 'https://microsoftgraph.chinacloudapi.cn',
    sqlSuffix: '.database.chinacloudapi.cn',
    sqlAudience: 'https://database.chinacloudapi.cn',
    eventGridSuffix: '.eventgrid.azure.cn',
    logs: 'https://api.loganalytics.azure.cn',
  },
} as const satisfies Readonly<Record<string, Cloud>>;

/** What the settings may choose from: a row by its name, or endpoints of one's own. */
export const cloudChoice = { names: Object.keys(clouds), custom: CustomCloud };

/** The row of this name, which the settings have looked up. */
export function cloudNamed(name: string): Cloud {
  const rows: Readonly<Record<string, Cloud>> = clouds;
  const row = rows[name];
  if (!row) throw new RangeError(`There is no cloud ${name}.`);
  return row;
}

/** The address of a vault, from its name and the cloud alone. */
export const vaultUrl = (cloud: Cloud, vault: string): string =>
  `https://${vault.toLowerCase()}${cloud.vaultSuffix}`;
