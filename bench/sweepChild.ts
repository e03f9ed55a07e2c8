/** The sweep alone: one run of the app's own `sweep`, what it took, and nothing else in this process. */
import { mapLocalhost } from '../local/names.ts';
import { createApp } from '../src/app/app.ts';
import { keepHeapSmall } from '../src/app/smallHeap.ts';
import { watchMemory } from './memory.ts';
import { watchStorage } from './ownStorage.ts';

export interface SweepCost {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly rssMB: number;
  readonly heapMB: number;
  readonly ownCalls: number;
  /** What the product says of its sweep. */
  readonly record: Readonly<Record<string, unknown>>;
}

async function main(): Promise<SweepCost> {
  mapLocalhost();
  let record: Readonly<Record<string, unknown>> = {};
  const app = createApp(process.env, {
    log: (level, message, fields) => {
      if (message === 'swept') record = { ...fields };
      if (level === 'error') console.error(message, fields);
    },
  });
  keepHeapSmall(); // as the deployed app does with its first call
  const storage = watchStorage(process.env.AzureWebJobsStorage ?? '');
  const memory = watchMemory();
  const cpu = process.cpuUsage();
  const start = performance.now();
  await app.sweep();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return {
    wallMs,
    cpuMs: (user + system) / 1000,
    ...memory(),
    ownCalls: storage.calls.length,
    record,
  };
}

// What fails ends the process with its stack, and the parent says that it has heard nothing.
void main().then((cost) => process.send?.(cost, () => process.exit(0)));
