/** The app's own storage as whoever may read the account sees it. */
import { TableClient } from '@azure/data-tables';
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import { appAccount } from '../../local/azure/world.ts';
import type { Azurite } from '../../local/azurite.ts';

const QUEUES = [
  ...(['keyturn-work', 'keyturn-work-poison', 'keyturn-events', 'keyturn-events-poison'] as const),
  ...(['keyturn-notices', 'keyturn-notices-poison'] as const),
] as const;
export type QueueName = (typeof QUEUES)[number];

/** A row as the table holds it, and its column `json` parsed where there is one. */
export interface RawRow {
  readonly partition: string;
  readonly key: string;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export class OwnStorage {
  readonly table: TableClient;
  readonly #queues: QueueServiceClient;
  readonly #azurite: Azurite | undefined;

  /** `azurite`, where it is the storage and of this process, is looked into instead of being asked how many wait. */
  constructor(connection: string, azurite?: Azurite) {
    this.#azurite = azurite;
    this.table = TableClient.fromConnectionString(connection, 'keyturn', {
      allowInsecureConnection: true,
    });
    this.#queues = QueueServiceClient.fromConnectionString(connection);
  }

  queue(name: QueueName = 'keyturn-work'): QueueClient {
    return this.#queues.getQueueClient(name);
  }

  async rows(): Promise<RawRow[]> {
    const rows: RawRow[] = [];
    for await (const { partitionKey = '', rowKey = '', ...columns } of this.table.listEntities()) {
      const { json } = columns;
      const text = JSON.stringify({ partitionKey, rowKey, ...columns });
      rows.push({ partition: partitionKey, key: rowKey, text, json: parsed(json) });
    }
    return rows;
  }

  /** Empties the table, as its loss would (design section 2, "The table"). */
  async dropRows(): Promise<void> {
    const rows = await this.rows();
    await Promise.all(rows.map(({ partition, key }) => this.table.deleteEntity(partition, key)));
  }

  /** Messages in the queues, also those that nobody sees yet. */
  async waiting(...names: QueueName[]): Promise<number> {
    const asked = names.length > 0 ? names : QUEUES;
    const counts = await Promise.all(
      asked.map(async (name) => {
        const known = await this.#azurite?.queued(appAccount, name);
        return (
          known?.count ?? (await this.queue(name).getProperties()).approximateMessagesCount ?? 0
        );
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Texts of the messages that can be seen now, decoded. */
  async messages(name: QueueName = 'keyturn-work'): Promise<string[]> {
    const { peekedMessageItems } = await this.queue(name).peekMessages({ numberOfMessages: 32 });
    return peekedMessageItems.map(({ messageText }) =>
      Buffer.from(messageText, 'base64').toString('utf8'),
    );
  }

  async clear(): Promise<void> {
    await Promise.all([this.dropRows(), ...QUEUES.map((name) => this.queue(name).clearMessages())]);
  }

  async create(): Promise<void> {
    await Promise.all([
      this.table.createTable(),
      ...QUEUES.map((name) => this.queue(name).createIfNotExists()),
    ]);
  }

  /** Puts a text on a queue as anybody with the account's key could (case SEC-05). */
  async put(text: string, name: QueueName = 'keyturn-work'): Promise<void> {
    await this.queue(name).sendMessage(Buffer.from(text).toString('base64'), {
      messageTimeToLive: -1,
    });
  }
}

/** Rows may be a stranger's (case SEC-07): what is no JSON object is none. */
function parsed(json: unknown): Record<string, unknown> {
  try {
    const found: unknown = typeof json === 'string' ? JSON.parse(json) : undefined;
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
