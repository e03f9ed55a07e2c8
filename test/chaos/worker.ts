/**
 * A worker to be killed: the built app in the mini host, in a process of its own, on the clock of the process that started
 * it. Run by plain node with `local/preload.ts`; says `ready` when it takes messages.
 */
import { join } from 'node:path';
import * as clock from '../../local/clock.ts';
import { startHost } from '../../local/host/host.ts';

const [dist = ''] = process.argv.slice(2);
clock.install();
process.on('message', ({ seconds, sweep }: { seconds?: number; sweep?: true }) => {
  if (seconds !== undefined) clock.advance({ seconds });
  if (sweep) void host.invoke('sweep').then(() => process.send?.('swept'));
});
clock.advance({ seconds: Number(process.env.CHAOS_SECONDS) });
const host = await startHost({
  entry: join(dist, 'keyturn.cjs'),
  storageConnection: process.env.AzureWebJobsStorage ?? '',
  hostJson: join(dist, 'host.json'),
  timers: false,
});
// Nothing here listens to SIGTERM: what happens then is the app's own doing.
process.send?.('ready');
