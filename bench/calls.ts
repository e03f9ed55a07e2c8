/**
 * Calls to Azure for one look, one rotation, one proof and one revocation, next to the least with which the promises of
 * the design can be kept. Tokens and vault tags are warm, as in an app that is at work.
 */
import type { Azure } from '../local/azure/azure.ts';
import type { LoggedCall } from '../local/azure/calls.ts';
import { startAzure } from '../local/azure/tenant.ts';
import * as clock from '../local/clock.ts';
import { type App, createApp } from '../src/app.ts';
import type { Clock } from '../src/core/clock.ts';
import { type Kind, kinds } from './kinds.ts';
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

/**
 * Total and per route of each step for the first kind, totals for the others, and the calls to Keyturn's own storage. One
 * tenant for all, since the identity library keeps the endpoint that it found first.
 */
export async function measureCalls(): Promise<Row[]> {
  clock.install();
  const tenant = Object.assign({ vaults: [{ name: 'kv1' }] }, ...kinds.map((kind) => kind.tenant));
  const azure = await startAzure({ tenant });
  const types = kinds.map(({ type }) => type).join(',');
  const env: Record<string, string> = { ...azure.env(), KEYTURN_ROTATORS: types };
  Object.assign(process.env, env); // the endpoint of the managed identity is read from there
  const storage = watchStorage(env.AzureWebJobsStorage ?? '');
  try {
    const app = createApp(env, { log: () => {}, clock: moved });
    const rows: Row[] = [];
    for (const [at, kind] of kinds.entries()) {
      const report: Report = at === 0 ? rowsFor : (...seen) => [totalOf(kind.type, ...seen)];
      rows.push(...(await measureKind({ app, azure, storage, kind }, report)));
    }
    return rows;
  } finally {
    storage.stop();
    await azure.stop();
    clock.reset();
  }
}

/** Whoever sleeps moves the clock: one pass at a time, and nobody waits in real time for a secret to spread. */
const moved: Clock = {
  now: () => new Date(clock.now()),
  async sleep(milliseconds) {
    clock.advance({ seconds: milliseconds / 1000 });
  },
};

type Report = (step: string, azure: readonly LoggedCall[], own: readonly StorageCall[]) => readonly Row[];
interface Ground {
  readonly app: App;
  readonly azure: Azure;
  readonly storage: { readonly calls: readonly StorageCall[] };
  readonly kind: Kind;
}
const nameOf = ({ type }: Kind, which: 'first' | 'second') => `${which}-${type}`;

async function measureKind({ app, azure, storage, kind }: Ground, report: Report): Promise<Row[]> {
  for (const which of ['first', 'second'] as const) seed(azure, kind, which);
  const name = nameOf(kind, 'first');
  await pass(app, name); // the very first look is no usual one
  const rows: Row[] = [];
  for (const [step, days] of Object.entries(daysBefore)) {
    await later(app, nameOf(kind, 'second'), days);
    const [before, ownBefore] = [azure.calls.length, storage.calls.length];
    await pass(app, name);
    rows.push(...report(step, azure.calls.slice(before), storage.calls.slice(ownBefore)));
  }
  mustHaveHappened(azure, kind);
  return rows;
}

/** A secret that holds what its target accepts. */
function seed(azure: Azure, kind: Kind, which: 'first' | 'second'): void {
  const { target, value, options } = kind.given(azure, which);
  const tags = { rotator: kind.type, 'rotator-target': target, 'rotator-policy': 'every=60d;grace=48h' };
  azure
    .vault('kv1')
    .set(nameOf(kind, which), value, { tags: options === undefined ? tags : { ...tags, 'rotator-options': options } });
}

/** Moves the clock, makes the index fresh and lets another secret renew tokens and vault tags. */
async function later(app: App, other: string, days: number): Promise<void> {
  clock.advance({ days, minutes: 6 });
  await app.sweep();
  await pass(app, other);
}

/** A pass as a queue message starts it, in the foreground; nothing else runs meanwhile. */
const pass = (app: App, name: string): Promise<void> => app.work({ vault: 'kv1', name, cause: 'sweep' });

/** Two versions, the old one disabled: else it was not these steps that were counted. */
function mustHaveHappened(azure: Azure, kind: Kind): void {
  const versions = azure.vault('kv1').versions(nameOf(kind, 'first'));
  const enabled = versions.map((version) => String(version.enabled)).join();
  if (enabled !== 'false,true') throw new Error(`The secret of ${kind.type} was not rotated and revoked: ${enabled}.`);
}

/** One line for a step of a kind: what was called how often. */
function totalOf(type: string, step: string, azure: readonly LoggedCall[], own: readonly StorageCall[]): Row {
  const calls = [...count(azure.map(({ route }) => route))].sort().map(([route, times]) => `${route} ${times}`);
  return row(`${type}: ${step}`, azure.length, 'Azure calls', {
    note: `${calls.join(', ')}; own storage ${own.length}`,
  });
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
