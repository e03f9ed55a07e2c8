/**
 * `npm start -- [--once | --stay] [--port N]`: the whole job on this machine. A tenant, Azurite and the unmodified app run in one
 * process; four rotations side by side are shown from the event to the refused old credential; then it stays up and
 * serves, as `--stay` says, too. With `--once` it ends after the story. The exit code is 0 only if every step was seen.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Azure } from './azure/azure.ts';
import { ClockCall } from './demo/clockCall.ts';
import { kinds } from './demo/kinds.ts';
import { Records, watchWebhook } from './demo/records.ts';
import { invite } from './demo/serve.ts';
import { putUp } from './demo/signpost.ts';
import { tellStory } from './demo/story.ts';
import { StoryError, Teller } from './demo/teller.ts';
import { startTenant, sweepSchedule } from './demo/tenant.ts';
import { Token } from './demo/token.ts';
import { type Host, startHost } from './host/host.ts';

const USAGE = 'Usage: npm start -- [--once | --stay] [--port N]';
const INTERRUPTED = 130; // 128 + SIGINT, as shells have it
const entry = fileURLToPath(new URL('../src/functions/index.ts', import.meta.url));
const hostJson = fileURLToPath(new URL('../host.json', import.meta.url));

const stopped = new AbortController();
// A second one ends the process at once. The listener stays: a worker that nobody else listens for ends the process by itself.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => (stopped.signal.aborted ? process.exit(INTERRUPTED) : stopped.abort()));

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = stopped.signal.aborted ? INTERRUPTED : 1;
  console.error(stopped.signal.aborted ? 'Stopped before the end of the story.' : inWords(error));
}

async function main(): Promise<number> {
  const { once, port } = options();
  const teller = new Teller((line) => console.log(line), stopped.signal);
  const records = new Records();
  const webhook = watchWebhook();
  let azure: Azure | undefined;
  let host: Host | undefined;
  let token: Token | undefined;
  let clockCall: ClockCall | undefined;
  let takeDown: (() => Promise<void>) | undefined;
  try {
    azure = await startTenant();
    const { AzureWebJobsStorage: storageConnection = '', ...settings } = azure.env();
    const rotators = [...new Set(kinds.map(({ rotator }) => rotator))].join(',');
    const env = { ...settings, KEYTURN_SWEEP_SCHEDULE: sweepSchedule, KEYTURN_ROTATORS: rotators };
    host = await startHost({ entry, port, hostJson, storageConnection, env, log: records.take });
    teller.say(tenantInWords(azure));
    teller.say(
      `Functions host on ${host.url}: ${host.functions.length} functions of the unmodified app`,
    );
    const stage = { azure, host, records, teller, webhook: webhook.answers };
    await tellStory(stage);
    teller.say(
      `Done: every step was seen, ${(performance.now() / 1000).toFixed(1)} s after the start of the process`,
    );
    if (!once) {
      token = await Token.start(azure);
      clockCall = await ClockCall.start(host, token);
      takeDown = await putUp({
        azure,
        url: host.url,
        token: token.path,
        vaultToken: token.vaultPath,
      });
      invite({ ...stage, token, clockUrl: clockCall.url });
      await new Promise((end) => {
        if (stopped.signal.aborted) end(undefined);
        stopped.signal.addEventListener('abort', end);
      });
    }
    return 0;
  } catch (error) {
    for (const { message, ...fields } of records.all.slice(-5))
      console.error(message, JSON.stringify(fields));
    throw error;
  } finally {
    webhook.stop();
    await takeDown?.();
    await clockCall?.stop();
    await token?.stop();
    await host?.stop();
    await azure?.stop();
  }
}

function tenantInWords({ world }: Azure): string {
  const { vaults, accounts, sqlServers, keyed, applications } = world;
  const namespaces = [...keyed.keys()].filter((id) => /\/namespaces\/[^/]+$/.test(id)).length;
  const servers = `${sqlServers.size} SQL server, ${namespaces} Service Bus namespace, ${applications.length} app registration`;
  return `Tenant: ${vaults.size} vaults, ${accounts.size} storage accounts, ${servers} (strict stand-in, Azurite behind it)`;
}

function options(): { once: boolean; port: number } {
  const { values } = parseArgs({
    options: {
      ...{ once: { type: 'boolean', default: false }, stay: { type: 'boolean', default: false } },
      port: { type: 'string', default: '7071' },
    },
  });
  if (values.once && values.stay)
    throw new StoryError(`--once and --stay say the opposite. ${USAGE}`);
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65_535)
    throw new StoryError(`--port ${values.port} is no port. ${USAGE}`);
  return { once: values.once, port };
}

/** What went wrong as a person can use it. What is unexpected keeps its stack. */
function inWords(error: unknown): string {
  if (error instanceof StoryError) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof Error && code === 'EADDRINUSE' && 'port' in error)
    return `Port ${error.port} is in use. End what uses it, or take another one: npm start -- --port 7072`;
  if (error instanceof Error && code.startsWith('ERR_PARSE_ARGS'))
    return `${error.message}\n${USAGE}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
