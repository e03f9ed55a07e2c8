/**
 * What it costs to see 10,000 secrets of which 100 opted in: through the rows that the sweep keeps, beside the calls that
 * `az keyvault secret list` makes for the same (25 secrets a page; azure-facts 2.4). What keeping them costs the sweep stands beside it.
 */
import type { Azure } from '../local/azure/azure.ts';
import { startAzure } from '../local/azure/tenant.ts';
import { systemClock } from '../src/core/clock.ts';
import { tableRows } from '../src/store/rowTable.ts';
import { bundled, startChild } from './child.ts';
import type { InventoryCost } from './inventoryChild.ts';
import { seed } from './sweep.ts';
import type { SweepCost } from './sweepChild.ts';
import { median, type Row, rowsOf } from './table.ts';

const VAULTS = 50;
const SECRETS = 10_000;
const OPTED_IN = 100;
const PAGE = 25;
const RUNS = 5;
const SMALL = 1_000;
const MEMORY_GROWTH_MAX = 1.2;
const row = rowsOf('inventory');

/** Two sweeps, of which the first writes every row and the second none; then what people ask. */
export async function measureInventory(): Promise<Row[]> {
  const [sweeping, asking] = [await bundled('sweepChild.ts'), await bundled('inventoryChild.ts')];
  const small = await sweptMemory(sweeping, SMALL);
  const azure = await startAzure({ tenant: { vaults: fleet(), accounts: [] } });
  try {
    const env = azure.env();
    await seeded(azure, SECRETS);
    const first = await startChild(sweeping, env).next<SweepCost>();
    azure.calls.length = 0;
    const second = await startChild(sweeping, env).next<SweepCost>();
    const pages = azure.calls.filter(({ route }) => route === 'keyvault.list').length;
    const others = azure.calls.filter(({ route }) => route.startsWith('keyvault.')).length - pages;
    const costs: InventoryCost[] = [];
    for (let run = 0; run < RUNS; run++)
      costs.push(await startChild(asking, env).next<InventoryCost>());
    return [
      row('sweep that sees them first: own storage', first.ownCalls, 'calls', {
        note: `100 rows a request`,
      }),
      row('sweep after it: own storage', second.ownCalls, 'calls', {
        note: 'nothing changed, no row written',
      }),
      row('sweep after it: pages of vaults', pages, 'calls', {
        target: { atMost: SECRETS / PAGE },
      }),
      row('sweep after it: other calls to vaults', others, 'calls', {
        note: 'the challenge of each vault',
      }),
      row('sweep after it: peak memory', second.rssMB, 'MB RSS'),
      row('its peak memory, 10,000 to 1,000', second.rssMB / small, 'x', {
        target: { atMost: MEMORY_GROWTH_MAX },
      }),
      ...asked('one page', costs, 'page'),
      ...asked('every page', costs, 'pages'),
      ...asked('summary', costs, 'summary'),
      ...asked('report', costs, 'report'),
      row('peak memory of all that', median(costs.map(({ rssMB }) => rssMB)), 'MB RSS'),
      row('`az keyvault secret list` for the same', SECRETS / PAGE, 'calls', {
        note: `${PAGE} secrets a page, by vault`,
      }),
    ];
  } finally {
    await azure.stop();
  }
}

/** Of the second sweep over so many. */
async function sweptMemory(sweeping: string, secrets: number): Promise<number> {
  const azure = await startAzure({ tenant: { vaults: fleet(), accounts: [] } });
  try {
    const env = azure.env();
    await seeded(azure, secrets);
    await startChild(sweeping, env).next<SweepCost>();
    return (await startChild(sweeping, env).next<SweepCost>()).rssMB;
  } finally {
    await azure.stop();
  }
}

const fleet = () =>
  Array.from({ length: VAULTS }, (_, at) => ({ name: `kv-${at}`, emptyPages: 0 }));

/** The very first sweep of a vault looks for what was left there; that is not what is measured. */
async function seeded(azure: Azure, secrets: number): Promise<void> {
  const rows = tableRows({ connectionString: azure.env().AzureWebJobsStorage ?? '' }, systemClock);
  await seed(azure, rows, secrets, OPTED_IN);
  for (const { name } of fleet()) await rows.markSwept(name, systemClock.now());
}

function asked(
  name: string,
  costs: readonly InventoryCost[],
  of: 'page' | 'pages' | 'summary' | 'report',
): Row[] {
  const middle = (what: 'wallMs' | 'ownCalls' | 'secrets') =>
    median(costs.map((cost) => cost[of][what]));
  const note = `${middle('secrets')} secrets; ${middle('ownCalls')} requests to own storage, none to a vault`;
  return [row(name, middle('wallMs'), 'ms', { note })];
}
