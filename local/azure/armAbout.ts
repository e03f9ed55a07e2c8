/** ARM's lists about a resource that are not of its own provider: locks, event subscriptions and system topics. All only read. */
import type { ArmEventSubscription } from './eventSources.ts';
import type { Reply } from './exchange.ts';
import { type Lock, lockId } from './locks.ts';
import type { Request, Route } from './service.ts';
import type { World } from './world.ts';

export const locksPath = /^(\/subscriptions\/.+?)\/providers\/Microsoft\.Authorization\/locks$/i;
const resourceLock =
  'npm:@azure/arm-locks 2.1.0, types ManagementLockObject and ManagementLockListResult';
const eventGrid = 'npm:@azure/arm-eventgrid 14.1.0, types EventSubscription and SystemTopic';
export const subscriptionsPath =
  /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.KeyVault\/vaults\/[^/]+)\/providers\/Microsoft\.EventGrid\/eventSubscriptions$/i;
const topicsPath =
  /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+)\/providers\/Microsoft\.EventGrid\/systemTopics$/i;
const topicPath =
  /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.EventGrid\/systemTopics\/[^/]+)\/eventSubscriptions$/i;

function listLocks({ parts: [scope = ''] }: Request, world: World): Reply {
  // Accounts and resources with keys may also have a lock of their own, set by a test at the thing itself.
  const own = [...world.accounts.values(), ...world.keyed.values()].flatMap(
    ({ id, locked }): Lock[] =>
      locked && `${id}/`.toLowerCase().startsWith(`${scope}/`.toLowerCase())
        ? [{ scope: id, level: locked, name: 'own' }]
        : [],
  );
  const value = [...world.locks.at(scope), ...own].map((lock) => ({
    id: lockId(lock),
    name: lock.name,
    type: 'Microsoft.Authorization/locks',
    properties: { level: lock.level, notes: null, owners: null },
  }));
  return { status: 200, body: { value, nextLink: null } };
}

const shown = ({ source, name, properties }: ArmEventSubscription, type: string) => ({
  ...{
    id: `${source}/providers/Microsoft.EventGrid/eventSubscriptions/${name}`,
    name,
    type,
    properties,
  },
});
const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

/** What a topic of the vault has is not in here: that it would be is unverified (facts D9). */
function listSubscriptions({ parts: [vault = ''] }: Request, world: World): Reply {
  const delivered = world.eventGrid.subscribed().map(
    ({ name, vaultId, endpoint }): ArmEventSubscription => ({
      source: vaultId,
      name,
      properties: {
        provisioningState: 'Succeeded',
        // Of an address with a key in it the part before `?` is shown.
        destination: {
          endpointType: 'WebHook',
          properties: { endpointBaseUrl: endpoint.split('?')[0] },
        },
        filter: {},
      },
    }),
  );
  const value = [...world.eventSubscriptions, ...delivered]
    .filter(({ source }) => same(source, vault))
    .map((each) => shown(each, 'Microsoft.EventGrid/eventSubscriptions'));
  return { status: 200, body: { value, nextLink: null } };
}

function listTopics({ parts: [group = ''] }: Request, world: World): Reply {
  const value = world.systemTopics
    .filter(({ id }) => id.toLowerCase().startsWith(`${group.toLowerCase()}/`))
    .map(({ id, source }) => ({
      id,
      name: id.slice(id.lastIndexOf('/') + 1),
      type: 'Microsoft.EventGrid/systemTopics',
      location: 'westeurope',
      properties: {
        source,
        topicType: 'Microsoft.KeyVault.vaults',
        provisioningState: 'Succeeded',
      },
    }));
  return { status: 200, body: { value, nextLink: null } };
}

function listOfTopic({ parts: [topic = ''] }: Request, world: World): Reply {
  const value = world.eventSubscriptions
    .filter(({ source }) => same(source, topic))
    .map((each) => shown(each, 'Microsoft.EventGrid/systemTopics/eventSubscriptions'));
  return { status: 200, body: { value, nextLink: null } };
}

/** The scope of each of these paths, for rights. */
export const scopeAbout = (path: string): string | undefined =>
  (locksPath.exec(path) ??
    subscriptionsPath.exec(path) ??
    topicsPath.exec(path) ??
    topicPath.exec(path))?.[1];

export const aboutRoutes: Route[] = [
  {
    name: 'arm.locks',
    method: 'GET',
    path: locksPath,
    write: false,
    action: 'Microsoft.Authorization/locks/read',
    source: 'documented',
    reference: resourceLock,
    handle: listLocks,
  },
  {
    name: 'arm.eventSubscriptions',
    method: 'GET',
    path: subscriptionsPath,
    write: false,
    action: 'Microsoft.EventGrid/eventSubscriptions/read',
    source: 'documented',
    reference: eventGrid,
    handle: listSubscriptions,
  },
  {
    name: 'arm.systemTopics',
    method: 'GET',
    path: topicsPath,
    write: false,
    action: 'Microsoft.EventGrid/systemTopics/read',
    source: 'documented',
    reference: eventGrid,
    handle: listTopics,
  },
  {
    name: 'arm.topicSubscriptions',
    method: 'GET',
    path: topicPath,
    write: false,
    // The spelling is unverified (facts D9).
    action: 'Microsoft.EventGrid/systemTopics/eventSubscriptions/read',
    source: 'documented',
    reference: eventGrid,
    handle: listOfTopic,
  },
];
