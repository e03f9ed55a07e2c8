/** Starts a whole Azure tenant in this process; tests and `npm start` then talk to it through `Azure`. */
import { randomBytes } from 'node:crypto';
import { QueueServiceClient } from '@azure/storage-queue';
import type { Azurite } from '../azurite.ts';
import { EventGrid } from '../eventGrid.ts';
import { mapLocalhost, trust } from '../names.ts';
import { Account, type AccountOptions } from './accounts.ts';
import { certificates } from './authority.ts';
import { Azure } from './azure.ts';
import { newId } from './exchange.ts';
import { Faults } from './faults.ts';
import { keyedGrants, keyturnGrants, sqlGrants } from './grants.ts';
import { KeyedResource, type KeyedResourceOptions } from './keyedResource.ts';
import { keyTypes } from './keyTypes.ts';
import { Locks } from './locks.ts';
import { type Principal, RoleAssignments } from './principals.ts';
import { close, listenIdentity, listenTls, portOf, routes } from './server.ts';
import { Signer } from './signer.ts';
import { SqlServer, type SqlServerOptions } from './sqlServer.ts';
import { listenTds } from './tds.ts';
import { Vault, type VaultEvent, type VaultOptions } from './vault.ts';
import { appAccount, hostOf, type World } from './world.ts';

const TICK_MS = 1000;

export interface TenantOptions {
  vaults?: VaultOptions[];
  /** `consent` is the description of Keyturn's role assignment there; default: every vault of the tenant, all secrets, its keys. */
  accounts?: (AccountOptions & { consent?: string })[];
  /** Without `consent` nothing is given: one for logins has to name them, one for the administrator the secret. */
  sqlServers?: (SqlServerOptions & { consent?: string })[];
  /** Resources with access keys of any type that Azure's definitions know. Without `consent` nothing is given. */
  keyed?: (KeyedResourceOptions & { consent?: string })[];
  /** Give Keyturn's identity the rights it needs (default), or start without any. */
  granted?: boolean;
}

export interface AzureOptions {
  /** 0 (default) takes a free one. */
  port?: number;
  tenant?: TenantOptions;
  /** Start Azurite too (default): the app's own storage and the data plane of the accounts. */
  azurite?: boolean;
  /** Where the certificates are kept. */
  certificates?: string;
}

/**
 * Starts the services and, unless told otherwise, Azurite. Several can run in one process. From then on this process finds
 * names below `.localhost` and trusts the local authority; others need `local/preload.ts`.
 */
export async function startAzure(options: AzureOptions = {}): Promise<Azure> {
  const { port = 0, tenant = {}, azurite: withAzurite = true } = options;
  const stopping = new AbortController();
  const eventGrid = new EventGrid();
  const problems: unknown[] = [];
  const [certs, signer] = await Promise.all([certificates(options.certificates), Signer.create()]);
  mapLocalhost();
  trust(certs.ca);
  const world = newWorld(signer, eventGrid, stopping.signal, problems);
  seed(world, tenant, eventGrid);
  world.azurite = withAzurite ? await startStorage(world) : undefined;
  const note = (error: unknown) => void (stopping.signal.aborted || problems.push(error));
  const server = await listenTls(world, certs, port, note);
  world.port = portOf(server);
  const identityServer = await listenIdentity(world, note);
  const tds = await listenTds(world, certs, note);
  world.tdsPort = tds.port;
  const timer = setInterval(() => {
    for (const vault of world.vaults.values()) vault.tick();
  }, TICK_MS).unref();
  const { ca, caPath } = certs;
  return new Azure(
    { world, eventGrid, ca, caPath, problems, identityPort: portOf(identityServer) },
    async () => {
      clearInterval(timer);
      stopping.abort();
      await Promise.all([eventGrid.stop(), close(server), close(identityServer), tds.stop()]);
      await world.azurite?.stop();
    },
  );
}

function newWorld(
  signer: Signer,
  eventGrid: EventGrid,
  stopping: AbortSignal,
  problems: unknown[],
): World {
  const identity: Principal = {
    oid: newId(),
    clientId: newId(),
    displayName: 'id-keyturn',
    graphRoles: [],
  };
  return {
    tenantId: newId(),
    subscriptionId: newId(),
    resourceGroups: new Set(),
    vaults: new Map(),
    accounts: new Map(),
    keyed: new Map(),
    sqlServers: new Map(),
    databases: new Map(),
    consumers: new Map(),
    applications: [],
    principals: [identity],
    appRoles: new Map(),
    identity,
    identityHeader: randomBytes(16).toString('hex'),
    roles: new RoleAssignments(),
    locks: new Locks(),
    eventGrid,
    eventSubscriptions: [],
    systemTopics: [],
    topics: [],
    signer,
    faults: new Faults(routes.map(({ name }) => name)),
    calls: [],
    azurite: undefined,
    port: 0,
    tdsPort: 0,
    stopping,
    later: (work) =>
      void work.catch((error: unknown) => void (stopping.aborted || problems.push(error))),
  };
}

function seed(world: World, tenant: TenantOptions, eventGrid: EventGrid): void {
  const {
    vaults = [{ name: 'kv1' }, { name: 'kv2' }],
    accounts = [{ name: 'acct1' }, { name: 'acct2' }],
  } = tenant;
  const groupId = (name = 'rg-keyturn') => {
    world.resourceGroups.add(name.toLowerCase());
    return `/subscriptions/${world.subscriptionId}/resourceGroups/${name}`;
  };
  for (const options of vaults) {
    const vault: Vault = new Vault(options, groupId(options.resourceGroup), (event) =>
      raise(event, vault, world, eventGrid),
    );
    world.vaults.set(options.name.toLowerCase(), vault);
  }
  for (const options of accounts) {
    const account: Account = new Account(options, groupId(options.resourceGroup), (key1, key2) =>
      world.azurite?.setKeys(options.name, key1, key2),
    );
    world.accounts.set(options.name.toLowerCase(), account);
  }
  for (const options of tenant.sqlServers ?? []) {
    const server = new SqlServer(options, groupId(options.resourceGroup));
    world.sqlServers.set(options.name.toLowerCase(), server);
    if (tenant.granted !== false)
      server.entraLogins.set(world.identity.oid, new Set(['ALTER ANY LOGIN', 'ALTER ANY USER']));
  }
  const keyed = seedKeyed(world, tenant, groupId);
  if (tenant.granted === false) return;
  const everySecret = `keyturn storage-account-key: ${vaults.map(({ name }) => `${name}/*`).join(', ')}`;
  const consents = new Map(
    accounts.map(({ name, consent }) => [name.toLowerCase(), consent ?? everySecret]),
  );
  for (const grant of keyturnGrants(world, consents)) world.roles.grant(grant);
  for (const [found, consent] of keyed)
    for (const grant of keyedGrants(world, found, consent ?? '')) world.roles.grant(grant);
  const sqlConsents = new Map(
    (tenant.sqlServers ?? []).map(({ name, consent }) => [name.toLowerCase(), consent ?? '']),
  );
  for (const grant of sqlGrants(world, sqlConsents)) world.roles.grant(grant);
}

/** Each with the resources that it stands below. */
function seedKeyed(world: World, tenant: TenantOptions, groupId: (name?: string) => string) {
  return (tenant.keyed ?? []).map(
    ({ type, name, resourceGroup, properties = {}, above = {}, alias, consent }) => {
      const [provider = '', ...kinds] = type.split('/');
      const names = name.split('/');
      const at = (length: number): KeyedResource => {
        const pairs = kinds.slice(0, length).map((kind, index) => `${kind}/${names[index]}`);
        const id = `${groupId(resourceGroup)}/providers/${provider}/${pairs.join('/')}`;
        const known = keyTypes.get([provider, ...kinds.slice(0, length)].join('/').toLowerCase());
        const shown = length === kinds.length ? properties : length === 1 ? above : {};
        // What only stands between shows nothing.
        const plain = {
          name: kinds.slice(0, length).join('/'),
          versions: [],
          functions: {},
          properties: {},
          long: false,
          names: [],
        };
        const found =
          world.keyed.get(id.toLowerCase()) ?? new KeyedResource(id, known ?? plain, shown);
        world.keyed.set(id.toLowerCase(), found);
        return found;
      };
      for (let length = 1; length < kinds.length; length += 1) at(length);
      const found = at(kinds.length);
      if (typeof above.serviceBusEndpoint === 'string') found.endpoint = above.serviceBusEndpoint;
      found.alias = alias;
      return [found, consent] as const;
    },
  );
}

function raise(
  { type, secret, version }: VaultEvent,
  vault: Vault,
  world: World,
  eventGrid: EventGrid,
): void {
  eventGrid.raise({
    vaultId: vault.id,
    vaultName: vault.name,
    type: `Microsoft.KeyVault.${type}`,
    objectName: secret.name,
    version: version.id,
    id: `https://${hostOf(world, `${vault.name.toLowerCase()}.vault`)}/secrets/${secret.name}/${version.id}`,
    nbf: version.nbf ?? null,
    exp: version.exp ?? null,
  });
}

async function startStorage(world: World): Promise<Azurite> {
  const { startAzurite } = await import('../azurite.ts'); // slow to load, and not every test needs it
  const keys = [...world.accounts.values()].map((account) => [
    account.name,
    { key1: account.key('key1'), key2: account.key('key2') },
  ]);
  const own = {
    key1: randomBytes(64).toString('base64'),
    key2: randomBytes(64).toString('base64'),
  };
  const azurite = await startAzurite({
    accounts: { [appAccount]: own, ...Object.fromEntries(keys) },
  });
  await makeQueues(azurite.connectionString(appAccount));
  return azurite;
}

/** The queues that a deployment makes in the app's own account (infra/modules/storage.bicep); the host makes none (HST-03). */
async function makeQueues(connection: string): Promise<void> {
  const service = QueueServiceClient.fromConnectionString(connection);
  const names = ['keyturn-work', 'keyturn-events', 'keyturn-notices'].flatMap((name) => [
    name,
    `${name}-poison`,
  ]);
  await Promise.all(names.map((name) => service.createQueue(name)));
}
