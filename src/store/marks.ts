/**
 * "At most one queued look per secret and minute" for events (design section 6), as marks in the table, set by ETag and
 * judged by the service's clocks alone. A mark is thrift, not truth: where it says nothing for certain, a look is queued.
 */
import { odata, type TableClient } from '@azure/data-tables';
import { z } from 'zod';
import { addDays, type Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import type { SecretRef } from '../core/ids.ts';
import type { PipelinePolicy } from '../core/pipeline.ts';
import {
  fromStorage,
  hashOf,
  type OwnStorage,
  onFirstUse,
  statusOf,
  tableClient,
} from './storage.ts';

const SPACING_SECONDS = 60;
/** A later look is put within this time after its mark, or its event comes again: Event Grid and the host wait longer. */
const CLAIM_SECONDS = 5;
/** Headers carry whole seconds, and table and queue are different servers. */
const MARGIN_SECONDS = 2;
/** Longest time that a look waits for its vault's turn; a mark that says more counts for nothing. */
export const HIDDEN_SECONDS_MAX = 3600;
/** Of events side by side the first and the second set a mark; the third finds both set. */
const TRIES = 4;
const ANSWER_MILLISECONDS = 3000;
const PARTITION = 'marks';

/** Where there is room for a look. */
export interface MarkPlace {
  /** 0: at once. More: the last minute had its look, and this one serves every event until it becomes visible. */
  readonly delaySeconds: number;
  /** Says that the look is on the queue and hidden, and from when it can be seen. */
  queued(visibleOn: Date): Promise<void>;
}

export interface Marks {
  /** Room for a look, or undefined when one waits on the queue that no pass can have begun. A silent table is no error. */
  claim(secret: SecretRef): Promise<MarkPlace | undefined>;
}

interface StoredMark {
  readonly etag: string;
  /** Undefined for a row that does not parse or is another secret's. */
  readonly mark?: Mark;
}
interface Mark {
  /** Whether it stands for a later look; the one that goes at once may be taken at any time. */
  readonly later: boolean;
  readonly ageSeconds: number;
  /** Until the later look becomes visible; undefined while nobody has said that it was queued. */
  readonly visibleInSeconds?: number;
}

/** Sent once, since a repeated write would lose against itself, and given up soon: Event Grid waits for an answer. */
const once: PipelinePolicy = {
  name: 'keyturnOnce',
  sendRequest(request, next) {
    request.abortSignal = AbortSignal.timeout(ANSWER_MILLISECONDS);
    return next(request);
  },
};

/** Marks in the app's own table. */
export function lookMarks(own: OwnStorage, clock: Clock): Marks {
  const client = tableClient(own, clock, { policy: once });
  const ready = onFirstUse(() => client.createTable());
  return {
    claim: (secret) =>
      unlessSilent(AT_ONCE, async () => {
        await ready();
        return await claim(new MarkRow(client, secret));
      }),
  };
}

/** Marks are of use for an hour and a minute at most; clocks may differ by minutes. */
const OLD_DAYS = 1;
const PAGES_MAX = 10;
/** The service takes so many rows in one transaction. */
const PAGE_ROWS = 100;

/**
 * Removes up to 1,000 marks that have been of no use for a day: one stays behind for every secret that ever had an event
 * (finding ATK-15). Never throws: what stays costs nothing but room.
 */
export function pruneMarks(own: OwnStorage, clock: Clock): () => Promise<void> {
  const client = tableClient(own, clock, { repeat: true });
  const ready = onFirstUse(() => client.createTable());
  return () =>
    unlessSilent(undefined, async () => {
      await ready();
      const filter = odata`PartitionKey eq ${PARTITION} and Timestamp lt ${addDays(clock.now(), -OLD_DAYS)}`;
      const queryOptions = { filter, select: ['PartitionKey', 'RowKey'] };
      try {
        let pages = 0;
        for await (const page of client
          .listEntities({ queryOptions })
          .byPage({ maxPageSize: PAGE_ROWS })) {
          const rows = page.map(({ partitionKey = '', rowKey = '' }) => ({ partitionKey, rowKey }));
          if (rows.length > 0) await client.submitTransaction(rows.map((row) => ['delete', row]));
          pages += 1;
          if (pages === PAGES_MAX) return;
        }
      } catch (error) {
        // Another sweep may have removed some of them first.
        if (statusOf(error) !== 404) throw fromStorage(error);
      }
    });
}

/** A table that does not answer costs a look too many, no event: the look it would have saved is put. */
async function unlessSilent<T>(otherwise: T, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof KeyturnError) return otherwise;
    throw error;
  }
}

const AT_ONCE: MarkPlace = { delaySeconds: 0, queued: () => Promise.resolve() };
/** In place of an ETag: the mark may stand, so others may count on the look that it is for. */
const NOT_KNOWN = '';

async function claim(row: MarkRow): Promise<MarkPlace | undefined> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const found = await row.read();
    const delaySeconds = delayAfter(found?.mark);
    if (delaySeconds === undefined) return undefined;
    const etag = await unlessSilent(NOT_KNOWN, () =>
      row.write({ later: delaySeconds > 0 }, found?.etag),
    );
    if (etag === undefined) continue;
    return { delaySeconds, queued: (visibleOn) => confirm(row, etag, visibleOn) };
  }
  return AT_ONCE;
}

async function confirm(row: MarkRow, etag: string, visibleOn: Date): Promise<void> {
  if (etag === NOT_KNOWN) return;
  await unlessSilent(undefined, () =>
    row.write({ later: true, visibleOn: visibleOn.toISOString() }, etag),
  );
}

/** How long a look has to wait for its turn, or undefined when the marked one has not been seen by anybody. */
function delayAfter(mark: Mark | undefined): number | undefined {
  if (mark === undefined) return 0;
  const { later, ageSeconds, visibleInSeconds } = mark;
  if (later && visibleInSeconds === undefined && ageSeconds < CLAIM_SECONDS) return undefined;
  const seenInSeconds = visibleInSeconds ?? -ageSeconds;
  // Longer than Keyturn itself would hide a look: whoever wrote that, it counts for nothing (case SEC-07).
  if (seenInSeconds > HIDDEN_SECONDS_MAX + MARGIN_SECONDS) return 0;
  if (later && seenInSeconds > MARGIN_SECONDS) return undefined;
  return Math.max(0, seenInSeconds + SPACING_SECONDS);
}

const Columns = z.strictObject({
  secret: z.string(),
  later: z.boolean(),
  visibleOn: z.exactOptional(z.iso.datetime()),
});
type Columns = z.infer<typeof Columns>;

/**
 * The row of a secret's mark. There are 65,536 rows for all, so that events about invented names fill no table; of two
 * secrets with one row each finds the other's and takes it over.
 */
class MarkRow {
  readonly #client: TableClient;
  readonly #secret: string;
  readonly #row: string;

  constructor(client: TableClient, { vault, name }: SecretRef) {
    this.#client = client;
    this.#secret = hashOf(`${vault}/${name}`);
    this.#row = this.#secret.slice(0, 4);
  }

  async read(): Promise<StoredMark | undefined> {
    let dated = '';
    try {
      const row = await this.#client.getEntity(PARTITION, this.#row, {
        onResponse: ({ headers }) => {
          dated = headers.get('date') ?? '';
        },
      });
      const { timestamp = '', etag, partitionKey: _, rowKey: __, ...others } = row;
      const mark = this.#parse(others, Date.parse(dated), Date.parse(timestamp));
      return compact({ etag, mark });
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw fromStorage(error);
    }
  }

  /** One compare-and-set: the new ETag, or undefined when somebody else was first. */
  async write(
    mark: Omit<Columns, 'secret'>,
    etag: string | undefined,
  ): Promise<string | undefined> {
    const entity = { partitionKey: PARTITION, rowKey: this.#row, secret: this.#secret, ...mark };
    try {
      const answer =
        etag === undefined
          ? await this.#client.createEntity(entity)
          : await this.#client.updateEntity(entity, 'Replace', { etag });
      return answer.etag;
    } catch (error) {
      const status = statusOf(error);
      if (status === 409 || status === 412 || status === 404) return undefined;
      throw fromStorage(error);
    }
  }

  #parse(columns: object, now: number, writtenOn: number): Mark | undefined {
    const own = Object.entries(columns).filter(([name]) => !name.startsWith('odata'));
    const { success, data } = Columns.safeParse(Object.fromEntries(own));
    if (!success || data.secret !== this.#secret || Number.isNaN(now - writtenOn)) return undefined;
    const { later, visibleOn } = data;
    return compact({
      later,
      ageSeconds: (now - writtenOn) / 1000,
      visibleInSeconds: visibleOn === undefined ? undefined : (Date.parse(visibleOn) - now) / 1000,
    });
  }
}
