/**
 * Locks as rows, taken and renewed by ETag. A lock lasts 90 s from the `Timestamp` that the table service puts on the row
 * and is judged by the `Date` of its answers: no local clock takes part, and nobody can write a lock that lasts longer
 * (case SEC-07). A holder that froze meets another ETag at its next renewal.
 */
import { randomBytes } from 'node:crypto';
import type { TableClient } from '@azure/data-tables';
import { type Clock, systemClock } from '../core/clock.ts';
import { BusyError, LockLostError } from '../core/errors.ts';
import { wireFailure } from '../core/wire.ts';
import type { Lock, Locks } from '../ports/locks.ts';
import {
  fromStorage,
  hashOf,
  type OwnStorage,
  onFirstUse,
  statusOf,
  tableClient,
} from './storage.ts';

const LOCK_SECONDS = 90;
/** The service's clock and its `Timestamp` are one; what ends later than this was not written by it. */
const VOID_AFTER_SECONDS = 120;
const PARTITION = 'locks';
const TRIES = 3;

interface Held {
  readonly holder: string;
  readonly etag: string;
  /** Whether it still runs, by the service's time. */
  readonly runs: boolean;
}

/** Locks in the app's own table, which is made on first use. */
export function tableLocks(own: OwnStorage, clock: Clock = systemClock): Locks {
  const client = tableClient(own, clock, { repeat: false });
  const ready = onFirstUse(() => client.createTable());
  return {
    async take(key) {
      await ready();
      const row = new LockRow(client, key);
      return (await row.take()) ? row : undefined;
    },
  };
}

class LockRow implements Lock {
  readonly #client: TableClient;
  readonly #key: string;
  readonly #row: string;
  readonly #holder = randomBytes(16).toString('hex');
  #etag: string | undefined;

  constructor(client: TableClient, key: string) {
    this.#client = client;
    this.#key = key;
    this.#row = hashOf(key);
  }

  /** False when another holds it, or took it in the same moment. */
  async take(): Promise<boolean> {
    const found = await this.#read();
    if (found?.runs) return false;
    return await this.#write(found?.etag);
  }

  async renew(): Promise<void> {
    for (let tried = 0; tried < TRIES && this.#etag !== undefined; tried += 1) {
      if (await this.#write(this.#etag)) return;
      // Refused, or not known: if the row is still ours, the write never came, or a late twin of an earlier one changed the ETag.
      const found = await this.#read();
      this.#etag = found?.holder === this.#holder ? found.etag : undefined;
    }
    if (this.#etag !== undefined) throw new BusyError('storage-busy');
    throw new LockLostError(`The lock ${this.#key} was taken by another pass or ran out.`);
  }

  async release(): Promise<void> {
    const etag = this.#etag;
    this.#etag = undefined;
    if (etag === undefined) return;
    try {
      await this.#client.deleteEntity(PARTITION, this.#row, { etag });
    } catch (error) {
      // Gone or another's: nothing to give back. No answer: it ends by itself in 90 s, and the pass has done its work.
      const { status = 0, unanswered } = wireFailure(error);
      if (!unanswered && ![404, 412, 429].includes(status) && status < 500)
        throw fromStorage(error);
    }
  }

  /** One compare-and-set, and whether it was done. After an unknown outcome the row itself says. */
  async #write(etag: string | undefined): Promise<boolean> {
    const entity = { partitionKey: PARTITION, rowKey: this.#row, holder: this.#holder };
    try {
      const answer =
        etag === undefined
          ? await this.#client.createEntity(entity)
          : await this.#client.updateEntity(entity, 'Replace', { etag });
      this.#etag = answer.etag;
      return true;
    } catch (error) {
      const status = statusOf(error);
      if (status === 409 || status === 412 || status === 404) return false;
      const { unanswered } = wireFailure(error);
      if (!unanswered && (status ?? 0) < 500 && status !== 408) throw fromStorage(error);
    }
    const found = await this.#read();
    if (found?.holder !== this.#holder || found.etag === etag) return false;
    this.#etag = found.etag;
    return true;
  }

  /** The row as it is now, or undefined when there is none. One that does not parse has ended. */
  async #read(): Promise<Held | undefined> {
    let dated: string | undefined;
    try {
      const row = await this.#client.getEntity<{ holder: unknown }>(PARTITION, this.#row, {
        onResponse: ({ headers }) => {
          dated = headers.get('date');
        },
      });
      const { holder, timestamp = '', etag, partitionKey: _, rowKey: __, ...others } = row;
      const parsed =
        typeof holder === 'string' && /^[0-9a-f]{32}$/.test(holder) && !hasColumns(others);
      const secondsLeft = LOCK_SECONDS - (Date.parse(dated ?? '') - Date.parse(timestamp)) / 1000;
      // Who cannot tell the time must not take a lock for ended (finding ATK-15).
      if (Number.isNaN(secondsLeft))
        throw new BusyError('storage-busy', {
          detail: 'The table answered without its time, by which locks are judged.',
        });
      const runs = parsed && secondsLeft > 0 && secondsLeft <= VOID_AFTER_SECONDS;
      return { holder: parsed ? holder : '', etag, runs };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw fromStorage(error);
    }
  }
}

/** Columns of somebody else's: names that start with `odata` come with every row. */
const hasColumns = (others: object): boolean =>
  Object.keys(others).some((name) => !name.startsWith('odata'));
