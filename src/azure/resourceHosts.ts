/**
 * Resources by their hosts, from Azure Resource Graph (facts-after F3): what Keyturn's identity may not read is silently missing
 * there, and its freshness has no figure, so that a suggestion is a suggestion. The same text for everyone: nothing is joined into
 * it. That Resource Graph shows these members as Resource Manager does is unverified.
 */
import { z } from 'zod';
import { KeyturnError } from '../core/errors.ts';
import { parseResourceId } from '../core/ids.ts';
import type { FoundResource, Resources } from '../ports/resources.ts';
import type { Arm } from './arm.ts';

const API_VERSION = '2022-10-01';
/** Lower case. */
const TYPES = [
  ...[
    'microsoft.storage/storageaccounts',
    'microsoft.documentdb/databaseaccounts',
    'microsoft.cache/redis',
  ],
  ...[
    'microsoft.cache/redisenterprise',
    'microsoft.servicebus/namespaces',
    'microsoft.eventhub/namespaces',
  ],
  ...[
    'microsoft.relay/namespaces',
    'microsoft.notificationhubs/namespaces',
    'microsoft.cognitiveservices/accounts',
  ],
  ...[
    'microsoft.search/searchservices',
    'microsoft.signalrservice/signalr',
    'microsoft.signalrservice/webpubsub',
  ],
  ...[
    'microsoft.appconfiguration/configurationstores',
    'microsoft.batch/batchaccounts',
    'microsoft.maps/accounts',
  ],
  ...[
    'microsoft.communication/communicationservices',
    'microsoft.devices/iothubs',
    'microsoft.sql/servers',
  ],
  ...['microsoft.dbforpostgresql/flexibleservers', 'microsoft.dbformysql/flexibleservers'],
] as const;
const QUERY = [
  'resources',
  `where type in~ (${TYPES.map((type) => `'${type}'`).join(', ')})`,
  [
    'project id, type, blob = properties.primaryEndpoints.blob, documentEndpoint = properties.documentEndpoint',
    'hostName = properties.hostName, serviceBusEndpoint = properties.serviceBusEndpoint, endpoint = properties.endpoint',
    'fullyQualifiedDomainName = properties.fullyQualifiedDomainName',
  ].join(', '),
  'order by id asc',
].join(' | ');
const PAGE = 500;
const PAGES_MAX = 60;

const Answer = z.object({
  data: z.array(z.unknown()).max(PAGE),
  resultTruncated: z.union([z.string(), z.boolean()]).nullish(),
  $skipToken: z.string().max(10_000).nullish(),
});
const host = z.string().max(300).nullish();
const Row = z.object({
  id: z.string().max(1_000),
  type: z.string().max(200),
  blob: host,
  documentEndpoint: host,
  hostName: host,
  serviceBusEndpoint: host,
  endpoint: host,
  fullyQualifiedDomainName: host,
});

export function resourcesFrom(options: {
  readonly arm: Pick<Arm, 'ask'>;
  /** Lower case. */
  readonly subscriptions: () => readonly string[];
}): Resources {
  const { arm, subscriptions } = options;
  return {
    async list() {
      const asked = subscriptions();
      const found: FoundResource[] = [];
      if (asked.length === 0) return found;
      let $skipToken: string | undefined;
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const paging = {
          resultFormat: 'objectArray',
          $top: PAGE,
          ...($skipToken === undefined ? {} : { $skipToken }),
        };
        const body = { subscriptions: asked, query: QUERY, options: paging };
        const answer = Answer.safeParse(await asking(arm, body)).data;
        if (!answer) throw undiscovered('The list of resources does not parse.');
        found.push(...answer.data.flatMap((row) => resourceIn(row, asked) ?? []));
        $skipToken = answer.$skipToken ?? undefined;
        if ($skipToken === undefined) break;
      }
      return found;
    },
  };
}

/** An answer names nothing that nobody asked for. */
function resourceIn(row: unknown, subscriptions: readonly string[]): FoundResource | undefined {
  const { data } = Row.safeParse(row);
  const type = TYPES.find((each) => each === data?.type.toLowerCase());
  if (!data || !type) return undefined;
  try {
    const { text, subscription, name } = parseResourceId(data.id, type, 'An id', /^[\w.-]{1,100}$/);
    if (!subscriptions.includes(subscription)) return undefined;
    const { id: _, type: __, ...members } = data;
    const hosts = [...new Set([...Object.values(members).flatMap(hostIn), ...named(type, name)])];
    return { id: text.toLowerCase(), type, hosts };
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

function hostIn(value: string | null | undefined): readonly string[] {
  if (!value) return [];
  const address = value.includes('://') ? value.replace(/^sb:/, 'https:') : `https://${value}`;
  return URL.canParse(address) ? [new URL(address).hostname.toLowerCase()] : [];
}

/** Search services have shown their endpoint for a short time only. */
const named = (type: string, name: string): readonly string[] =>
  type === 'microsoft.search/searchservices' ? [`${name.toLowerCase()}.search.windows.net`] : [];

async function asking(arm: Pick<Arm, 'ask'>, body: object): Promise<unknown> {
  try {
    return await arm.ask(
      { 'api-version': API_VERSION },
      body,
      'list resources with Resource Graph',
    );
  } catch (error) {
    if (error instanceof KeyturnError)
      throw new KeyturnError('undiscovered', { ...error.facts, detail: error.detail });
    throw error;
  }
}

const undiscovered = (detail: string): KeyturnError => new KeyturnError('undiscovered', { detail });
