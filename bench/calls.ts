/**
 * Calls to Azure for one look, one rotation, one proof and one revocation, next to the least with which the promises of
 * the design can be kept. Tokens and vault tags are warm, as in an app that is at work.
 */
import type { Azure } from '../local/azure/azure.ts';
import type { LoggedCall } from '../local/azure/calls.ts';
import { startAzure } from '../local/azure/tenant.ts';
import * as clock from '../local/clock.ts';
import { type App, createApp } from '../src/app.ts';
import { type StorageCall, watchStorage } from './ownStorage.ts';
import { type Row, rowsOf } from './table.ts';

const row = rowsOf('calls');

/** One step of a pass, and why fewer calls of a route would break a promise. */
interface Least {
  readonly [route: string]: { readonly calls: number; readonly because: string };
}

/** What any look needs: the secret, its history, the consent of today, the target as it is. */
const look: Least = {
  'keyvault.get': { calls: 1, because: 'the current version with its value' },
  'keyvault.versions': { calls: 1, because: 'what is owed is derived from the older versions' },
  'arm.roleAssignments': { calls: 1, because: 'consent may have been withdrawn' },
  'arm.storageAccount': { calls: 1, because: 'addresses and whether keys are allowed' },
  'arm.listKeys': { calls: 1, because: 'names the credential from its value' },
};
const more = (base: Least, added: Least): Least => {
  const routes = Object.keys({ ...base, ...added });
  return Object.fromEntries(
    routes.map((route) => {
      const parts = [base[route], added[route]].filter((part) => part !== undefined);
      const calls = parts.reduce((sum, part) => sum + part.calls, 0);
      return [route, { calls, because: parts.map(({ because }) => because).join('; ') }];
    }),
  );
};
/** Once more than the look has done it. */
const again = (because: string) => ({ calls: 1, because });
const least: Readonly<Record<string, Least>> = {
  look,
  rotation: more(look, {
    'keyvault.update': { calls: 1, because: 'preflight: a vault that takes no writes is found out first' },
    'arm.regenerateKey': { calls: 1, because: 'the new credential' },
    'storage.blob': { calls: 1, because: 'used before it is published' },
    'keyvault.set': { calls: 1, because: 'value, tags and expiry in one call' },
    'keyvault.get': { calls: 4, because: 're-read before each of three writes; ours after the store' },
    'keyvault.versions': again('nobody stored in between'),
  }),
  proof: more(look, {
    'storage.blob': { calls: 1, because: 'used again after it is published' },
    'keyvault.update': { calls: 1, because: 'the proof' },
    'keyvault.get': again('re-read before the write'),
  }),
  revocation: more(look, {
    'storage.blob': { calls: 1, because: 'accepted in this very pass' },
    'arm.roleAssignments': again('consent, right before'),
    'arm.listKeys': again('named again, right before'),
    'arm.regenerateKey': { calls: 1, because: 'the old key is refused from here on' },
    'keyvault.update': { calls: 2, because: 'the mark on the old version; the obligation struck off' },
    'keyvault.get': { calls: 4, because: 'the old value; re-read before each of three writes' },
  }),
};

/** How many days after the one before each step is measured: due by age, then after the grace of 48 h. */
const daysBefore = { look: 0, rotation: 60, proof: 0, revocation: 3 };

/** Total and per route of each step, and the calls to Keyturn's own storage beside them. */
export async function measureCalls(): Promise<Row[]> {
  clock.install();
  const tenant = { vaults: [{ name: 'kv1' }], accounts: [{ name: 'sta' }, { name: 'stb' }] };
  const azure = await startAzure({ tenant });
  const env = azure.env();
  Object.assign(process.env, env); // the endpoint of the managed identity is read from there
  const storage = watchStorage(env.AzureWebJobsStorage ?? '');
  try {
    const app = createApp(env, { log: () => {} });
    for (const name of ['sta', 'stb']) seed(azure, name);
    await pass(app, 'sta'); // the very first look is no usual one
    const rows: Row[] = [];
    for (const [step, days] of Object.entries(daysBefore)) {
      await later(app, days);
      const [before, ownBefore] = [azure.calls.length, storage.calls.length];
      await pass(app, 'sta');
      rows.push(...rowsFor(step, azure.calls.slice(before), storage.calls.slice(ownBefore)));
    }
    mustHaveHappened(azure);
    return rows;
  } finally {
    storage.stop();
    await azure.stop();
    clock.reset();
  }
}

/** A secret that holds key1 of the account of the same name. */
function seed(azure: Azure, name: string): void {
  const { id } = azure.account(name);
  const tags = { rotator: 'storage-account-key', 'rotator-target': id, 'rotator-policy': 'every=60d;grace=48h' };
  azure.vault('kv1').set(name, azure.account(name).key('key1'), { tags });
}

/** Moves the clock, makes the index fresh and lets another secret renew tokens and vault tags. */
async function later(app: App, days: number): Promise<void> {
  clock.advance({ days, minutes: 6 });
  await app.sweep();
  await pass(app, 'stb');
}

/** A pass as a queue message starts it, in the foreground; nothing else runs meanwhile. */
const pass = (app: App, name: string): Promise<void> => app.work({ vault: 'kv1', name, cause: 'sweep' });

/** Two versions, the old one disabled: else it was not these steps that were counted. */
function mustHaveHappened(azure: Azure): void {
  const versions = azure.vault('kv1').versions('sta');
  const enabled = versions.map((version) => String(version.enabled)).join();
  if (enabled !== 'false,true') throw new Error(`The secret was not rotated and revoked: ${enabled}.`);
}

function rowsFor(step: string, azure: readonly LoggedCall[], own: readonly StorageCall[]): Row[] {
  const needed = least[step] ?? {};
  const made = count(azure.map(({ route }) => route));
  const atMost = Object.values(needed).reduce((sum, { calls }) => sum + calls, 0);
  const routes = [...new Set([...Object.keys(needed), ...made.keys()])].sort();
  const kinds = own.map(({ route }) => {
    if (!route.startsWith('table')) return route.split(' ')[0] ?? '';
    return /locks$|POST keyturn$/.test(route) ? 'locks' : 'rows'; // only locks are inserted, rows are upserted
  });
  const ownCounts = [...count(kinds)].map(([kind, calls]) => `${kind} ${calls}`);
  return [
    row(step, azure.length, 'Azure calls', { note: `least ${atMost}` }),
    ...routes.map((route) => {
      const { calls = 0, because = 'needed by no promise' } = needed[route] ?? {};
      return row(`${step}: ${route}`, made.get(route) ?? 0, 'calls', { note: `least ${calls}: ${because}` });
    }),
    row(`${step}: own storage`, own.length, 'calls', { note: ownCounts.join(', ') }),
  ];
}

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
