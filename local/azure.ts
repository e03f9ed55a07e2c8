/**
 * `npm run --silent azure -- [--port N] [--config FILE] [--settings FILE] [--listen URL]`: the stand-in alone, with resources
 * for the conformance suite. Prints their addresses as JSON on stdout (without `--silent` npm adds lines of its own; `--config`
 * writes a file instead) and stays until it is stopped. `--settings` also writes a `local.settings.json`.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fullGrant, readerGrant } from './azure/grants.ts';
import { startAzure } from './azure/tenant.ts';
import { audiences, sqlHostOf } from './azure/world.ts';

const USAGE =
  'Usage: npm run --silent azure -- [--port N] [--config FILE] [--settings FILE] [--listen URL]';

const values = options();
const azure = await startAzure({
  port: values.port,
  tenant: {
    vaults: [{ name: 'kv-one' }, { name: 'kv-two' }],
    accounts: [{ name: 'stconformance', resourceGroup: 'rg-conformance' }],
    sqlServers: [
      { name: 'sql-conformance', resourceGroup: 'rg-conformance' },
      { name: 'sql-entra-only', resourceGroup: 'rg-conformance', entraOnly: true },
    ],
  },
});
const { world } = azure;
const client = azure.application('conformance', ['Application.ReadWrite.All']);
azure.grant(fullGrant(world, client.principal));
const limited = azure.application('conformance-limited');
azure.grant(readerGrant(world, limited.principal));
const subject = azure.application('conformance-subject');

// The suite's listener is there only while the suite runs: the handshake is repeated until then.
azure.eventGrid
  .subscribe({ name: 'conformance', vaultId: azure.vault('kv-one').id, endpoint: values.listen })
  .catch((error: unknown) => console.error('The event subscription has ended:', error));

if (values.settings !== undefined) {
  // The worker of a Functions host must find the tenant's names too (learn: functions-app-settings, languageWorkers).
  const preload = `--import=${new URL('./preload.ts', import.meta.url).href}`;
  const worker = { FUNCTIONS_WORKER_RUNTIME: 'node', languageWorkers__node__arguments: preload };
  const settings = { IsEncrypted: false, Values: { ...worker, ...azure.env() } };
  writeFileSync(values.settings, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
  console.error(`Settings for a Functions host are in ${values.settings}.`);
}

const configuration = {
  caFile: azure.caPath,
  authorityHost: azure.authority,
  tenantId: world.tenantId,
  clientId: client.appId,
  clientSecret: client.addPassword({ displayName: 'conformance' }).secretText,
  limitedClient: { clientId: limited.appId, clientSecret: limited.addPassword().secretText },
  vaultUrl: azure.url('kv-one.vault'),
  otherVaultUrl: azure.url('kv-two.vault'),
  arm: {
    endpoint: azure.url('management'),
    audience: audiences.arm,
    subscriptionId: world.subscriptionId,
    resourceGroup: 'rg-conformance',
    storageAccount: 'stconformance',
    sqlServer: 'sql-conformance',
    entraOnlySqlServer: 'sql-entra-only',
  },
  graph: {
    endpoint: azure.url('graph'),
    audience: audiences.graph,
    appObjectId: subject.objectId,
    appId: subject.appId,
  },
  tds: {
    server: sqlHostOf(world, 'sql-conformance'),
    port: world.tdsPort,
    admin: azure.sqlServer('sql-conformance').administrator.name,
    adminPassword: azure.sqlServer('sql-conformance').administrator.password,
    followsArm: true,
  },
  // Longer than the pause after a 503, which is 30 s (azure-facts 3.2).
  eventGrid: { listen: values.listen, waitSeconds: 60 },
};
const text = `${JSON.stringify(configuration, null, 2)}\n`;
if (values.config === undefined) process.stdout.write(text);
else writeFileSync(values.config, text, { mode: 0o600 });
console.error('The stand-in is up. Ctrl+C stops it.');

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    azure.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}

/** The options, or the end of the process with its usage: a stack helps nobody who mistyped. */
function options() {
  try {
    const { values: given } = parseArgs({
      options: {
        port: { type: 'string', default: '0' },
        config: { type: 'string' },
        settings: { type: 'string' },
        listen: { type: 'string', default: 'http://127.0.0.1:7462/events' },
      },
    });
    const port = Number(given.port);
    if (!/^\d+$/.test(given.port) || port > 65_535)
      throw new TypeError(`--port ${given.port} is no port.`);
    if (!/^https?:$/.test(URL.parse(given.listen)?.protocol ?? ''))
      throw new TypeError(`--listen ${given.listen} is no address.`);
    return { ...given, port };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`${error.message}\n${USAGE}`);
    process.exit(1);
  }
}
