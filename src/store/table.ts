/** The app's own table as its rows use it: partition, key, one JSON column and columns for filters. */
import type { TableClient, TransactionAction } from '@azure/data-tables';
import type { Clock } from '../core/clock.ts';
import { fromStorage, type OwnStorage, onFirstUse, statusOf, tableClient } from './storage.ts';

/** The service takes at most so many rows in one transaction. */
const TRANSACTION_MAX = 100;

/** A column for filters beside the JSON. */
export type Columns = Readonly<Record<string, string | boolean | Date>>;
export interface Entity {
  rowKey?: string;
  json?: unknown;
  vault?: unknown;
  name?: unknown;
}

/** The verbs in use. All may be repeated: a write replaces the whole row, an addition leaves what is there. */
export class Table {
  readonly #client: TableClient;
  readonly #ready: () => Promise<void>;

  constructor(own: OwnStorage, clock: Clock) {
    this.#client = tableClient(own, clock, { repeat: true });
    this.#ready = onFirstUse(() => this.#client.createTable());
  }

  async get(partition: string, row: string): Promise<unknown> {
    try {
      await this.#ready();
      return (await this.#client.getEntity<Entity>(partition, row)).json;
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw fromStorage(error);
    }
  }

  /** A row with its ETag, for `swap`; undefined where there is none. */
  async find(
    partition: string,
    row: string,
  ): Promise<{ readonly json: unknown; readonly etag: string } | undefined> {
    try {
      await this.#ready();
      const { json, etag } = await this.#client.getEntity<Entity>(partition, row);
      return { json, etag };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw fromStorage(error);
    }
  }

  /**
   * One compare-and-set, with the ETag of `find` or none for a new row: false where somebody else was first. Repeated after a
   * lost answer it may say so of its own write.
   */
  async swap(
    partition: string,
    row: string,
    content: object,
    etag: string | undefined,
  ): Promise<boolean> {
    try {
      await this.#ready();
      const entity = { partitionKey: partition, rowKey: row, json: JSON.stringify(content) };
      if (etag === undefined) await this.#client.createEntity(entity);
      else await this.#client.updateEntity(entity, 'Replace', { etag });
      return true;
    } catch (error) {
      if ([404, 409, 412].includes(statusOf(error) ?? 0)) return false;
      throw fromStorage(error);
    }
  }

  async list(filter: string): Promise<readonly Entity[]> {
    try {
      await this.#ready();
      const found: Entity[] = [];
      const select = ['PartitionKey', 'RowKey', 'json', 'vault', 'name'];
      for await (const row of this.#client.listEntities<Entity>({
        queryOptions: { filter, select },
      }))
        found.push(row);
      return found;
    } catch (error) {
      throw fromStorage(error);
    }
  }

  async put(partition: string, row: string, content: object, columns: Columns = {}): Promise<void> {
    try {
      await this.#ready();
      const entity = {
        partitionKey: partition,
        rowKey: row,
        ...columns,
        json: JSON.stringify(content),
      };
      await this.#client.upsertEntity(entity, 'Replace');
    } catch (error) {
      throw fromStorage(error);
    }
  }

  /** False where there is a row already: somebody's, or this very one after an answer that was lost. */
  async create(
    partition: string,
    row: string,
    content: object,
    columns: Columns = {},
  ): Promise<boolean> {
    try {
      await this.#ready();
      await this.#client.createEntity({
        partitionKey: partition,
        rowKey: row,
        ...columns,
        json: JSON.stringify(content),
      });
      return true;
    } catch (error) {
      if (statusOf(error) === 409) return false;
      throw fromStorage(error);
    }
  }

  async drop(partition: string, row: string): Promise<void> {
    try {
      await this.#ready();
      await this.#client.deleteEntity(partition, row);
    } catch (error) {
      if (statusOf(error) !== 404) throw fromStorage(error);
    }
  }

  /** Removes at most one page of old rows; the next call takes the next. */
  async prune(filter: string): Promise<void> {
    const queryOptions = { filter, select: ['PartitionKey', 'RowKey'] };
    const pages = this.#client.listEntities({ queryOptions }).byPage({ maxPageSize: 20 });
    try {
      const page = await pages.next();
      for (const { partitionKey = '', rowKey = '' } of page.done ? [] : page.value)
        await this.drop(partitionKey, rowKey);
    } catch (error) {
      throw fromStorage(error);
    }
  }

  /** Adds rows of one partition; those that are there stay as they are. Each with its key, content and columns. */
  async add(
    partition: string,
    rows: readonly (readonly [row: string, content: object, columns: Columns])[],
  ): Promise<void> {
    const entities = rows.map(([rowKey, content, columns]) => {
      return { partitionKey: partition, rowKey, ...columns, json: JSON.stringify(content) };
    });
    try {
      await this.#ready();
      for (let at = 0; at < entities.length; at += TRANSACTION_MAX)
        await this.#addSome(entities.slice(at, at + TRANSACTION_MAX));
    } catch (error) {
      throw fromStorage(error);
    }
  }

  /** Replaces rows of one partition and removes others of it, up to a hundred a request; what is not there is removed already. */
  async change(
    partition: string,
    put: readonly (readonly [row: string, content: object])[],
    drop: readonly string[],
  ): Promise<void> {
    const actions: TransactionAction[] = [
      ...put.map(([rowKey, content]): TransactionAction => {
        return [
          'upsert',
          { partitionKey: partition, rowKey, json: JSON.stringify(content) },
          'Replace',
        ];
      }),
      ...drop.map((rowKey): TransactionAction => ['delete', { partitionKey: partition, rowKey }]),
    ];
    try {
      if (actions.length > 0) await this.#ready();
      for (let at = 0; at < actions.length; at += TRANSACTION_MAX)
        await this.#changeSome(actions.slice(at, at + TRANSACTION_MAX));
    } catch (error) {
      throw fromStorage(error);
    }
  }

  /** One that somebody else has removed keeps the others of its transaction; then each is done for itself. */
  async #changeSome(actions: readonly TransactionAction[]): Promise<void> {
    try {
      await this.#client.submitTransaction([...actions]);
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      for (const [verb, entity] of actions) {
        if (verb === 'delete') await this.drop(entity.partitionKey, entity.rowKey);
        else await this.#client.upsertEntity(entity, 'Replace');
      }
    }
  }

  /** One that is there already keeps the others of its transaction; then each is added for itself. */
  async #addSome(entities: readonly { partitionKey: string; rowKey: string }[]): Promise<void> {
    const [first, ...others] = entities;
    if (first === undefined) return;
    try {
      if (others.length === 0) await this.#client.createEntity(first);
      else await this.#client.submitTransaction(entities.map((entity) => ['create', entity]));
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
      for (const entity of others.length === 0 ? [] : entities) await this.#addSome([entity]);
    }
  }
}
