/**
 * What one sweep costs for 1,000 and for 10,000 secrets in 50 vaults. Stand-in and Azurite run here, the sweep alone in a
 * child process, so that its CPU time and memory are its own.
 */
import type { Azure } from '../local/azure/azure.ts';
import { startAzure } from '../local/azure/tenant.ts';
import { addDays, systemClock } from '../src/core/clock.ts';
import type { Rows } from '../src/ports/rows.ts';
import { tableRows } from '../src/store/rowTable.ts';
import { bundled, startChild } from './child.ts';
import type { SweepCost } from './sweepChild.ts';
import { median, type Row, rowsOf } from './table.ts';

const VAULTS = 50;
const SIZES = [1_000, 10_000] as const;
const RUNS = 7;
/** So many secrets of a hundred need a look in a usual hour. */
const DUE_PERCENT = 1;
const CALLS_MAX = 460;
const MEMORY_GROWTH_MAX = 1.2;
const row = rowsOf('sweep');

/** The usual sweep: every secret has been looked at before, one in a hundred needs a look. */
export async function measureSweep(): Promise<Row[]> {
  const program = await bundled('sweepChild.ts');
  return compared(await costs(program, SIZES[0]), await costs(program, SIZES[1]));
}

function compared(small: readonly Cost[], large: readonly Cost[]): Row[] {
  const growth = (of: 'rssMB' | 'heapMB' | 'liveMB') =>
    median(large.map((run) => run[of])) / median(small.map((run) => run[of]));
  return [
    ...rowsFor(SIZES[0], small),
    ...rowsFor(SIZES[1], large, { atMost: CALLS_MAX }),
    row('peak memory, 10,000 to 1,000', growth('rssMB'), 'x', {
      target: { atMost: MEMORY_GROWTH_MAX },
    }),
    row('held on the heap, 10,000 to 1,000', growth('liveMB'), 'x', {
      note: 'the rest of the growth is garbage',
    }),
  ];
}

interface Cost extends SweepCost {
  readonly azureCalls: number;
  readonly listCalls: number;
  /** The most that was held on the heap, in a run of its own with garbage collected all the time. */
  readonly liveMB: number;
}

function rowsFor(size: number, costs: readonly Cost[], target?: { atMost: number }): Row[] {
  const middle = (of: keyof Omit<Cost, 'record'>) => median(costs.map((cost) => cost[of]));
  const name = size.toLocaleString('en-US');
  const note = `median of ${costs.length}`;
  return [
    row(`${name}: Azure calls`, middle('azureCalls'), 'calls', {
      ...(target ? { target } : {}),
      note: `of them ${middle('listCalls')} pages; ${VAULTS} vaults ask once each for a token`,
    }),
    row(`${name}: own storage`, middle('ownCalls'), 'calls', {
      note: 'one for each look queued among them',
    }),
    row(`${name}: CPU`, middle('cpuMs'), 'ms', { note }),
    row(`${name}: wall`, middle('wallMs'), 'ms', { note }),
    row(`${name}: peak memory`, middle('rssMB'), 'MB RSS', { note }),
    row(`${name}: peak heap`, middle('heapMB'), 'MB', { note: 'sampled, garbage included' }),
    row(`${name}: held on the heap`, middle('liveMB'), 'MB', {
      note: 'one run, garbage collected at each look',
    }),
  ];
}

async function costs(program: string, size: number): Promise<Cost[]> {
  const vaults = Array.from({ length: VAULTS }, (_, at) => ({ name: `kv-${at}`, emptyPages: 0 }));
  const azure = await startAzure({ tenant: { vaults, accounts: [] } });
  try {
    const env = azure.env();
    await seed(
      azure,
      tableRows({ connectionString: env.AzureWebJobsStorage ?? '' }, systemClock),
      size,
    );
    const live = await startChild(program, env, ['--expose-gc']).next<SweepCost>();
    const found: Cost[] = [];
    for (let run = 0; run < RUNS; run++) {
      azure.calls.length = 0;
      const cost = await startChild(program, env).next<SweepCost>();
      mustBeAll(cost, size);
      const listCalls = azure.calls.filter(({ route }) => route === 'keyvault.list').length;
      found.push({ ...cost, azureCalls: azure.calls.length, listCalls, liveMB: live.heapMB });
    }
    return found;
  } finally {
    await azure.stop();
  }
}

/** Straight into the stand-in's state; the rows in Keyturn's table as earlier looks leave them. */
export async function seed(azure: Azure, rows: Rows, size: number, optedIn = size): Promise<void> {
  const now = systemClock.now();
  const writes = Array.from({ length: size }, (_, at) => async () => {
    const vault = `kv-${at % VAULTS}`;
    const name = `secret-${at}`;
    if (at >= optedIn) {
      const owner = `team-${at % 20}`;
      azure.vault(vault).set(name, 'a value that no sweep reads', {
        tags: { owner },
        expiresOn: addDays(now, at % 400),
      });
      return;
    }
    const group = `/subscriptions/${azure.world.subscriptionId}/resourcegroups/rg-keyturn`;
    const target = `${group}/providers/microsoft.storage/storageaccounts/st${at}`;
    const tags = { rotator: 'storage-account-key', 'rotator-target': target, owner: 'team-orders' };
    const { updated } = azure
      .vault(vault)
      .set(name, 'a value that no sweep reads', { tags, expiresOn: addDays(now, 90) });
    const isDue = at % 100 < DUE_PERCENT;
    const looked = {
      lookedOn: now,
      nextLookOn: addDays(now, isDue ? -1 : 6),
      seenUpdatedOn: new Date(updated * 1000),
    };
    await rows.saveSecret({ vault, name, ...looked, step: 'wait', reason: 'not-due', failures: 0 });
    await rows.saveSharer({ vault, name, target, handle: 'key1', owes: [] });
  });
  const worker = async () => {
    for (let write = writes.pop(); write !== undefined; write = writes.pop()) await write();
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** Else it was not this sweep that was measured. */
function mustBeAll({ record }: SweepCost, size: number): void {
  const { optedIn, queued, unlisted } = record;
  const looks = (size * DUE_PERCENT) / 100;
  if (optedIn !== size || queued !== looks || unlisted !== '') {
    throw new Error(
      `Not the sweep of ${size} secrets with ${looks} due: ${JSON.stringify(record)}`,
    );
  }
}
