/** Part of the composition root: the clients and ports that passes, sweep and probes reach, made from the settings. */
import type { ManagedIdentityCredential } from '@azure/identity';
import type { Probes } from '../api/readiness.ts';
import { type Arm, createArm } from '../azure/arm.ts';
import { createBriefArm } from '../azure/briefArm.ts';
import { type Cloud, vaultUrl } from '../azure/cloud.ts';
import { consentFrom } from '../azure/consentReader.ts';
import { discoveryFrom, vaultIn } from '../azure/discovery.ts';
import { createGraph } from '../azure/graph.ts';
import { grantsIn } from '../azure/graphGrants.ts';
import { rightsFrom } from '../azure/permissions.ts';
import { rememberedFacts } from '../azure/rememberedFacts.ts';
import { resourcesFrom } from '../azure/resourceHosts.ts';
import { vaultTagsFrom } from '../azure/vaultTags.ts';
import { declaredConsumers } from '../consumers/declaredConsumers.ts';
import type { Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import type { Settings } from '../core/settings.ts';
import { evidenceOf } from '../evidence/evidenceOf.ts';
import { logsOf } from '../evidence/logs.ts';
import { workspacesOf } from '../evidence/workspaces.ts';
import { Deliveries } from '../notices/deliver.ts';
import { senderOf } from '../notices/sinks.ts';
import { topicSender } from '../notices/topic.ts';
import type { Config, Deps } from '../ports/deps.ts';
import type { Evidence } from '../ports/evidence.ts';
import type { NoticeQueue } from '../ports/notices.ts';
import { tableAlerts } from '../store/alertTable.ts';
import { blobAudit } from '../store/auditLog.ts';
import { tableHolds } from '../store/holdsTable.ts';
import { tableLocks } from '../store/lockTable.ts';
import { lookQueue } from '../store/lookQueue.ts';
import { pruneMarks } from '../store/marks.ts';
import { noticeQueue } from '../store/noticeQueue.ts';
import { poisonLengths, queueReach } from '../store/reach.ts';
import { reportBlobs } from '../store/reportBlobs.ts';
import { tableRows } from '../store/rowTable.ts';
import type { OwnStorage } from '../store/storage.ts';
import { suggestionTable } from '../store/suggestionTable.ts';
import { unmanagedTable } from '../store/unmanagedTable.ts';
import { vaultListStore } from '../store/vaultListTable.ts';
import { type Pace, paceOf } from '../sweep/pace.ts';
import { keyVaults } from '../vault/keyVault.ts';
import { ServedVaults } from '../vault/served.ts';

export interface Clients {
  /** For the events that this process takes in. */
  readonly pace: Pace;
  readonly deps: Omit<Deps, 'log'>;
  readonly served: ServedVaults;
  /** How many messages the poison queues hold. */
  readonly poisonLengths: ReturnType<typeof poisonLengths>;
  /** Brings notices to whoever the settings name; absent where they name nobody. */
  readonly deliveries?: Deliveries;
  /** Removes marks of events that are of no use any more. */
  readonly pruneMarks: () => Promise<void>;
}

/** What all clients are made from. */
export interface Ground {
  readonly settings: Settings<Cloud>;
  readonly cloud: Cloud;
  readonly credential: ManagedIdentityCredential;
  readonly rotators: Deps['rotators'];
  readonly clock: Clock;
}

/** Makes every client; sends nothing. */
export function clientsOf({ settings, cloud, credential, rotators, clock }: Ground): Clients {
  const own = ownOf({ settings, cloud, credential });
  const arm = createArm({ cloud, credential, clock });
  const served = servedOf(settings, { arm, own, clock });
  const vaultFacts = rememberedFacts(arm, clock);
  const notices = noticeQueue(own);
  const deps = {
    vaults: keyVaults({ served, urlOf: (name) => vaultUrl(cloud, name), credential, clock }),
    vaultTags: vaultTagsFrom({ arm: vaultFacts, served, clock }),
    rotators,
    consent: consentFrom({
      map: settings.consent,
      arm,
      clock,
      principalId: settings.identity.principalId,
      graph: createGraph({ cloud, credential, clock }),
    }),
    rows: tableRows(own, clock),
    unmanaged: unmanagedTable(own, clock),
    suggestions: suggestionTable(own, clock),
    resources: resourcesFrom({
      arm,
      subscriptions: () => [
        ...new Set([
          ...settings.subscriptions,
          ...served.ids.map(({ subscription }) => subscription),
        ]),
      ],
    }),
    ...(settings.consumers.length === 0
      ? {}
      : {
          consumers: declaredConsumers({
            ...{ arm: createBriefArm({ cloud, credential, clock }), clock },
            subscriptions: settings.consumers,
          }),
        }),
    locks: tableLocks(own, clock),
    holds: tableHolds(own, clock),
    queue: lookQueue(own, clock),
    audit: blobAudit(own),
    reports: reportBlobs(own),
    alerts: tableAlerts(own, clock),
    evidence: evidenceFor({ settings, cloud, credential, clock }),
    rights: rightsFrom({
      ...{
        arm,
        served,
        clock,
        principalId: settings.identity.principalId,
        lately: vaultFacts.lately,
      },
      ownStorage: settings.ownStorage,
    }),
    clock,
    config: configOf(settings),
    ...(settings.notify ? { notices } : {}),
  };
  const pace = paceOf(clock, () => deps.vaults.names.length);
  const deliveries = deliveriesOf({ settings, credential, clock }, notices);
  const rest = { poisonLengths: poisonLengths(own), pruneMarks: pruneMarks(own, clock) };
  return compact({ deps, served, pace, deliveries, ...rest });
}

function deliveriesOf(
  { settings, credential, clock }: Pick<Ground, 'settings' | 'credential' | 'clock'>,
  queue: NoticeQueue,
): Deliveries | undefined {
  const { notify, publicUrl } = settings;
  if (!notify) return undefined;
  const topic = (endpoint: string) => topicSender(endpoint, { credential, publicUrl });
  const senders = new Map(
    notify.sinks.map((sink) => [sink.name, senderOf(sink, { clock, publicUrl, topic })]),
  );
  return new Deliveries({ settings: notify, senders, queue, clock });
}

function servedOf(
  { vaults, subscriptions, instance }: Settings<Cloud>,
  { arm, own, clock }: { readonly arm: Arm; readonly own: OwnStorage; readonly clock: Clock },
): ServedVaults {
  const discovery = {
    discover: discoveryFrom({ arm, subscriptions, instance }),
    kept: vaultListStore(own, clock),
    parse: (id: string) => vaultIn(id, subscriptions),
  };
  return new ServedVaults(vaults, subscriptions.length > 0 ? discovery : undefined, clock);
}

const ownOf = ({
  settings: { hostStorage },
  cloud,
  credential,
}: Omit<Ground, 'rotators' | 'clock'>): OwnStorage =>
  'connectionString' in hostStorage
    ? hostStorage
    : { ...hostStorage, storageSuffix: cloud.storageSuffix, credential };

function evidenceFor({ settings, cloud, credential, clock }: Omit<Ground, 'rotators'>): Evidence {
  const workspaces = workspacesOf({ ids: settings.workspaces ?? [], cloud, credential, clock });
  return evidenceOf(
    workspaces
      ? { logs: logsOf({ workspaces, clock, identity: settings.identity.principalId }) }
      : {},
  );
}

/** What health and readiness try. */
export function probesOf(ground: Ground, { rows }: Pick<Deps, 'rows'>): Probes {
  const { settings, cloud, credential } = ground;
  const detail = `The identity ${settings.identity.clientId} gave no token.`;
  // The library's own text stays unread: it may hold what the endpoint was sent.
  const tokenFor = (audience: string) =>
    credential.getToken(`${audience}/.default`).catch(() => {
      throw new KeyturnError('no-identity', { detail });
    });
  return {
    table: () => rows.sweptOn(),
    queue: queueReach(ownOf(ground)),
    token: () => tokenFor(cloud.armAudience),
    graphToken: async () => grantsIn(await tokenFor(cloud.graphAudience)),
  };
}

const GUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

function configOf({
  instance,
  mode,
  suggest,
  rate,
  rotators,
  policy,
  limits,
  capDays,
  ...rest
}: Settings<Cloud>): Config {
  const { ownStorage, ownerTag, sampleVaults, identity, audience, freeze } = rest;
  return compact({
    instance,
    mode,
    suggest,
    rate,
    policy,
    limits,
    ownStorage,
    ownerTag,
    sampleVaults,
    freeze,
    enabled: rotators,
    identity: identity.principalId,
    ownApplications: [identity.clientId, ...(audience.match(GUID) ?? [])].map((id) =>
      id.toLowerCase(),
    ),
    capDays,
  });
}
