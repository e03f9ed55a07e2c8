/**
 * A worker to be killed: the built app in the mini host, in a process of its own, on the clock of the process that started
 * it. Run by plain node with `local/preload.ts`; says `ready` when it takes messages.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as clock from '../../local/clock.ts';
import { type LogRecord, startHost } from '../../local/host/host.ts';

const [dist = '', entryFile = ''] = process.argv.slice(2);
clock.install();
/** What the process that started this one asks for. */
interface Told {
  readonly seconds?: number;
  readonly sweep?: true;
  readonly memory?: true;
  readonly drain?: true;
}

process.on('message', ({ seconds, sweep, memory, drain }: Told) => {
  if (seconds !== undefined) clock.advance({ seconds });
  if (memory) process.send?.({ bytes: inUse() });
  if (drain) void host.drain().then(() => process.send?.('drained'));
  if (sweep) void host.invoke('sweep').then(() => process.send?.('swept'));
});
function inUse(): number {
  for (let round = 0; round < 4; round += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
clock.advance({ seconds: Number(process.env.CHAOS_SECONDS) });
const host = await startHost({
  // The host's own SDKs are loaded by now, so that what they would print is not taken for the app's.
  entry: async () => {
    Object.assign(process.env, JSON.parse(process.env.SWITCHES_OF_APP ?? '{}'));
    await import(pathToFileURL(join(dist, entryFile)).href);
  },
  storageConnection: process.env.AzureWebJobsStorage ?? '',
  hostJson: join(dist, 'host.json'),
  timers: false,
  // What the app logs, for whoever judges it; without the word only what it prints by itself comes out.
  ...(process.env.CHAOS_LOG === 'on'
    ? { log: (record: LogRecord) => void process.stdout.write(`${JSON.stringify(record)}\n`) }
    : {}),
});
// Nothing here listens to SIGTERM: what happens then is the app's own doing.
process.send?.('ready');
