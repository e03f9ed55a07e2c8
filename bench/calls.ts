/**
 * Calls to Azure for one look, one rotation, one proof and one revocation, next to the least with which the promises of
 * the design can be kept. Tokens and vault tags are warm, as in an app that is at work.
 */
import type { Azure } from '../local/azure/azure.ts';
import type { LoggedCall } from '../local/azure/calls.ts';
import { startAzure } from '../local/azure/tenant.ts';
import * as clock from '../local/clock.ts';
import { type App, createApp } from '../src/app/app.ts';
import type { Clock } from '../src/core/clock.ts';
import { type Databases, startDatabases } from './databases.ts';
import { type Kind, kinds, tenantOfAll, type Which } from './kinds.ts';
import { beyondLook, type Least, leastOf, type Step } from './least.ts';
import { type StorageCall, watchStorage } from './ownStorage.ts';
import { type Row, rowsOf } from './table.ts';

const row = rowsOf('calls');

/** How many days after the one before each step is measured: due by age, then after the grace of 48 h. */
const daysBefore: Readonly<Record<Step, number>> = {
  look: 0,
  rotation: 60,
  proof: 0,
  revocation: 3,
};

/**
 * Each step of each kind, the first kind call by call, with the calls to Keyturn's own storage. One tenant for all, since the
 * identity library keeps the endpoint that it found first.
 *
 * @param options `databases`: real servers behind the kinds of PostgreSQL and MySQL
 */
export async function measureCalls(options: { databases: boolean }): Promise<Row[]> {
  clock.install();
  const azure = await startAzure({ tenant: tenantOfAll() });
  const types = kinds.map(({ type }) => type).join(',');
  const env: Record<string, string> = { ...azure.env(), KEYTURN_ROTATORS: types };
  Object.assign(process.env, env); // the endpoint of the managed identity is read from there
  const storage = watchStorage(env.AzureWebJobsStorage ?? '');
  let databases: Databases | undefined;
  try {
    const running = await startDatabases(azure, moved, options.databases);
    databases = running;
    const app = createApp(env, { log: () => {}, clock: moved, rotators: running.rotators });
    const rows: Row[] = [];
    for (const [at, kind] of kinds.entries()) {
      const report: Report = at === 0 ? rowsFor : (seen) => [totalOf(seen, running)];
      rows.push(...(await measureKind({ app, azure, storage, kind, databases: running }, report)));
    }
    return rows;
  } finally {
    storage.stop();
    await databases?.stop();
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

/** What one step of a kind called. */
interface Seen {
  readonly kind: Kind;
  readonly step: Step;
  readonly azure: readonly LoggedCall[];
  readonly own: readonly StorageCall[];
}
type Report = (seen: Seen) => readonly Row[];
interface Ground {
  readonly app: App;
  readonly azure: Azure;
  readonly storage: { readonly calls: readonly StorageCall[] };
  readonly databases: Databases;
  readonly kind: Kind;
}
const nameOf = ({ type }: Kind, which: Which) => `${which}-${type}`;

async function measureKind(ground: Ground, report: Report): Promise<Row[]> {
  const { app, azure, storage, kind } = ground;
  for (const which of ['first', 'second'] as const) await seed(ground, which);
  const name = nameOf(kind, 'first');
  await pass(app, name); // the very first look is no usual one
  const rows: Row[] = [];
  for (const [step, days] of Object.entries(daysBefore) as [Step, number][]) {
    if (step === 'revocation' && !revokes(kind)) {
      const note =
        'least 0; the next password took the place of the old one, which the rotation has revoked by that';
      rows.push(row(`${kind.type}: ${step}`, 0, 'Azure calls', { note }));
      continue;
    }
    await later(app, nameOf(kind, 'second'), days);
    const [before, ownBefore] = [azure.calls.length, storage.calls.length];
    await pass(app, name);
    const seen = {
      kind,
      step,
      azure: azure.calls.slice(before),
      own: storage.calls.slice(ownBefore),
    };
    rows.push(...report(seen));
  }
  mustHaveHappened(azure, kind);
  return rows;
}

/** With one password there is none: the next one has taken its place. */
const revokes = ({ least }: Kind): boolean => least.revocation !== undefined;

/** A secret that holds what its target accepts. */
async function seed({ azure, databases, kind }: Ground, which: Which): Promise<void> {
  const { target, value, options } = await kind.given(azure, which, databases);
  const tags = {
    rotator: kind.type,
    'rotator-target': target,
    'rotator-policy': 'every=60d;grace=48h',
  };
  azure.vault('kv1').set(nameOf(kind, which), value, {
    tags: options === undefined ? tags : { ...tags, 'rotator-options': options },
  });
}

/** Moves the clock, makes the index fresh and lets another secret renew tokens and vault tags. */
async function later(app: App, other: string, days: number): Promise<void> {
  clock.advance({ days, minutes: 6 });
  await app.sweep();
  await pass(app, other);
}

/** A pass as a queue message starts it, in the foreground; nothing else runs meanwhile. */
const pass = (app: App, name: string): Promise<void> =>
  app.work({ vault: 'kv1', name, cause: 'sweep' });

/** Two versions, the old one disabled where it was revoked: else it was not these steps that were counted. */
function mustHaveHappened(azure: Azure, kind: Kind): void {
  const versions = azure.vault('kv1').versions(nameOf(kind, 'first'));
  const enabled = versions.map((version) => String(version.enabled)).join();
  if (enabled !== `${!revokes(kind)},true`)
    throw new Error(`${kind.type} did not go through its steps: ${enabled}.`);
}

/** Those of the vault in one: they are the same for every kind, and explained with the first. */
const groupOf = (route: string) => (route.startsWith('keyvault.') ? 'keyvault' : route);

/** One line for a step of a kind: what was called how often, beside the least; its reasons where the look does not need it. */
function totalOf({ kind, step, azure, own }: Seen, databases: Databases): Row {
  const needed = leastOf(step, kind.least);
  const beyond = beyondLook(step, kind.least);
  const made = count(azure.map(({ route }) => groupOf(route)));
  const groups = [...new Set([...Object.keys(needed).map(groupOf), ...made.keys()])].sort();
  const calls = groups.flatMap((group) => {
    const least = total(needed, (route) => groupOf(route) === group);
    if (least === 0 && !made.has(group)) return [];
    const because = least === 0 && !needed[group] ? 'needed by no promise' : beyond[group]?.because;
    return [
      `${group} ${made.get(group) ?? 0} of ${least}${because === undefined ? '' : ` (${because})`}`,
    ];
  });
  const words = [
    `least ${total(needed)}`,
    kind.note?.(databases),
    ...calls,
    `own storage ${own.length}`,
  ];
  const note = words.filter((word) => word !== undefined).join('; ');
  return row(`${kind.type}: ${step}`, azure.length, 'Azure calls', { note });
}

const total = (least: Least, counts: (route: string) => boolean = () => true): number =>
  Object.entries(least).reduce((sum, [route, { calls }]) => (counts(route) ? sum + calls : sum), 0);

function rowsFor({ kind, step, azure, own }: Seen): Row[] {
  const needed = leastOf(step, kind.least);
  const made = count(azure.map(({ route }) => route));
  const routes = [...new Set([...Object.keys(needed), ...made.keys()])].sort();
  const kindsOfRows = own.map(({ route }) => {
    if (!route.startsWith('table')) return route.split(' ')[0] ?? '';
    return /locks$|POST keyturn$/.test(route) ? 'locks' : 'rows'; // only locks are inserted, rows are upserted
  });
  const ownCounts = [...count(kindsOfRows)].map(([what, calls]) => `${what} ${calls}`);
  return [
    row(step, azure.length, 'Azure calls', { note: `least ${total(needed)}` }),
    ...routes.map((route) => {
      const { calls = 0, because = 'needed by no promise' } = needed[route] ?? {};
      return row(`${step}: ${route}`, made.get(route) ?? 0, 'calls', {
        note: `least ${calls}: ${because}`,
      });
    }),
    row(`${step}: own storage`, own.length, 'calls', { note: ownCounts.join(', ') }),
  ];
}

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
