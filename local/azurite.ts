/**
 * Azurite inside this process, in memory: the app's own storage, and the data plane of the accounts that get rotated, so
 * that an old key is refused by code that is not ours. Uses Azurite's private classes as measured for 3.37.0 (pinned).
 */
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

/** The two access keys of a storage account, base64 as Azure gives them. */
export type AccountKeys = { key1: string; key2: string };

/** Three running services over one set of accounts. */
export interface Azurite {
  readonly ports: { blob: number; queue: number; table: number };
  /** From the next request on the account accepts these two keys and no other; an unknown account is added. */
  setKeys(account: string, key1: string, key2: string): void;
  /** How many messages a queue has, and whether one can be seen now, without a request; undefined: there is no such queue. */
  queued(account: string, queue: string): Promise<{ count: number; shows: boolean } | undefined>;
  /** Path-style HTTP endpoints on 127.0.0.1, signed with key1. */
  connectionString(account?: string): string;
  stop(): Promise<void>;
}

type Account = { name: string; key1: Buffer; key2: Buffer };
type Service = {
  httpServer: Server;
  accountDataStore: { accounts: Record<string, Account>; refresh(): void };
  start(): Promise<void>;
  close(): Promise<void>;
};
type QueueService = Service & {
  metadataStore: {
    getMessagesCount(account: string, queue: string): Promise<number>;
    peekMessages(account: string, queue: string, count: number): Promise<unknown[]>;
  };
};
type New<T> = new (...args: unknown[]) => T;

const require = createRequire(import.meta.url);

/** A module of Azurite. Its dependencies still use punycode; that warning is not ours to show. */
function load<T>(file: string): T {
  const before = process.noDeprecation;
  process.noDeprecation = true;
  try {
    return require(`azurite/dist/src/${file}.js`) as T;
  } finally {
    if (before === undefined) Reflect.deleteProperty(process, 'noDeprecation');
    else process.noDeprecation = before;
  }
}
const classFrom = <T>(file: string): New<T> => load<{ default: New<T> }>(file).default;

/** The account that exists when none is named. */
export const defaultAccount = 'keyturnlocal';

/** A storage account key of the real size: 64 random bytes. */
export const newKey = (): string => randomBytes(64).toString('base64');

/** Starts blob, queue and table services on free ports. Any number of instances can live in one process. */
export async function startAzurite(
  options: { accounts?: Record<string, AccountKeys> } = {},
): Promise<Azurite> {
  const keys = new Map(
    Object.entries(options.accounts ?? { [defaultAccount]: { key1: newKey(), key2: newKey() } }),
  );
  const services = { blob: blobService(), queue: queueService(), table: tableService() };
  const all = Object.values(services);
  for (const { accountDataStore: store } of all) {
    // Azurite re-reads AZURITE_ACCOUNTS at start and every 60 s; the variable is one for the whole process, the map is ours.
    store.refresh = () => {
      store.accounts = Object.fromEntries(
        [...keys].map(([name, pair]) => [name, parsed(name, pair)]),
      );
    };
  }
  for (const { httpServer } of all) {
    // Azurite dates its answers by the clock that locks are judged by, except errors, which Node would date by real time.
    httpServer.prependListener('request', (_request, response) =>
      response.setHeader('date', new Date().toUTCString()),
    );
  }
  await Promise.all(all.map((service) => service.start()));
  const port = ({ httpServer }: Service) => (httpServer.address() as AddressInfo).port;
  const ports = {
    blob: port(services.blob),
    queue: port(services.queue),
    table: port(services.table),
  };

  return {
    ports,
    setKeys(account, key1, key2) {
      keys.set(account, { key1, key2 });
      for (const service of all) service.accountDataStore.refresh();
    },
    async queued(account, queue) {
      const { metadataStore } = services.queue;
      try {
        const [count, seen] = [
          await metadataStore.getMessagesCount(account, queue),
          await metadataStore.peekMessages(account, queue, 1),
        ];
        return { count, shows: seen.length > 0 };
      } catch (error) {
        if ((error as { storageErrorCode?: unknown }).storageErrorCode === 'QueueNotFound')
          return undefined;
        throw error;
      }
    },
    connectionString(account = [...keys.keys()][0] ?? defaultAccount) {
      const pair = keys.get(account);
      if (!pair) throw new Error(`Azurite has no account ${account}`);
      const at = (port: number) => `http://127.0.0.1:${port}/${account}`;
      return (
        `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${pair.key1};` +
        `BlobEndpoint=${at(ports.blob)};QueueEndpoint=${at(ports.queue)};TableEndpoint=${at(ports.table)};`
      );
    },
    async stop() {
      await Promise.all(all.map((service) => close(service)));
    },
  };
}

const parsed = (name: string, { key1, key2 }: AccountKeys): Account => ({
  name,
  key1: Buffer.from(key1, 'base64'),
  key2: Buffer.from(key2, 'base64'),
});

// Positions as in Azurite's configuration classes (measured, azure-facts 4.3). Paths are never used in memory mode.
const host = '127.0.0.1';
const keepAlive = 5;
const locations = [{ locationId: 'Default', locationPath: 'memory', maxConcurrency: 10 }];
const strict = [
  /* loose */ false,
  /* skipApiVersionCheck */ true,
  '',
  '',
  '',
  undefined,
  /* product style */ false,
];

/** A store of its own for each instance: Azurite's default one is shared, and what is stopped would keep its blobs there. */
function extents(): unknown {
  const { MemoryExtentChunkStore } = load<{ MemoryExtentChunkStore: New<unknown> }>(
    'common/persistence/MemoryExtentStore',
  );
  return new MemoryExtentChunkStore(512 * 1024 * 1024);
}

function blobService(): Service {
  const Configuration = classFrom<object>('blob/BlobConfiguration');
  const log = [false, undefined, false, undefined];
  const files = ['memory.json', 'memory-extents.json', locations];
  return new (classFrom<Service>('blob/BlobServer'))(
    new Configuration(host, 0, keepAlive, ...files, ...log, ...strict, true, extents()),
  );
}

function queueService(): QueueService {
  const Configuration = classFrom<object>('queue/QueueConfiguration');
  const log = [false, undefined, false, undefined];
  const files = ['memory.json', 'memory-extents.json', locations];
  return new (classFrom<QueueService>('queue/QueueServer'))(
    new Configuration(host, 0, keepAlive, ...files, ...log, ...strict, true, extents()),
  );
}

function tableService(): Service {
  const Configuration = classFrom<object>('table/TableConfiguration');
  const log = [false, false, undefined, undefined];
  return new (classFrom<Service>('table/TableServer'))(
    new Configuration(host, 0, keepAlive, 'memory.json', ...log, ...strict, true),
  );
}

/** Azurite's own close does not wait for its socket; a test that ends must leave no open handle. */
async function close(service: Service): Promise<void> {
  const closed = new Promise<void>((resolve) => service.httpServer.once('close', () => resolve()));
  await service.close();
  service.httpServer.closeAllConnections();
  await closed;
}
