/** The product under load: the unmodified app in the mini host, and nothing else in this process. */
import { dirname, join } from 'node:path';
import { type LogRecord, startHost } from '../local/host/host.ts';
import { mapLocalhost } from '../local/names.ts';
import { heldMB, watchMemory } from './memory.ts';
import { watchStorage } from './ownStorage.ts';

export interface Ready {
  readonly webhook: string;
}
/** `sweep` runs the timer and works off what it queued; `report` ends the process. */
export type Order = 'sweep' | 'start' | 'report';
export interface LoadCost {
  readonly rssMB: number;
  readonly heapMB: number;
  readonly cpuMs: number;
  /** Held on the heap at `start` and at the end. */
  readonly held: readonly [before: number, after: number];
  /** Decisions since `start`, by step. */
  readonly decided: Readonly<Record<string, number>>;
  /** Records of level warning and error, of host and app. */
  readonly warnings: number;
  /** Answers of the app's own storage since `start`, by status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly ownCalls: number;
}

const env = Object.fromEntries(
  Object.entries(process.env).map(([name, value]) => [name, value ?? '']),
);
const { AzureWebJobsStorage: storageConnection = '', BENCH_APP: entry = '' } = env;

/** What was seen since `start`. */
class Seen {
  readonly storage = watchStorage(storageConnection);
  readonly memory = watchMemory();
  #decided: string[] = [];
  #warnings = 0;
  #cpu = process.cpuUsage();
  #heldBefore = 0;

  take({ category, level, message }: LogRecord): void {
    if (category === 'user' && message.includes('"decided"'))
      this.#decided.push(String(JSON.parse(message).step));
    if (level !== 'warning' && level !== 'error') return;
    this.#warnings++;
    console.error(message.slice(0, 400));
  }

  start(): void {
    this.#decided = [];
    this.#warnings = 0;
    this.storage.calls.length = 0;
    this.#heldBefore = heldMB();
    this.#cpu = process.cpuUsage();
  }

  report(): LoadCost {
    const { user, system } = process.cpuUsage(this.#cpu);
    const statuses = count(this.storage.calls.map(({ status }) => String(status)));
    const own = { ownCalls: this.storage.calls.length, statuses };
    const held: LoadCost['held'] = [this.#heldBefore, heldMB()];
    return {
      ...this.memory(),
      cpuMs: (user + system) / 1000,
      decided: count(this.#decided),
      warnings: this.#warnings,
      ...own,
      held,
    };
  }
}

async function main(): Promise<void> {
  mapLocalhost();
  const seen = new Seen();
  const host = await startHost({
    ...{
      env,
      storageConnection,
      entry,
      hostJson: join(dirname(entry), 'host.json'),
      timers: false,
    },
    log: (record) => seen.take(record),
  });
  const obey = async (order: Order) => {
    if (order === 'report') process.send?.(seen.report(), () => process.exit(0));
    if (order === 'start') seen.start();
    if (order === 'sweep') {
      await host.invoke('sweep');
      await host.drain();
    }
    if (order !== 'report') process.send?.('done');
  };
  process.on('message', (order: Order) => void obey(order));
  process.send?.({ webhook: host.eventGridUrl('secretEvents') } satisfies Ready);
}

function count(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

void main();
