/** A clean account at Azurite for each test file, and a raw client with which a stranger writes rows. */
import { TableClient } from '@azure/data-tables';
import { type Azurite, startAzurite } from '../../local/azurite.ts';
import type { Clock } from '../../src/core/clock.ts';

export interface Account {
  readonly azurite: Azurite;
  readonly own: { readonly connectionString: string };
  /** The table, as whoever may write the storage account sees it. */
  readonly raw: TableClient;
}

export async function startAccount(): Promise<Account> {
  const azurite = await startAzurite();
  const connectionString = azurite.connectionString();
  const raw = TableClient.fromConnectionString(connectionString, 'keyturn', {
    allowInsecureConnection: true,
  });
  return { azurite, own: { connectionString }, raw };
}

/** A clock whose sleeps are over at once. */
export const hasty: Clock = { now: () => new Date(), sleep: () => Promise.resolve() };
