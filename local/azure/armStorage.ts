/** ARM calls on storage accounts (azure-facts 4.1). */
import { type Account, type Slot, slots } from './accounts.ts';
import { armRefusal } from './armErrors.ts';
import { json, type Reply } from './exchange.ts';
import type { Request, Route } from './service.ts';
import { hostOf, type World } from './world.ts';

const account = String.raw`^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Storage\/storageAccounts\/[^/]+)`;
const pathOf = (action = '') => new RegExp(`${account}${action}$`, 'i');
const recording = 'azure-cli recording test_renew_account_key';

function find({ parts: [id = ''] }: Request, world: World): Account {
  const found = [...world.accounts.values()].find(
    (item) => item.id.toLowerCase() === id.toLowerCase(),
  );
  if (!found) throw armRefusal.resourceNotFound(id);
  return found;
}

function get(request: Request, world: World): Reply {
  const found = find(request, world);
  const { name, id, keyExpirationDays, sasExpirationPeriod, allowSharedKeyAccess } = found;
  return {
    status: 200,
    body: {
      sku: { name: 'Standard_LRS', tier: 'Standard' },
      kind: 'StorageV2',
      id,
      name,
      type: 'Microsoft.Storage/storageAccounts',
      location: 'westeurope',
      tags: found.tags,
      properties: {
        keyCreationTime: { key1: found.creationTime('key1'), key2: found.creationTime('key2') },
        ...(keyExpirationDays === undefined
          ? {}
          : { keyPolicy: { keyExpirationPeriodInDays: keyExpirationDays } }),
        ...(sasExpirationPeriod === undefined
          ? {}
          : { sasPolicy: { sasExpirationPeriod, expirationAction: 'Log' } }),
        // Absent means allowed (azure-facts 4.1).
        ...(allowSharedKeyAccess === undefined ? {} : { allowSharedKeyAccess }),
        minimumTlsVersion: 'TLS1_2',
        supportsHttpsTrafficOnly: true,
        provisioningState: 'Succeeded',
        ...reachedBy(found, world),
        primaryLocation: 'westeurope',
        statusOfPrimary: 'available',
      },
    },
  };
}

const SERVICES = ['blob', 'queue', 'table', 'file', 'web', 'dfs'] as const;
/** The internet's way has no queues and tables (npm arm-storage 21.0.0, StorageAccountInternetEndpoints). */
const BY_INTERNET = ['blob', 'file', 'web', 'dfs'] as const;

/**
 * Endpoints of the account. Their names by routing and of the secondary are documented [learn: storage/common/network-routing-preference,
 * storage-redundancy]; those of DNS zones are as printed by `az storage account create --dns-endpoint-type AzureDnsZone`; those
 * of IPv6 are unverified.
 */
function reachedBy({ name, reached }: Account, world: World): object {
  const { dnsZone, readable, routed, customDomain } = reached;
  const endpoint = (service: string, behind: string) =>
    dnsZone === undefined
      ? `https://${hostOf(world, `${name}${behind}.${service}.core`)}/`
      : `https://${name}${behind}.${dnsZone}.${service}.storage.azure.net/`;
  const those = (services: readonly string[], behind: string) =>
    Object.fromEntries(services.map((service) => [service, endpoint(service, behind)]));
  const routes = (behind: string) => ({
    microsoftEndpoints: those(SERVICES, `${behind}-microsoftrouting`),
    internetEndpoints: those(BY_INTERNET, `${behind}-internetrouting`),
  });
  const of = (behind: string) => ({
    ...those(SERVICES, behind),
    ...(routed
      ? {
          ...routes(behind),
          ipv6Endpoints: { ...those(SERVICES, `${behind}-ipv6`), ...routes(`${behind}-ipv6`) },
        }
      : {}),
  });
  return {
    dnsEndpointType: dnsZone === undefined ? 'Standard' : 'AzureDnsZone',
    primaryEndpoints: of(''),
    ...(readable ? { secondaryEndpoints: of('-secondary') } : {}),
    ...(customDomain === undefined ? {} : { customDomain: { name: customDomain } }),
  };
}

const keyList = (found: Account): Reply => ({
  status: 200,
  body: {
    keys: found.kerberos
      ? kerberosList(found)
      : slots.map((slot) => ({ creationTime: found.creationTime(slot), ...keyIn(found, slot) })),
  },
});

const keyIn = (found: Account, slot: Slot) => ({
  keyName: slot,
  value: found.key(slot),
  permissions: 'FULL',
});

/** As tools have met it: other keys first, the order turned round, no creation times (azure-cli#11012; case ST-05). */
const kerberosList = (found: Account) => [
  { keyName: 'kerb1', value: Buffer.alloc(64, found.name).toString('base64'), permissions: 'FULL' },
  keyIn(found, 'key2'),
  keyIn(found, 'key1'),
];

/** Every POST is a write to a ReadOnly lock, whatever it does [azure-sdk-for-java#2560]. */
function unlocked(request: Request, world: World): Account {
  const found = find(request, world);
  if (found.locked === 'ReadOnly') throw armRefusal.locked(request.path, found.id);
  return found;
}

function regenerate(request: Request, world: World): Reply {
  const found = unlocked(request, world);
  const keyName = json(request)?.keyName;
  // kerb1 and kerb2 exist only with identity-based file access, which these accounts do not have.
  if (!isSlot(keyName)) throw armRefusal.badKeyName(String(keyName));
  found.regenerate(keyName);
  return keyList(found);
}

const isSlot = (name: unknown): name is Slot => slots.some((slot) => slot === name);

export const storageRoutes: Route[] = [
  {
    name: 'arm.storageAccount',
    method: 'GET',
    path: pathOf(),
    write: false,
    action: 'Microsoft.Storage/storageAccounts/read',
    source: 'recorded',
    reference: 'azure-sdk-for-js arm-storage recording storageaccounts_get_test',
    handle: get,
  },
  {
    name: 'arm.listKeys',
    method: 'POST',
    path: pathOf(String.raw`\/listKeys`),
    write: false,
    action: 'Microsoft.Storage/storageAccounts/listkeys/action',
    source: 'recorded',
    reference: recording,
    handle: (request, world) => keyList(unlocked(request, world)),
  },
  {
    name: 'arm.regenerateKey',
    method: 'POST',
    path: pathOf(String.raw`\/regenerateKey`),
    write: true,
    action: 'Microsoft.Storage/storageAccounts/regeneratekey/action',
    source: 'recorded',
    reference: recording,
    handle: regenerate,
  },
];
