/** What a secret seems to hold, by what stands around its value: a guess for people, which decides nothing. */
import { type Tags, tagOf } from '../core/ids.ts';
import type { Registry } from '../ports/deps.ts';

/** Resource types, lower case: also those that `ProviderAddress` names, which Microsoft's samples write (azure-facts 4.2). */
const TYPES: Readonly<Record<string, string>> = {
  'microsoft.storage/storageaccounts': 'storage-account-key',
  'microsoft.documentdb/databaseaccounts': 'cosmos-db-key',
  'microsoft.cache/redis': 'redis-key',
  'microsoft.cache/redisenterprise': 'redis-enterprise-key',
  'microsoft.servicebus/namespaces': 'service-bus-key',
  'microsoft.eventhub/namespaces': 'event-hubs-key',
  'microsoft.relay/namespaces': 'relay-key',
  'microsoft.notificationhubs/namespaces': 'notification-hubs-key',
  'microsoft.cognitiveservices/accounts': 'cognitive-services-key',
  'microsoft.search/searchservices': 'search-admin-key',
  'microsoft.signalrservice/signalr': 'signalr-key',
  'microsoft.signalrservice/webpubsub': 'web-pubsub-key',
  'microsoft.appconfiguration/configurationstores': 'app-configuration-key',
  'microsoft.batch/batchaccounts': 'batch-key',
  'microsoft.maps/accounts': 'maps-key',
  'microsoft.containerregistry/registries': 'container-registry-password',
  'microsoft.eventgrid/topics': 'event-grid-topic-key',
  'microsoft.eventgrid/domains': 'event-grid-domain-key',
  'microsoft.apimanagement/service': 'api-management-subscription-key',
  'microsoft.communication/communicationservices': 'communication-services-key',
  'microsoft.sql/servers': 'sql-login',
  'microsoft.dbforpostgresql/flexibleservers': 'postgresql-login',
  'microsoft.dbformysql/flexibleservers': 'mysql-login',
  'microsoft.devices/iothubs': 'iot-device-key',
};

/** The kind of a resource by its type, lower case. */
export const kindOfType = (type: string): string | undefined => TYPES[type];

/** Words as people put them into names and content types, small letters, one blank between; the first that fits counts. */
const WORDS: readonly (readonly [words: RegExp, kind: string])[] = [
  [
    /client secret|app secret|app registration|service principal|\b(?:sp|spn|aad|entra)\b/,
    'app-registration',
  ],
  [/cosmos|document ?db/, 'cosmos-db-key'],
  [/redis enterprise|managed redis/, 'redis-enterprise-key'],
  [/redis/, 'redis-key'],
  [/service ?bus|\bsb\b/, 'service-bus-key'],
  [/event ?hubs?|\beh\b/, 'event-hubs-key'],
  [/notification ?hub/, 'notification-hubs-key'],
  [/event ?grid/, 'event-grid-topic-key'],
  [/open ?ai|cognitive|\bspeech\b|\btranslator\b|computer vision/, 'cognitive-services-key'],
  [/signal ?r/, 'signalr-key'],
  [/web ?pub ?sub/, 'web-pubsub-key'],
  [/app ?config/, 'app-configuration-key'],
  [/container registry|\bacr\b/, 'container-registry-password'],
  [/api management|\bapim\b/, 'api-management-subscription-key'],
  [/communication services?|\bacs\b/, 'communication-services-key'],
  [/(?:azure|cognitive) search|search (?:admin|key)/, 'search-admin-key'],
  [/\bmaps\b/, 'maps-key'],
  [/\bbatch (?:account|key)/, 'batch-key'],
  [/\brelay\b/, 'relay-key'],
  [/postgres|\bpg\b/, 'postgresql-login'],
  [/my ?sql|maria ?db/, 'mysql-login'],
  [/sql/, 'sql-login'],
  [/storage|\bblob\b|azure web ?jobs|account key/, 'storage-account-key'],
];

/** `StorageConnectionString`, `storage-conn_string` and `storage/connstring` as words: small letters with blanks between. */
const wordsOf = (text: string): string =>
  text
    .slice(0, 256)
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, ' ');

/** The kind by the tags of a sample, else by content type, else by name; only such as this instance knows. */
export function likelyKind(
  item: { readonly name: string; readonly contentType?: string; readonly tags: Tags },
  rotators: Registry,
): string | undefined {
  const [, type = ''] =
    /\/providers\/([\w.]+\/\w+)\//i.exec(tagOf(item.tags, 'provideraddress') ?? '') ?? [];
  const byTag = TYPES[type.toLowerCase()];
  const kind = byTag ?? byWords(item.contentType) ?? byWords(item.name);
  return kind === undefined ? undefined : rotators.get(kind)?.type;
}

function byWords(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const words = wordsOf(text);
  return WORDS.find(([pattern]) => pattern.test(words))?.[1];
}
