/** The state of one tenant, as the services see it. */
import type { Azurite } from '../azurite.ts';
import type { EventGrid } from '../eventGrid.ts';
import type { Account } from './accounts.ts';
import type { Application } from './applications.ts';
import type { LoggedCall } from './calls.ts';
import type { ConsumingResource } from './consumingResource.ts';
import type { DatabaseServer } from './databaseServer.ts';
import type { ArmEventSubscription, SystemTopic } from './eventSources.ts';
import type { Faults } from './faults.ts';
import type { KeyedResource } from './keyedResource.ts';
import type { Locks } from './locks.ts';
import type { Principal, RoleAssignments } from './principals.ts';
import type { Signer } from './signer.ts';
import type { SqlServer } from './sqlServer.ts';
import type { Topic } from './topics.ts';
import type { Vault } from './vault.ts';

/** Audiences of tokens. The vault's must be a parent domain of every vault's host, as the SDK demands (azure-facts 2.5). */
export const audiences = {
  arm: 'https://management.azure.com',
  graph: 'https://graph.microsoft.com',
  vault: 'https://vault.keyturn.localhost',
  sql: 'https://database.windows.net',
  eventGrid: 'https://eventgrid.azure.net',
  keyturn: 'api://keyturn',
} as const;

/** The storage account that the product itself runs on. */
export const appAccount = 'keyturnapp';

export interface World {
  tenantId: string;
  subscriptionId: string;
  resourceGroups: Set<string>;
  vaults: Map<string, Vault>;
  accounts: Map<string, Account>;
  /** Resources with access keys other than storage accounts, and those they stand below, by id in lower case. */
  keyed: Map<string, KeyedResource>;
  sqlServers: Map<string, SqlServer>;
  /** Flexible servers of PostgreSQL and MySQL, by id in lower case. */
  databases: Map<string, DatabaseServer>;
  /** Resources that read secrets, by id in lower case. */
  consumers: Map<string, ConsumingResource>;
  applications: Application[];
  principals: Principal[];
  /** App roles of Keyturn's own API by object id: what its access tokens carry in `roles`. */
  appRoles: Map<string, string[]>;
  /** Keyturn's user-assigned identity, and the header that its endpoint asks for. */
  identity: Principal;
  identityHeader: string;
  roles: RoleAssignments;
  locks: Locks;
  eventGrid: EventGrid;
  /** Event subscriptions and system topics that are there in ARM alone: nothing is delivered by them. */
  eventSubscriptions: ArmEventSubscription[];
  systemTopics: SystemTopic[];
  /** Custom topics of Event Grid, with what was published to each. */
  topics: Topic[];
  signer: Signer;
  faults: Faults;
  calls: LoggedCall[];
  azurite: Azurite | undefined;
  /** The port of the HTTPS server, known once it listens. */
  port: number;
  /** The port of the TDS endpoint. */
  tdsPort: number;
  /** Aborted by `stop()`. */
  stopping: AbortSignal;
  /** Keeps work that outlives its request, so that a failure of it is not lost. */
  later(work: Promise<unknown>): void;
}

export const hostOf = (world: World, name: string): string =>
  `${name}.keyturn.localhost:${world.port}`;

/** The name of a SQL server in the network; like Azure's it says nothing of the port. */
export const sqlHostOf = (_world: World, name: string): string =>
  `${name.toLowerCase()}.database.keyturn.localhost`;

export const loginUrl = (world: World): string => `https://${hostOf(world, 'login')}`;
