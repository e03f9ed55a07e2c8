/** Suggestions in the app's own table: one partition a vault, and one row for how many values were read in this hour. */
import { odata } from '@azure/data-tables';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { SECRET_NAME, VAULT_NAME } from '../core/ids.ts';
import type { Proposal, SuggestionRow, SuggestionRows } from '../ports/suggestions.ts';
import { reader } from './schemas.ts';
import { hashOf, keyOf, type OwnStorage } from './storage.ts';
import { Table } from './table.ts';

const date = z.iso.datetime().transform((text) => new Date(text));
const line = z.string().max(1_000);
const Row = z.strictObject({
  vault: z.string().regex(VAULT_NAME).lowercase(),
  name: z.string().regex(SECRET_NAME).lowercase(),
  seenUpdatedOn: date,
  on: date,
  unread: z.exactOptional(z.literal(true)),
  proposal: z.exactOptional(
    z.strictObject({
      kind: z.string().max(128),
      target: z.exactOptional(line),
      form: z.enum(['bare', 'connection-string', 'json']),
      field: z.exactOptional(line),
      consent: z.exactOptional(line),
      by: z.enum(['host', 'key', 'shape']),
      missing: z.array(line).max(20),
    } satisfies Record<keyof Proposal, z.ZodType>),
  ),
} satisfies Record<keyof SuggestionRow, z.ZodType>);
const Reads = z.strictObject({ hour: z.string().max(20), count: z.int().min(0) });

const partitionOf = (vault: string): string => `suggestions-${hashOf(vault)}`;
const READS = ['suggested', 'reads'] as const;
const readRow = reader<SuggestionRow>(Row);
const readReads = reader(Reads);

/** Rows in the app's own table, which is made on first use. */
export function suggestionTable(own: OwnStorage, clock: Clock): SuggestionRows {
  const table = new Table(own, clock);
  return {
    async of(vault) {
      const found = await table.list(odata`PartitionKey eq ${partitionOf(vault)}`);
      return found.flatMap(({ rowKey, json }) => {
        const row = readRow(json);
        return row && row.vault === vault.toLowerCase() && keyOf(row.name) === rowKey ? [row] : [];
      });
    },
    async change(vault, rows, gone) {
      const put = rows.map((row) => [keyOf(row.name), row] as const);
      await table.change(partitionOf(vault), put, gone.map(keyOf));
    },
    async takeReads(now, wanted, hourly) {
      const hour = now.toISOString().slice(0, 13);
      const { json, etag } = (await table.find(...READS)) ?? {};
      const done = readReads(json);
      const count = done?.hour === hour ? done.count : 0;
      const taken = Math.max(0, Math.min(wanted, hourly - count));
      if (taken === 0) return 0;
      // Another sweep that was first has its own count: this one reads with the next.
      return (await table.swap(...READS, { hour, count: count + taken }, etag)) ? taken : 0;
    },
  };
}
