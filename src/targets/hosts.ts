/**
 * Hosts by which a text may name a resource: those of ARM's own answer, and the names that the documentation gives the same
 * resource. They are compared and never dialled, so a custom domain may be among them (case VAL-10).
 */

/** A host as connection strings name it, from an address or a name; with the port that is given, where that is not 443. */
export function hostOf(value: unknown, port?: unknown): readonly string[] {
  if (typeof value !== 'string') return [];
  const address = value.includes('://') ? value.replace(/^sb:/, 'https:') : `https://${value}`;
  if (!URL.canParse(address)) return [];
  const { host, protocol } = new URL(address);
  if (protocol !== 'https:' || !/^[a-z0-9.-]+(:\d+)?$/.test(host)) return [];
  return [typeof port === 'number' && port !== 443 ? `${host}:${port}` : host];
}

/** The host in a connection string that ARM itself writes: `Endpoint=sb://alias1.servicebus.windows.net/;…`. */
export function hostIn(text: unknown): readonly string[] {
  return typeof text === 'string' ? hostOf(/(?:^|;)\s*Endpoint=([^;]+)/i.exec(text)?.[1]) : [];
}

/** Every text in a value, however deep, less what is deeper than ARM's answers go. */
export function textsIn(value: unknown, depth = 0): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return [];
  return Object.values(value).flatMap((each) => textsIn(each, depth + 1));
}
/** `primaryEndpoints.ipv6Endpoints.microsoftEndpoints.blob` of a storage account (npm arm-storage 21.0.0). */
const DEPTH_MAX = 4;

/**
 * Zones whose names are also there as `<name>.privatelink.<zone>` [learn: private-link/private-endpoint-dns, public and China;
 * of flexible database servers, Web PubSub and Azure OpenAI the zones are unverified]. Such a name leads to its resource alone:
 * the public one is Azure's, and a private zone belongs to the network of whoever looks it up.
 */
const ZONES: readonly string[] = [
  ...['documents', 'mongo.cosmos', 'cassandra.cosmos', 'gremlin.cosmos', 'table.cosmos'].flatMap(
    (zone) => [`${zone}.azure.com`, `${zone}.azure.cn`],
  ),
  'servicebus.windows.net',
  'redis.cache.windows.net',
  'azconfig.io',
  'azurecr.io',
  'search.windows.net',
  'service.signalr.net',
  'webpubsub.azure.com',
  'cognitiveservices.azure.com',
  'openai.azure.com',
];

/** The name that a private endpoint gives the same resource; none for what is not one label below a zone that has such names. */
export function privateLinkOf(host: string, zones: readonly string[] = ZONES): readonly string[] {
  const [name = '', port] = host.split(':');
  const zone = name.slice(name.indexOf('.') + 1);
  if (!name.includes('.') || !zones.includes(zone)) return [];
  const linked = linkedName(name);
  return [port === undefined ? linked : `${linked}:${port}`];
}

/** `sql1.privatelink.database.windows.net`, of a name without a port whose zone is known to have such names. */
export const linkedName = (name: string): string => name.replace('.', '.privatelink.');

/** The APIs of a Cosmos account beside the one in `documentEndpoint`, with the ports of their connection strings. */
const COSMOS_APIS = [
  ['mongo', ':10255'],
  ['cassandra', ':10350'],
  ['gremlin', ''],
  ['table', ''],
] as const;

/**
 * Where the other APIs of a Cosmos account listen: under its own name, which no other account may have. ARM's answer has a member
 * for them only where the API is switched on (recorded: `mongoEndpoint`, with 443 as its port); names and ports as in the
 * answers to listConnectionStrings (facts V2.3) and in the zones above. Of other clouds than the public one and China unverified.
 */
export function cosmosHosts(documentHost: string): readonly string[] {
  const [, name, end] = /^([a-z0-9-]+)\.documents\.azure\.(com|cn)$/.exec(documentHost) ?? [];
  if (name === undefined) return [];
  return COSMOS_APIS.flatMap(([api, port]) => {
    const host = `${name}.${api}.cosmos.azure.${end}`;
    return [...new Set([`${host}${port}`, host])];
  });
}
