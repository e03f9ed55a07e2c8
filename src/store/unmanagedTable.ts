/** Rows of secrets that have not opted in, in the app's own table: one partition a vault, so that changes go in batches. */
import { odata } from '@azure/data-tables';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { SECRET_NAME, VAULT_NAME } from '../core/ids.ts';
import type { UnmanagedRow, UnmanagedRows } from '../ports/unmanaged.ts';
import { reader } from './schemas.ts';
import { hashOf, keyOf, type OwnStorage } from './storage.ts';
import { Table } from './table.ts';

const date = z.iso.datetime().transform((text) => new Date(text));
const Row = z.strictObject({
  vault: z.string().regex(VAULT_NAME).lowercase(),
  name: z.string().regex(SECRET_NAME).lowercase(),
  owner: z.exactOptional(z.string().max(256)),
  contentType: z.exactOptional(z.string().max(256)),
  createdOn: date,
  updatedOn: date,
  expiresOn: z.exactOptional(date),
  enabled: z.boolean(),
  certificate: z.boolean(),
  likelyKind: z.exactOptional(z.string().max(128)),
} satisfies Record<keyof UnmanagedRow, z.ZodType>);

const partitionOf = (vault: string): string => `unmanaged-${hashOf(vault)}`;

/** Rows in the app's own table, which is made on first use. */
export function unmanagedTable(own: OwnStorage, clock: Clock): UnmanagedRows {
  const table = new Table(own, clock);
  return {
    async of(vault) {
      const found = await table.list(odata`PartitionKey eq ${partitionOf(vault)}`);
      return found.flatMap(({ rowKey, json }) => {
        const row = read(json);
        return row && row.vault === vault.toLowerCase() && keyOf(row.name) === rowKey ? [row] : [];
      });
    },
    async change(vault, rows, gone) {
      const put = rows.map((row) => [keyOf(row.name), row] as const);
      await table.change(partitionOf(vault), put, gone.map(keyOf));
    },
  };
}

const read = reader<UnmanagedRow>(Row);
