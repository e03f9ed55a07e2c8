/**
 * A Functions host of its own process, for `built.test.ts`: runs the built app with the settings file that `npm run azure`
 * wrote, lets it issue a first credential, and prints what is in the vault then. Run by plain node with `local/preload.ts`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClientSecretCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { startHost } from '../../local/host/host.ts';

const [dist = '', settingsFile = '', configFile = ''] = process.argv.slice(2);
const settings = JSON.parse(readFileSync(settingsFile, 'utf8')) as {
  Values: Record<string, string>;
};
const config = JSON.parse(readFileSync(configFile, 'utf8'));
const { tenantId, clientId, clientSecret, authorityHost, vaultUrl, arm } = config;
const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {
  authorityHost,
  disableInstanceDiscovery: true,
});
const vault = new SecretClient(vaultUrl, credential);
const target = `${arm.subscriptionId}/${arm.resourceGroup}/${arm.storageAccount}`;
const tags = { rotator: 'storage-account-key', 'rotator-target': target, owner: 'built' };
await vault.setSecret('built', 'keyturn:new', { tags, contentType: 'text/plain' });

const host = await startHost({
  entry: join(dist, 'keyturn.cjs'),
  env: settings.Values,
  storageConnection: settings.Values.AzureWebJobsStorage ?? '',
  hostJson: join(dist, 'host.json'),
  timers: false,
});
// The first sweep makes the index while its looks still wait for it; the second one queues them again.
let properties = (await vault.getSecret('built')).properties;
for (
  let sweeps = 0;
  sweeps < 20 && properties.tags?.['rotator-state']?.includes('proved=') !== true;
  sweeps++
) {
  const url = `${host.url}/admin/functions/sweep?code=${host.keys.master}`;
  const answer = await fetch(url, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  });
  if (answer.status !== 202) throw new Error(`The sweep was answered ${answer.status}.`);
  await host.drain();
  await new Promise((resolve) => setTimeout(resolve, 500));
  properties = (await vault.getSecret('built')).properties;
}
const without = await fetch(`${host.url}/api/vaults/kv-one/secrets/built/rotate`, {
  method: 'POST',
  body: '{}',
});
console.log(
  JSON.stringify({
    functions: host.functions.map(({ name }) => name),
    tags: properties.tags,
    status: without.status,
  }),
);
await host.stop();
