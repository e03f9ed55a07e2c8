/** The keys of a storage account: what its rotator needs of Azure, and Azure's answer to it. */
import type { StorageManagementClient } from '@azure/arm-storage';
import type { TokenCredential } from '@azure/identity';
import { fromArm } from '../azure/armErrors.ts';
import type { Cloud } from '../azure/cloud.ts';
import type { Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import type { ResourceId } from '../core/ids.ts';
import { onlyTo, patience, SINGLE_SEND, untilFree } from '../core/pipeline.ts';
import { Secret } from '../core/secret.ts';
import { wireFailure } from '../core/wire.ts';
import { textsIn } from './hosts.ts';

/** Keys by the name that ARM gives them; the list may hold more than two, in any order (case ST-05). */
export type Keys = ReadonlyMap<string, Secret>;

export interface StorageAccountFacts {
  /** `allowSharedKeyAccess`; absent means true. */
  readonly sharedKeys: boolean;
  /** `sasPolicy`: how long a SAS may live, as `DD.HH:MM:SS`. */
  readonly sasPeriod?: string;
  /** Addresses as ARM gives them, of all services and the ways to reach them. */
  readonly endpoints: readonly string[];
  /** The name that its owner gave it in a domain of their own. */
  readonly customDomain?: string;
  readonly blobEndpoint?: string;
}

/** The management plane. Reads throw `BusyError` or a refusal, `regenerate` `UnknownOutcomeError`, too. */
export interface StorageKeysApi {
  account(id: ResourceId): Promise<StorageAccountFacts>;
  listKeys(id: ResourceId): Promise<Keys>;
  /** Sent once; the list with the new key, as the service answers it. */
  regenerate(id: ResourceId, slot: string): Promise<Keys>;
}

/** One signed request to the data plane. */
export interface StorageKeyProbe {
  /** The code of the refusal (empty if there was none), `busy` for 429 and 5xx, `unreachable` without an answer. */
  tryKey(
    blobEndpoint: string,
    account: string,
    key: Secret,
  ): Promise<'accepted' | 'busy' | 'unreachable' | { readonly refused: string }>;
}

export interface StorageKeysOptions {
  readonly cloud: Pick<Cloud, 'arm' | 'armAudience'>;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}

/** listKeys is a POST that changes nothing. */
const isRead = ({ method, url }: { method: string; url: string }): boolean =>
  /^(GET|HEAD)$/.test(method) || (method === 'POST' && /\/listKeys$/i.test(new URL(url).pathname));

/** The management plane over `@azure/arm-storage`, which is loaded on first use; one client per subscription. */
export function storageKeys({ cloud, credential, clock }: StorageKeysOptions): StorageKeysApi {
  const clients = new Map<string, StorageManagementClient>();
  const clientFor = async ({ subscription }: ResourceId): Promise<StorageManagementClient> => {
    const known = clients.get(subscription);
    if (known) return known;
    const { StorageManagementClient: Client } = await import('@azure/arm-storage');
    const client = new Client(credential, subscription, {
      ...SINGLE_SEND,
      endpoint: cloud.arm,
      credentials: { scopes: [`${cloud.armAudience}/.default`] },
      additionalPolicies: [
        { policy: patience(clock, isRead), position: 'perCall' },
        { policy: onlyTo(cloud.arm), position: 'perCall' },
      ],
    });
    clients.set(subscription, client);
    return client;
  };
  const call = <T>(
    id: ResourceId,
    doing: string,
    write: boolean,
    send: (c: StorageManagementClient) => Promise<T>,
  ) =>
    untilFree(clock, write, async () => {
      const client = await clientFor(id);
      return await send(client).catch((error: unknown) => {
        throw fromArm(error, `${doing} of ${id.name}`, { write });
      });
    });
  return {
    async account(id) {
      const found = await call(id, 'show the properties', false, (client) =>
        client.storageAccounts.getProperties(id.group, id.name),
      );
      return factsOf(found);
    },
    async listKeys(id) {
      const send = (client: StorageManagementClient) =>
        client.storageAccounts.listKeys(id.group, id.name);
      return keysOf((await call(id, 'list the keys', false, send)).keys);
    },
    async regenerate(id, slot) {
      const send = (client: StorageManagementClient) =>
        client.storageAccounts.regenerateKey(id.group, id.name, { keyName: slot });
      return keysOf((await call(id, `regenerate ${slot}`, true, send)).keys);
    },
  };
}

interface Properties {
  readonly allowSharedKeyAccess?: boolean;
  readonly sasPolicy?: { readonly sasExpirationPeriod: string };
  readonly primaryEndpoints?: object;
  readonly secondaryEndpoints?: object;
  readonly customDomain?: { readonly name?: string };
}

function factsOf({ allowSharedKeyAccess, sasPolicy, ...shown }: Properties): StorageAccountFacts {
  const { primaryEndpoints = {}, secondaryEndpoints = {}, customDomain } = shown;
  const blob: unknown = Reflect.get(primaryEndpoints, 'blob');
  return compact({
    sharedKeys: allowSharedKeyAccess !== false,
    sasPeriod: sasPolicy?.sasExpirationPeriod,
    // Whatever stands in there is an address of the account: by services, by ways to reach them, and whatever comes later.
    endpoints: [primaryEndpoints, secondaryEndpoints].flatMap((each) => textsIn(each)),
    customDomain: customDomain?.name,
    blobEndpoint: typeof blob === 'string' ? blob : undefined,
  });
}

function keysOf(keys: readonly { keyName?: string; value?: string }[] = []): Keys {
  const named = keys.filter(
    (key): key is { keyName: string; value: string } => !!key.keyName && !!key.value,
  );
  return new Map(named.map(({ keyName, value }) => [keyName.toLowerCase(), new Secret(value)]));
}

/** Asks the blob service for the account's properties, signed with the key; `@azure/storage-blob` is loaded on first use. */
export function storageKeyProbe(): StorageKeyProbe {
  return {
    async tryKey(blobEndpoint, account, key) {
      const { BlobServiceClient, StorageSharedKeyCredential } = await import('@azure/storage-blob');
      const credential = new StorageSharedKeyCredential(account, key.reveal());
      const retryOptions = { maxTries: 2, tryTimeoutInMs: 10_000, retryDelayInMs: 500 };
      const client = new BlobServiceClient(blobEndpoint, credential, { retryOptions });
      try {
        await client.getAccountInfo();
        return 'accepted';
      } catch (error) {
        const { status, code } = wireFailure(error);
        if (status === undefined) return 'unreachable';
        return status === 429 || status >= 500 ? 'busy' : { refused: code ?? '' };
      }
    },
  };
}
