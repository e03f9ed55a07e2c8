/**
 * Whether the events of a vault come to Keyturn, asked for without a write: a subscription of the vault itself, or one of its system
 * topic, since whether the first list shows those is unverified (facts D9). Never asks for an address with its key (`getFullUrl`).
 */
import { z } from 'zod';
import { commandLine } from '../core/commandLine.ts';
import { canonicalId, type ResourceId } from '../core/ids.ts';
import type { RightCheck } from '../core/rightChecks.ts';
import type { Arm } from './arm.ts';
import { cannotTell, listAt, told } from './told.ts';

/** [npm:@azure/arm-eventgrid 14.1.0]. */
const API_VERSION = '2025-02-15';
/** What the vault's role needs for the first list; the second needs `Microsoft.EventGrid/systemTopics/read` at the vault's group, too. */
export const EVENTS_READ = 'Microsoft.EventGrid/eventSubscriptions/read';
const TOPICS_READ = 'Microsoft.EventGrid/systemTopics/read';

const NEEDED = ['SecretNearExpiry', 'SecretExpired', 'SecretNewVersionCreated'].map(
  (name) => `microsoft.keyvault.${name.toLowerCase()}`,
);
const QUEUE = 'keyturn-events';
const FUNCTION = /\/functions\/secretevents$/i;
const WEBHOOK = /^https:\/\/[^?]*\/runtime\/webhooks\/eventgrid/i;

const Destination = z.object({
  endpointType: z.string(),
  properties: z
    .object({
      resourceId: z.string().nullish(),
      queueName: z.string().nullish(),
      endpointBaseUrl: z.string().nullish(),
    })
    .nullish(),
});
const Subscription = z.object({
  properties: z.object({
    provisioningState: z.string().nullish(),
    destination: Destination.nullish(),
    deliveryWithResourceIdentity: z.object({ destination: Destination.nullish() }).nullish(),
    filter: z.object({ includedEventTypes: z.array(z.string()).nullish() }).nullish(),
    expirationTimeUtc: z.string().nullish(),
  }),
});
const Topic = z.object({
  id: z.string().max(2_000),
  properties: z.object({ source: z.string().nullish() }),
});

interface EventSource {
  readonly name: string;
  readonly id: ResourceId;
  /** Accounts that hold Keyturn's queue of events. */
  readonly ownStorage: readonly string[];
  readonly now: Date;
}

/** @param near two requests at most: a topic that is there counts as not told */
export async function eventsOf(
  arm: Pick<Arm, 'get'>,
  vault: EventSource,
  near = false,
): Promise<RightCheck> {
  const what = `events of the vault ${vault.name}`;
  const asked = (path: string, doing: string) => ({ arm, path, version: API_VERSION, doing });
  return await told(
    what,
    `${EVENTS_READ} at the vault, and ${TOPICS_READ} at its group`,
    async () => {
      const below = `${vault.id.text}/providers/Microsoft.EventGrid/eventSubscriptions`;
      const own = await listAt(
        asked(below, 'list the event subscriptions of the vault'),
        Subscription,
      );
      if (own.items.some((each) => isSound(each, vault))) return { what, state: 'ok' };
      const topicsAt = `${vault.id.text.split('/providers/')[0]}/providers/Microsoft.EventGrid/systemTopics`;
      const topics = await listAt(
        asked(topicsAt, "list the system topics of the vault's group"),
        Topic,
      );
      const topic = topics.items.find(
        ({ properties }) => canonicalId(properties.source ?? '') === vault.id.text,
      );
      if (topic && near)
        return cannotTell(
          what,
          'The vault has a system topic, whose subscriptions were not looked at.',
        );
      const path = topic && `${canonicalId(topic.id)}/eventSubscriptions`;
      const of = path
        ? await listAt(asked(path, 'list the event subscriptions of the topic'), Subscription)
        : undefined;
      if (of?.items.some((each) => isSound(each, vault))) return { what, state: 'ok' };
      if (!own.whole || !topics.whole || of?.whole === false)
        return cannotTell(what, 'Azure gave a part of the subscriptions alone.');
      return missing(what, vault, topic !== undefined || own.items.length > 0);
    },
  );
}

function missing(what: string, { name, id }: EventSource, isThere: boolean): RightCheck {
  const why = isThere
    ? 'no subscription of it brings all three events of secrets to Keyturn'
    : 'it has no event subscription in its group';
  const detail = `Keyturn hears nothing of the vault ${name}: ${why}. The sweep looks after its secrets all the same, later.`;
  const command = `KEYTURN_VAULTS=${commandLine(id.text)} infra/hooks/onboard.sh`;
  return { what, state: 'problem', reason: 'no-events', detail, command };
}

function isSound(
  { properties }: z.infer<typeof Subscription>,
  { ownStorage, now }: EventSource,
): boolean {
  const { provisioningState, filter, expirationTimeUtc } = properties;
  const types = filter?.includedEventTypes?.map((each) => each.toLowerCase());
  if (provisioningState?.toLowerCase() !== 'succeeded') return false;
  if (expirationTimeUtc && Date.parse(expirationTimeUtc) <= now.getTime()) return false;
  if (types && !NEEDED.every((each) => types.includes(each))) return false;
  const { endpointType, properties: place } =
    properties.destination ?? properties.deliveryWithResourceIdentity?.destination ?? {};
  if (endpointType === 'AzureFunction') return FUNCTION.test(place?.resourceId ?? '');
  if (endpointType === 'WebHook') return WEBHOOK.test(place?.endpointBaseUrl ?? '');
  const account = place?.resourceId?.toLowerCase().split('/').at(-1) ?? '';
  return (
    endpointType === 'StorageQueue' && place?.queueName === QUEUE && ownStorage.includes(account)
  );
}
