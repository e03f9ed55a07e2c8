/** What people ask of the inventory, alone in this process: a page, every page, the numbers, the report. */

import { mapLocalhost } from '../local/names.ts';
import { fromInventoryQuery } from '../src/api/calls/listSecrets.ts';
import { toContinuation } from '../src/api/continuation.ts';
import { inventory } from '../src/api/inventory.ts';
import { summary } from '../src/api/summary.ts';
import { createApp } from '../src/app/app.ts';
import { keepHeapSmall } from '../src/app/smallHeap.ts';
import { makeReport } from '../src/sweep/report.ts';
import { watchMemory } from './memory.ts';
import { watchStorage } from './ownStorage.ts';

export interface Asked {
  readonly wallMs: number;
  readonly ownCalls: number;
  /** How many secrets the answer tells of. */
  readonly secrets: number;
}
export interface InventoryCost {
  readonly page: Asked;
  readonly pages: Asked;
  readonly summary: Asked;
  readonly report: Asked;
  readonly rssMB: number;
}

const reader = { oid: 'bench', roles: ['Keyturn.Read'], kind: 'app' } as const;

async function main(): Promise<InventoryCost> {
  mapLocalhost();
  keepHeapSmall();
  const deps = await createApp(process.env, { log: () => {} }).api();
  const storage = watchStorage(process.env.AzureWebJobsStorage ?? '');
  const memory = watchMemory();
  const asked = async (ask: () => Promise<number>): Promise<Asked> => {
    storage.calls.length = 0;
    const start = performance.now();
    const secrets = await ask();
    return { wallMs: performance.now() - start, ownCalls: storage.calls.length, secrets };
  };
  const pageOf = (more: string) =>
    inventory(fromInventoryQuery(new URLSearchParams(`managed=false${more}`)), reader, deps);
  const onePage = async () => (await pageOf('')).items.length;
  const allPages = async () => {
    let count = 0;
    for (let more: string | undefined = ''; more !== undefined; ) {
      const { items, last }: Awaited<ReturnType<typeof pageOf>> = await pageOf(more);
      count += items.length;
      more = last && `&continuation=${toContinuation(last)}`;
    }
    return count;
  };
  await onePage(); // connections and tokens are warm, as in an app that runs
  return {
    page: await asked(onePage),
    pages: await asked(allPages),
    summary: await asked(async () => (await summary(reader, deps)).secrets),
    report: await asked(
      async () => (await makeReport(deps.clock.now().toISOString().slice(0, 7), deps)).secrets,
    ),
    rssMB: memory().rssMB,
  };
}

void main().then((cost) => process.send?.(cost, () => process.exit(0)));
