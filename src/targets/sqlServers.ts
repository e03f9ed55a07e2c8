/** SQL servers in Azure Resource Manager: the few facts of them that matter, and the administrator's password. */
import type { SqlManagementClient } from '@azure/arm-sql';
import type { TokenCredential } from '@azure/identity';
import { fromArm } from '../azure/armErrors.ts';
import type { Cloud } from '../azure/cloud.ts';
import type { Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { BusyError, KeyturnError, UnknownOutcomeError } from '../core/errors.ts';
import { canonicalId, type ResourceId } from '../core/ids.ts';
import { onlyTo, patience, SINGLE_SEND } from '../core/pipeline.ts';
import type { Secret } from '../core/secret.ts';

export interface SqlServerFacts {
  /** Lower case, under the suffix of the cloud: the only host that is ever dialled for this server (case SEC-02). */
  readonly host: string;
  readonly port: number;
  readonly administratorLogin?: string;
  /** Display name of the Entra administrator. */
  readonly entraAdministrator?: string;
  /** Its `sid`, lower case: an object id, of a service principal maybe its client id (which of them is unverified). */
  readonly entraAdministratorId?: string;
  /** True: every write of a password fails, and no password opens it (case SQL-05). */
  readonly entraOnly: boolean;
}

export interface FailoverGroup {
  /** Hosts by which clients reach whichever server leads: the group's own names. */
  readonly hosts: readonly string[];
  /** Ids of the partner servers, lower case. */
  readonly partners: readonly string[];
}

/** Sleeps within the pass and renews its locks; false when its time is up. */
type Stay = (seconds: number) => Promise<boolean>;

/** Reads throw `BusyError` or a refusal. */
export interface SqlServersApi {
  server(id: ResourceId): Promise<SqlServerFacts>;
  failoverGroups(id: ResourceId): Promise<readonly FailoverGroup[]>;
  /**
   * PATCH with nothing but the password, followed to its end; the request goes out again only where the server said that it
   * has not begun. Throws `not-accepted` where the server refused the password, `UnknownOutcomeError` where the end was not
   * seen: then a login tells which password is in force (case SQL-03).
   */
  setAdminPassword(id: ResourceId, password: Secret, stay: Stay): Promise<void>;
}

export interface SqlServersOptions {
  readonly cloud: Pick<Cloud, 'arm' | 'armAudience' | 'sqlSuffix'>;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}

/** The management plane over `@azure/arm-sql`, which is loaded on first use; one client per subscription. */
export function sqlServers({ cloud, credential, clock }: SqlServersOptions): SqlServersApi {
  const clients = new Map<string, SqlManagementClient>();
  const clientFor = async ({ subscription }: ResourceId): Promise<SqlManagementClient> => {
    const known = clients.get(subscription);
    if (known) return known;
    const { SqlManagementClient: Client } = await import('@azure/arm-sql');
    const client = new Client(credential, subscription, {
      ...SINGLE_SEND,
      endpoint: cloud.arm,
      credentialScopes: [`${cloud.armAudience}/.default`],
    });
    client.pipeline.addPolicy(patience(clock));
    client.pipeline.addPolicy(onlyTo(cloud.arm));
    clients.set(subscription, client);
    return client;
  };
  return {
    async server(id) {
      const client = await clientFor(id);
      // The administrator of Entra is a child resource, which is absent unless it is asked for.
      const options = { expand: 'administrators/activedirectory' };
      const found = await client.servers.get(id.group, id.name, options).catch((error: unknown) => {
        throw fromArm(error, `show the properties of ${id.name}`, { write: false });
      });
      return factsOf(id, found, cloud.sqlSuffix);
    },
    async failoverGroups(id) {
      const client = await clientFor(id);
      const groups: FailoverGroup[] = [];
      try {
        for await (const { name, partnerServers = [] } of client.failoverGroups.listByServer(
          id.group,
          id.name,
        )) {
          groups.push({
            hosts: name ? groupHosts(name, cloud.sqlSuffix) : [],
            partners: partnerServers.map((partner) => canonicalId(partner.id)),
          });
        }
      } catch (error) {
        throw fromArm(error, `list the failover groups of ${id.name}`, { write: false });
      }
      return groups;
    },
    async setAdminPassword(id, password, stay) {
      const client = await clientFor(id);
      for (;;) {
        try {
          return await change(client, id, password, stay);
        } catch (error) {
          // Another change of the server runs: nothing of this one has begun, and its password is sent again.
          const again = error instanceof BusyError && isBusyServer(error);
          if (!again || !(await stay(SECONDS_BETWEEN_TRIES))) throw error;
        }
      }
    },
  };
}

const SECONDS_BETWEEN_TRIES = 15;
const isBusyServer = ({ facts }: BusyError): boolean =>
  facts.status === 409 || facts.status === 429;

/** Pauses between two looks at the operation; it takes some seconds (azure-facts 5.1), and polls cost little. */
const POLL_SECONDS = [1, 2, 4, 8] as const;
const POLL_SECONDS_MAX = 15;

/** Sends the PATCH once and follows the operation. The SDK's own body holds the password alone (measured; case SQL-06). */
async function change(
  client: SqlManagementClient,
  id: ResourceId,
  password: Secret,
  stay: Stay,
): Promise<void> {
  const doing = `set the password of the administrator of ${id.name}`;
  let taken = false;
  const onResponse = ({ status }: { status: number }) => {
    taken ||= status < 300;
  };
  try {
    const parameters = { administratorLoginPassword: password.reveal() };
    const poller = await client.servers.beginUpdate(id.group, id.name, parameters, { onResponse });
    for (let turn = 0; !poller.isDone(); turn += 1) {
      if (!(await stay(POLL_SECONDS[turn] ?? POLL_SECONDS_MAX))) {
        throw new UnknownOutcomeError('target-busy', {
          detail: `Azure did not finish when asked to ${doing}.`,
        });
      }
      await poller.poll();
    }
  } catch (error) {
    if (error instanceof KeyturnError) throw error;
    throw taken
      ? fromOperation(error, doing)
      : refusal(fromArm(error, doing, { write: true }), doing);
  }
}

/**
 * What ended an operation that Azure had taken. Where Azure itself says `Failed`, the SDK throws a plain Error whose code
 * stands in its message alone (azure-facts 8.2); whatever else went wrong leaves the end unknown.
 */
function fromOperation(error: unknown, doing: string): KeyturnError {
  const text = error instanceof Error ? error.message : '';
  const code = /^The long-running operation has failed\. (\w{1,64})\. /.exec(text)?.[1];
  const detail = `Azure took the request to ${doing}, and its end is not known.`;
  if (code === undefined) return new UnknownOutcomeError('target-busy', { detail });
  return refusal(
    new KeyturnError('failed', { code, detail: `Azure failed to ${doing} (${code}).` }),
    doing,
  );
}

/** Codes that say more than "refused" [TailwindTraders#2, bicep-types-az#1436, terraform-provider-azurerm#12964]. */
function refusal(error: KeyturnError, doing: string): KeyturnError {
  const { code } = error.facts;
  if (error instanceof UnknownOutcomeError || code === undefined) return error;
  if (/^Password\w*$/.test(code)) {
    const detail = `The target rejected the password: Azure refused to ${doing} (${code}).`;
    return new KeyturnError('not-accepted', { ...error.facts, detail });
  }
  if (code === 'AadOnlyAuthenticationIsEnabled') return new KeyturnError('entra-only', error.facts);
  if (code !== 'UpsertLogicalServerRequestAlreadyInProgress') return error;
  return new BusyError('target-busy', { ...error.facts, status: 409, detail: error.detail });
}

interface Server {
  readonly fullyQualifiedDomainName?: string;
  readonly administratorLogin?: string;
  readonly administrators?: {
    readonly login?: string;
    readonly sid?: string;
    readonly azureADOnlyAuthentication?: boolean;
  };
}

const PORT = 1433;
/** `.database.windows.net` and, in a cloud of its own, a port behind it. */
function placeUnder(suffix: string): { domain: string; port: number } {
  const [domain = '', port] = suffix.split(':');
  return { domain, port: port === undefined ? PORT : Number(port) };
}

function factsOf(id: ResourceId, server: Server, suffix: string): SqlServerFacts {
  const { domain, port } = placeUnder(suffix);
  const host = server.fullyQualifiedDomainName?.toLowerCase() ?? '';
  if (!host.endsWith(domain) || !/^[a-z0-9-]{1,63}$/.test(host.slice(0, -domain.length))) {
    throw new KeyturnError('failed', {
      detail: `Azure names no host of ${id.name} under ${domain}.`,
    });
  }
  const { administratorLogin, administrators } = server;
  return compact({
    host,
    port,
    administratorLogin,
    entraAdministrator: administrators?.login,
    entraAdministratorId: administrators?.sid?.toLowerCase(),
    entraOnly: administrators?.azureADOnlyAuthentication === true,
  });
}

/** Listeners of a failover group [learn: azure-sql/database/failover-group-sql-db]: a name may lead to any of its servers. */
function groupHosts(name: string, suffix: string): string[] {
  const label = name.toLowerCase();
  const { domain } = placeUnder(suffix);
  return /^[a-z0-9-]{1,63}$/.test(label)
    ? [`${label}${domain}`, `${label}.secondary${domain}`]
    : [];
}
