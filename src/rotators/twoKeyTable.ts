/**
 * The two-key family as data: one row per kind, read by `twoKey.ts`. Types, versions, actions, bodies and slots are those of
 * Azure's own type definitions (NuGet Azure.Bicep.Types.Az 0.2.972), against which a test holds every row. Not in there, and
 * unverified: the spelling of role actions (type path and action, which Azure compares in any case), and what is marked.
 */
import type { KeyDialect, KeyPair } from '../core/formSpec.ts';

/** Slots by their handle, spelt as the service takes it, with the member of the list that holds the key; the idle one first. */
export type Slots = Readonly<Record<string, string>>;

/**
 * A member of `properties` in the answer to GET: of the resource itself, or with `/` of the outermost one, its namespace; with
 * points a member further down, as `readLocations.documentEndpoint`.
 */
export type MemberPath = string;

export interface TwoKeyRow {
  /** The tag value. */
  readonly type: string;
  /** What it is, for people. */
  readonly title: string;
  /** The resource types whose keys are listed and regenerated in this way. */
  readonly armTypes: readonly string[];
  readonly version: string;
  /** Names of those that open the whole resource above them: given at themselves and to a secret by name alone. */
  readonly root?: RegExp;
  readonly list: {
    readonly action: string;
    /** Keys stand in this array, by name, instead of in members of their own. */
    readonly array?: string;
    /** Further members that are connection strings: the hosts in them are the target's, too (geo-recovery aliases). */
    readonly strings?: readonly string[];
  };
  readonly slots: Slots;
  /** A second pair of the same resource, chosen by the option `keys`. */
  readonly readonlySlots?: Slots;
  readonly regenerate: {
    /** `{slot}` stands for the slot where it belongs to the path. */
    readonly action: string;
    /** The member of the body that names the slot. */
    readonly body?: string;
    /** The body takes this member of the listed key instead of the slot. */
    readonly by?: string;
    /** Answers 202: the new key comes when the operation ends. */
    readonly long?: true;
  };
  /** Where the host for connection strings stands, as an address or a name, and its port where that is not 443. */
  readonly host?: MemberPath;
  readonly port?: MemberPath;
  /** Where further hosts of the same resource stand: other APIs, regions, data endpoints. Read from the same answer. */
  readonly hosts?: readonly MemberPath[];
  /** Keys are switched off when this member is one of these values, or, an array, lacks the value. */
  readonly off?: {
    readonly at: MemberPath;
    readonly is?: readonly unknown[];
    readonly lacks?: string;
  };
  /** Connection strings that clients of the service use; without one the secret holds the bare key. */
  readonly strings?: readonly KeyDialect[];
  /** What changes with the key, so that both are the credential. */
  readonly pair?: KeyPair;
}

const localAuth = { at: 'disableLocalAuth', is: [true] } as const;
const Primary = { Secondary: 'secondaryKey', Primary: 'primaryKey' } as const;
const primary = { secondary: 'secondaryKey', primary: 'primaryKey' } as const;
const key1 = { key2: 'key2', key1: 'key1' } as const;
const authKey1 = { authKey2: 'authKey2', authKey1: 'authKey1' } as const;

/** Shared access rules of the messaging services; the namespace above knows host and switch. */
const rule = {
  // Azure's own rule with all rights, which every namespace has.
  root: /^RootManage/i,
  // The aliases are null unless the namespace is one of a pair (azure-facts 7; azure-cli prints them so).
  list: {
    action: 'listKeys',
    strings: ['aliasPrimaryConnectionString', 'aliasSecondaryConnectionString'],
  },
  slots: { SecondaryKey: 'secondaryKey', PrimaryKey: 'primaryKey' },
  regenerate: { action: 'regenerateKeys', body: 'keyType' },
  strings: ['amqp', 'messaging'],
} as const;

export const twoKeyTable: readonly TwoKeyRow[] = [
  {
    type: 'cosmos-db-key',
    title: 'Azure Cosmos DB account',
    armTypes: ['Microsoft.DocumentDB/databaseAccounts'],
    version: '2026-03-15',
    list: { action: 'listKeys' },
    slots: { secondary: 'secondaryMasterKey', primary: 'primaryMasterKey' },
    readonlySlots: {
      secondaryReadonly: 'secondaryReadonlyMasterKey',
      primaryReadonly: 'primaryReadonlyMasterKey',
    },
    regenerate: { action: 'regenerateKey', body: 'keyKind', long: true },
    host: 'documentEndpoint',
    // The first five are in recorded answers alone (mongoEndpoint, sqlEndpoint) or in none that we know: read where they are.
    hosts: [
      'sqlEndpoint',
      'mongoEndpoint',
      'cassandraEndpoint',
      'gremlinEndpoint',
      'tableEndpoint',
      ...['locations', 'readLocations', 'writeLocations'].map((list) => `${list}.documentEndpoint`),
    ],
    off: localAuth,
    strings: ['mongo', 'cosmosTable', 'cosmos', 'cassandra'],
  },
  {
    type: 'redis-key',
    title: 'Azure Cache for Redis',
    armTypes: ['Microsoft.Cache/redis'],
    version: '2024-11-01',
    list: { action: 'listKeys' },
    slots: Primary,
    regenerate: { action: 'regenerateKey', body: 'keyType' },
    host: 'hostName',
    port: 'sslPort',
    off: { at: 'disableAccessKeyAuthentication', is: [true] },
    strings: ['redisAddress', 'redis'],
  },
  {
    type: 'redis-enterprise-key',
    title: 'Azure Managed Redis and Redis Enterprise database',
    armTypes: ['Microsoft.Cache/redisEnterprise/databases'],
    version: '2026-09-01',
    list: { action: 'listKeys' },
    slots: Primary,
    regenerate: { action: 'regenerateKey', body: 'keyType', long: true },
    host: '/hostName',
    port: 'port',
    off: { at: 'accessKeysAuthentication', is: ['Disabled'] },
    strings: ['redisAddress', 'redis'],
  },
  {
    ...rule,
    type: 'service-bus-key',
    title: 'Service Bus access policy of a namespace, queue or topic',
    armTypes: [
      'Microsoft.ServiceBus/namespaces/AuthorizationRules',
      'Microsoft.ServiceBus/namespaces/queues/authorizationRules',
      'Microsoft.ServiceBus/namespaces/topics/authorizationRules',
    ],
    version: '2026-01-01',
    host: '/serviceBusEndpoint',
    off: { at: '/disableLocalAuth', is: [true] },
  },
  {
    ...rule,
    type: 'event-hubs-key',
    title: 'Event Hubs access policy of a namespace or event hub',
    armTypes: [
      'Microsoft.EventHub/namespaces/authorizationRules',
      'Microsoft.EventHub/namespaces/eventhubs/authorizationRules',
    ],
    version: '2026-01-01',
    host: '/serviceBusEndpoint',
    off: { at: '/disableLocalAuth', is: [true] },
    strings: ['jaas', 'amqp', 'messaging'],
  },
  {
    ...rule,
    type: 'relay-key',
    title: 'Azure Relay access policy of a namespace, hybrid connection or WCF relay',
    armTypes: [
      'Microsoft.Relay/namespaces/authorizationRules',
      'Microsoft.Relay/namespaces/hybridConnections/authorizationRules',
      'Microsoft.Relay/namespaces/wcfRelays/authorizationRules',
    ],
    version: '2026-01-01',
    host: '/serviceBusEndpoint',
  },
  {
    ...rule,
    type: 'notification-hubs-key',
    title: 'Notification Hubs access policy of a namespace or hub',
    armTypes: [
      'Microsoft.NotificationHubs/namespaces/authorizationRules',
      'Microsoft.NotificationHubs/namespaces/notificationHubs/authorizationRules',
    ],
    version: '2023-09-01',
    root: /^(RootManage|DefaultFull)/i, // of the namespace and of each hub; the names are unverified
    regenerate: { action: 'regenerateKeys', body: 'policyKey' },
    host: '/serviceBusEndpoint',
  },
  {
    type: 'cognitive-services-key',
    title: 'Azure AI services account, Azure OpenAI included',
    armTypes: ['Microsoft.CognitiveServices/accounts'],
    version: '2026-09-01',
    list: { action: 'listKeys' },
    slots: { Key2: 'key2', Key1: 'key1' },
    regenerate: { action: 'regenerateKey', body: 'keyName' },
    host: 'endpoint',
    hosts: ['endpoints.*'], // one for each API; the subdomain of the account's own is among them
    off: localAuth,
    strings: ['aspire'],
  },
  {
    type: 'search-admin-key',
    title: 'Azure AI Search service, admin keys',
    armTypes: ['Microsoft.Search/searchServices'],
    version: '2026-11-01',
    list: { action: 'listAdminKeys' },
    slots: primary,
    regenerate: { action: 'regenerateAdminKey/{slot}' },
    host: 'endpoint',
    off: localAuth,
    strings: ['aspire'],
  },
  {
    type: 'signalr-key',
    title: 'Azure SignalR Service',
    armTypes: ['Microsoft.SignalRService/signalR'],
    version: '2024-03-01',
    list: { action: 'listKeys' },
    slots: Primary, // never Salt, which replaces both
    regenerate: { action: 'regenerateKey', body: 'keyType', long: true },
    host: 'hostName',
    off: localAuth,
    strings: ['signalr'],
  },
  {
    type: 'web-pubsub-key',
    title: 'Azure Web PubSub',
    armTypes: ['Microsoft.SignalRService/webPubSub'],
    version: '2024-03-01',
    list: { action: 'listKeys' },
    slots: Primary,
    regenerate: { action: 'regenerateKey', body: 'keyType', long: true },
    host: 'hostName',
    off: localAuth,
    strings: ['signalr'],
  },
  {
    type: 'app-configuration-key',
    title: 'App Configuration store',
    armTypes: ['Microsoft.AppConfiguration/configurationStores'],
    version: '2024-06-01',
    list: { action: 'listKeys', array: 'value' },
    slots: { Secondary: 'Secondary', Primary: 'Primary' },
    readonlySlots: {
      SecondaryReadOnly: 'Secondary Read Only',
      PrimaryReadOnly: 'Primary Read Only',
    },
    regenerate: { action: 'regenerateKey', body: 'id', by: 'id' },
    host: 'endpoint',
    off: localAuth,
    // The Id changes with the key: recorded, azure-cli test_azconfig_credential at 8bd4902.
    strings: ['appConfiguration'],
    pair: { name: 'id', key: 'secret' },
  },
  {
    type: 'batch-key',
    title: 'Batch account',
    armTypes: ['Microsoft.Batch/batchAccounts'],
    version: '2025-06-01',
    list: { action: 'listKeys' },
    slots: { Secondary: 'secondary', Primary: 'primary' },
    regenerate: { action: 'regenerateKeys', body: 'keyName' },
    host: 'accountEndpoint',
    off: { at: 'allowedAuthenticationModes', lacks: 'SharedKey' },
  },
  {
    type: 'maps-key',
    title: 'Azure Maps account',
    armTypes: ['Microsoft.Maps/accounts'],
    version: '2023-06-01',
    list: { action: 'listKeys' },
    slots: primary,
    regenerate: { action: 'regenerateKey', body: 'keyType' },
    off: localAuth,
  },
  {
    type: 'container-registry-password',
    title: 'Container Registry, admin user',
    armTypes: ['Microsoft.ContainerRegistry/registries'],
    version: '2025-11-01',
    list: { action: 'listCredentials', array: 'passwords' },
    slots: { password2: 'password2', password: 'password' },
    regenerate: { action: 'regenerateCredential', body: 'name' },
    host: 'loginServer',
    hosts: ['dataEndpointHostNames'],
    off: { at: 'adminUserEnabled', is: [false, undefined] },
  },
  {
    type: 'event-grid-topic-key',
    title: 'Event Grid topic',
    armTypes: ['Microsoft.EventGrid/topics'],
    version: '2025-02-15',
    list: { action: 'listKeys' },
    slots: key1,
    regenerate: { action: 'regenerateKey', body: 'keyName', long: true },
    host: 'endpoint',
    off: localAuth,
  },
  {
    type: 'event-grid-domain-key',
    title: 'Event Grid domain',
    armTypes: ['Microsoft.EventGrid/domains'],
    version: '2025-02-15',
    list: { action: 'listKeys' },
    slots: key1,
    regenerate: { action: 'regenerateKey', body: 'keyName' },
    host: 'endpoint',
    off: localAuth,
  },
  {
    type: 'event-grid-namespace-key', // its regeneration stands in azure-facts 7 alone: unverified
    title: 'Event Grid namespace',
    armTypes: ['Microsoft.EventGrid/namespaces'],
    version: '2025-02-15',
    list: { action: 'listKeys' },
    slots: key1,
    regenerate: { action: 'regenerateKey', body: 'keyName', long: true },
  },
  {
    type: 'event-grid-partner-key',
    title: 'Event Grid partner namespace',
    armTypes: ['Microsoft.EventGrid/partnerNamespaces'],
    version: '2025-02-15',
    list: { action: 'listKeys' },
    slots: key1,
    regenerate: { action: 'regenerateKey', body: 'keyName' },
    host: 'endpoint',
    off: localAuth,
  },
  {
    type: 'api-management-subscription-key',
    title: 'API Management subscription',
    armTypes: [
      'Microsoft.ApiManagement/service/subscriptions',
      'Microsoft.ApiManagement/service/workspaces/subscriptions',
    ],
    version: '2024-05-01',
    root: /^master$/i, // the built-in one, good for every API; its name is unverified
    list: { action: 'listSecrets' },
    slots: Primary,
    regenerate: { action: 'regenerate{slot}Key' },
  },
  {
    type: 'api-management-gateway-key',
    title: 'API Management self-hosted gateway',
    armTypes: ['Microsoft.ApiManagement/service/gateways'],
    version: '2024-05-01',
    list: { action: 'listKeys' },
    slots: { secondary: 'secondary', primary: 'primary' },
    regenerate: { action: 'regenerateKey', body: 'keyType' },
  },
  {
    type: 'communication-services-key',
    title: 'Communication Services',
    armTypes: ['Microsoft.Communication/communicationServices'],
    version: '2026-03-18',
    list: { action: 'listKeys' },
    slots: Primary,
    regenerate: { action: 'regenerateKey', body: 'keyType' },
    host: 'hostName',
    off: localAuth,
    strings: ['communication'],
  },
  {
    type: 'machine-learning-endpoint-key',
    title: 'Machine Learning online endpoint',
    armTypes: ['Microsoft.MachineLearningServices/workspaces/onlineEndpoints'],
    version: '2026-09-01',
    list: { action: 'listKeys' },
    slots: Primary,
    regenerate: { action: 'regenerateKeys', body: 'keyType', long: true },
    host: 'scoringUri',
    off: { at: 'authMode', is: ['AMLToken', 'AADToken'] },
  },
  {
    type: 'machine-learning-serverless-key',
    title: 'Machine Learning serverless endpoint',
    armTypes: ['Microsoft.MachineLearningServices/workspaces/serverlessEndpoints'],
    version: '2026-09-01',
    list: { action: 'listKeys' },
    slots: Primary,
    regenerate: { action: 'regenerateKeys', body: 'keyType', long: true }, // long unverified
    off: { at: 'authMode', is: ['AAD'] },
  },
  {
    type: 'data-factory-runtime-key',
    title: 'Data Factory self-hosted integration runtime',
    armTypes: ['Microsoft.DataFactory/factories/integrationRuntimes'],
    version: '2018-06-01',
    list: { action: 'listAuthKeys' },
    slots: authKey1,
    regenerate: { action: 'regenerateAuthKey', body: 'keyName' },
  },
  {
    type: 'synapse-runtime-key',
    title: 'Synapse self-hosted integration runtime',
    armTypes: ['Microsoft.Synapse/workspaces/integrationRuntimes'],
    version: '2021-06-01',
    list: { action: 'listAuthKeys' },
    slots: authKey1,
    regenerate: { action: 'regenerateAuthKey', body: 'keyName' },
  },
  {
    type: 'sql-migration-runtime-key',
    title: 'Database Migration Service for SQL, its self-hosted integration runtime',
    armTypes: ['Microsoft.DataMigration/sqlMigrationServices'],
    version: '2025-06-30',
    list: { action: 'listAuthKeys' },
    slots: authKey1,
    // The types leave the name of a key open; Azure's own sample says `authKey1` (azure-sdk-for-js, arm-datamigration).
    regenerate: { action: 'regenerateAuthKeys', body: 'keyName' },
  },
  {
    type: 'fluid-relay-key',
    title: 'Fluid Relay server',
    armTypes: ['Microsoft.FluidRelay/fluidRelayServers'],
    version: '2022-06-01',
    list: { action: 'listKeys' },
    slots: key1,
    regenerate: { action: 'regenerateKey', body: 'keyName' },
  },
];

/** Key-bearing types that the family cannot serve; the page of kinds is made from here (azure-facts 7). */
export const notSupported: readonly { readonly what: string; readonly because: string }[] = [
  {
    what: 'IoT Hub, Device Provisioning Service',
    because: 'keys have no regenerate action, only a PUT of the whole policy',
  },
  {
    what: 'Log Analytics workspace',
    because: 'regenerateSharedKey takes no slot, so the key in use would go, too',
  },
  {
    what: 'Container Registry tokens',
    because: 'passwords are shown at their creation alone, so no value can be recognised',
  },
  {
    what: 'Function and host keys',
    because: 'they are set, not regenerated, and without two slots',
  },
  { what: 'Storage local users', because: 'they have one password, which is replaced at once' },
  {
    what: 'Logic Apps access keys',
    because: 'regenerateAccessKey shows no key, and no action lists them',
  },
  {
    what: 'Bot Service channels',
    because: 'two keys per site of a channel: the target would be a part of a resource',
  },
  { what: 'Health Bot', because: 'its secret has one slot' },
  {
    what: 'SQL migration services',
    because: 'the action names its slots nowhere in the definitions',
  },
  { what: 'Azure Quantum workspaces', because: 'key actions exist in preview versions alone' },
  { what: 'Azure Spring Apps test keys', because: 'the service is retired' },
];
