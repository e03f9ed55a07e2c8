/** The list of discovered vaults in the app's own table: one row, so that it is replaced as a whole. */
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { DISCOVERED_MAX, FORMER_MAX, VANISHED_MAX, type VaultList } from '../core/vaultList.ts';
import type { VaultListStore } from '../ports/knownVaults.ts';
import { fromStorage, type OwnStorage, onFirstUse, statusOf, tableClient } from './storage.ts';

/** A column holds at most 32,768 characters, a row 1 MiB of two bytes each; 1500 ids have some 390,000, the names of former ones 70,000 [learn: storage/tables, data model]. */
const COLUMN_MAX = 30_000;
const COLUMNS_MAX = 16;
/** Event Grid waits for an answer meanwhile (case EG-03). */
const ANSWER_MILLISECONDS = 5_000;
const KEY = ['vaults', 'discovered'] as const;

/** A group of 90 letters, each of up to nine characters in an address. */
const id = z.string().max(1_100);
const date = z.iso.datetime().transform((text) => new Date(text));
const List = z.strictObject({
  triedOn: date,
  foundOn: z.exactOptional(date),
  served: z.array(id).max(DISCOVERED_MAX),
  noRbac: z.array(id).max(DISCOVERED_MAX),
  vanished: z.array(z.strictObject({ id, since: date })).max(VANISHED_MAX),
  replaced: z.exactOptional(z.array(id).max(DISCOVERED_MAX)),
  former: z.exactOptional(
    z
      .record(z.string().max(24), z.string().regex(/^[0-9a-f]{16}$/))
      .refine((names) => Object.keys(names).length <= FORMER_MAX),
  ),
  failure: z.exactOptional(z.string().max(2_000)),
  unalerted: z.exactOptional(z.literal(true)),
} satisfies Record<keyof VaultList, z.ZodType>);

/** Throws `BusyError` when the table does not answer; a row that does not parse counts as absent. */
export function vaultListStore(own: OwnStorage, clock: Clock): VaultListStore {
  const client = tableClient(own, clock, {
    policy: {
      name: 'keyturnSoon',
      sendRequest(request, next) {
        request.abortSignal = AbortSignal.timeout(ANSWER_MILLISECONDS);
        return next(request);
      },
    },
  });
  const ready = onFirstUse(() => client.createTable());
  return {
    async read() {
      try {
        const row: Readonly<Record<string, unknown>> = await client.getEntity(...KEY);
        return parsed(
          Array.from({ length: COLUMNS_MAX }, (_, at) => row[`json${at}`] ?? '').join(''),
        );
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw fromStorage(error);
      }
    },
    async save(list) {
      const text = JSON.stringify(list);
      const columns = Array.from({ length: Math.ceil(text.length / COLUMN_MAX) }, (_, at) => [
        `json${at}`,
        text.slice(at * COLUMN_MAX, (at + 1) * COLUMN_MAX),
      ]);
      const [partitionKey, rowKey] = KEY;
      try {
        await ready();
        await client.upsertEntity(
          { partitionKey, rowKey, ...Object.fromEntries(columns) },
          'Replace',
        );
      } catch (error) {
        throw fromStorage(error);
      }
    },
  };
}

function parsed(text: string): VaultList | undefined {
  try {
    return List.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // not JSON: absent, like every row that does not parse
  }
}
