/**
 * Many rotations at once, each from its own event: through the real webhook, queue and table (Azurite) to a stored version.
 * The app in its host is a child process; stand-in and Azurite run here, and share the machine with it.
 */
import { join } from 'node:path';
import type { Azure } from '../local/azure/azure.ts';
import type { LoggedCall } from '../local/azure/calls.ts';
import { startAzure } from '../local/azure/tenant.ts';
import { advance, reset } from '../local/clock.ts';
import { build } from '../scripts/build.ts';
import { BENCH_FOLDER, bundled, type Child, startChild } from './child.ts';
import type { LoadCost, Order, Ready } from './loadChild.ts';
import { percentile, type Row, rowsOf } from './table.ts';

const VAULTS = 10;
const DAY_SECONDS = 86_400;
const AGE_DAYS = 55;
/** Events on their way at the same time, as Event Grid delivers them. */
const SIDE_BY_SIDE = 20;
const POLL_MS = 50;
const SECONDS_MAX = 300;
const row = rowsOf('load');

/** Rotations per second, seconds from event to stored version, what was asked again, and memory. */
export async function measureLoad(rotations: number): Promise<Row[]> {
  const names = Array.from({ length: rotations }, (_, at) => ({
    vault: `kv-${at % VAULTS}`,
    name: `st${at}`,
  }));
  const vaults = Array.from({ length: VAULTS }, (_, at) => ({ name: `kv-${at}` }));
  const dist = join(BENCH_FOLDER, 'dist');
  await build({ out: dist });
  const program = await bundled('loadChild.ts');
  // Old enough to be replaced, keys and versions, and not yet due by age.
  advance({ days: -AGE_DAYS });
  const azure = await startAzure({
    tenant: { vaults, accounts: names.map(({ name }) => ({ name })) },
  });
  for (const each of names) seed(azure, each);
  reset();
  const child = startChild(program, {
    ...azure.env(),
    KEYTURN_RATE: '9999/99999',
    BENCH_APP: join(dist, 'keyturn.cjs'),
  });
  try {
    const { webhook } = await child.next<Ready>();
    // Twice: the first makes the index and its looks name the slots, the second marks every vault as listed after that.
    for (let sweeps = 0; sweeps < 2; sweeps++) await order(child, 'sweep');
    for (const each of names) expire(azure, each);
    await order(child, 'start');
    azure.calls.length = 0;
    const sentOn = await postEvents(azure, webhook, names);
    const storedOn = await allStored(azure, rotations);
    child.process.send('report' satisfies Order);
    const cost = await child.next<LoadCost>();
    mustBeOnce(azure, names);
    return rowsFor(azure.calls, { sentOn, storedOn, cost });
  } finally {
    child.process.kill();
    await azure.stop();
  }
}

type Name = { readonly vault: string; readonly name: string };
type Times = ReadonlyMap<string, number>;
const keyOf = ({ vault, name }: Name): string => `${vault}/${name}`;

async function order(child: Child, what: Order): Promise<void> {
  child.process.send(what);
  await child.next();
}

function seed(azure: Azure, { vault, name }: Name): void {
  const account = azure.account(name);
  const tags = {
    rotator: 'storage-account-key',
    'rotator-target': account.id,
    'rotator-policy': 'every=60d;grace=48h',
  };
  azure.vault(vault).set(name, account.key('key1'), { tags });
}

/** Due by its expiry, as such an event says. The clock stays, so that hidden messages do. */
function expire(azure: Azure, { vault, name }: Name): void {
  const version = azure.vault(vault).version(name, '');
  version.exp = version.created + (AGE_DAYS + 5) * DAY_SECONDS;
}

/** Posts one event for each secret; answers when each was sent. */
async function postEvents(azure: Azure, webhook: string, names: readonly Name[]): Promise<Times> {
  const sentOn = new Map<string, number>();
  const waiting = [...names];
  const worker = async () => {
    for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) {
      sentOn.set(keyOf(each), Date.now());
      const headers = { 'content-type': 'application/json', 'aeg-event-type': 'Notification' };
      const body = JSON.stringify([eventAbout(azure, each)]);
      const { status } = await fetch(webhook, { method: 'POST', headers, body });
      if (status !== 202) throw new Error(`The webhook answered ${status}.`);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  return sentOn;
}

/** Event Grid schema, as Key Vault raises it (azure-facts 3.1). */
function eventAbout(azure: Azure, { vault, name }: Name): object {
  const { id: topic } = azure.vault(vault);
  const { id: Version } = azure.vault(vault).version(name, '');
  const Id = `${azure.url(`${vault}.vault`)}/secrets/${name}/${Version}`;
  return {
    ...{
      id: crypto.randomUUID(),
      topic,
      subject: name,
      eventType: 'Microsoft.KeyVault.SecretNearExpiry',
    },
    ...{ eventTime: new Date().toISOString(), dataVersion: '1', metadataVersion: '1' },
    data: {
      Id,
      VaultName: vault,
      ObjectType: 'Secret',
      ObjectName: name,
      Version,
      NBF: null,
      EXP: null,
    },
  };
}

/** When each version was stored, by the stand-in's log. */
async function allStored(azure: Azure, rotations: number): Promise<Times> {
  const end = Date.now() + SECONDS_MAX * 1000;
  for (;;) {
    const stores = azure.calls.filter(({ route, applied }) => route === 'keyvault.set' && applied);
    const times = new Map(
      stores.map(({ host, path, at }) => [
        `${host.split('.')[0]}/${path.split('/')[2]}`,
        at.getTime(),
      ]),
    );
    if (times.size >= rotations) return times;
    if (Date.now() > end)
      throw new Error(`Only ${times.size} of ${rotations} rotated in ${SECONDS_MAX} s.`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** One new version and one regenerated key for each secret: a bench of something else is worth nothing. */
function mustBeOnce(azure: Azure, names: readonly Name[]): void {
  const regenerated = azure.changes().filter(({ route }) => route === 'arm.regenerateKey').length;
  const twice = names.filter(({ vault, name }) => azure.vault(vault).versions(name).length !== 2);
  if (regenerated !== names.length || twice.length > 0) {
    throw new Error(
      `${names.length} rotations took ${regenerated} keys; ${twice.length} secrets have other than 2 versions.`,
    );
  }
}

interface Run {
  readonly sentOn: Times;
  readonly storedOn: Times;
  readonly cost: LoadCost;
}

function rowsFor(calls: readonly LoggedCall[], { sentOn, storedOn, cost }: Run): Row[] {
  const count = sentOn.size;
  const seconds = [...sentOn].map(
    ([key, sent]) => ((storedOn.get(key) ?? Number.NaN) - sent) / 1000,
  );
  const took = (Math.max(...storedOn.values()) - Math.min(...sentOn.values())) / 1000;
  const isRetry = (status: number) => status === 408 || status === 429 || status >= 500;
  const azureRetries = calls.filter(({ status }) => isRetry(status)).length;
  const ownRetries = Object.entries(cost.statuses).filter(
    ([status]) => isRetry(Number(status)) || status === '412',
  );
  const passes = Object.entries(cost.decided).map(([kind, times]) => `${times} ${kind}`);
  return [
    row('rotations', count, 'secrets', {
      note: `${VAULTS} vaults, one account each; every event at once`,
    }),
    row('rotations per second', count / took, '/s', { note: 'first event to last version' }),
    row('event to version, p50', percentile(seconds, 50), 's'),
    row('event to version, p95', percentile(seconds, 95), 's'),
    row('Azure calls asked again', azureRetries, 'calls', { note: `of ${calls.length}` }),
    row(
      'own storage asked again',
      ownRetries.reduce((sum, [, times]) => sum + times, 0),
      'calls',
      {
        note: `of ${cost.ownCalls}`,
      },
    ),
    row(
      'decisions per rotation',
      Object.values(cost.decided).reduce((a, b) => a + b, 0) / count,
      'passes',
      {
        note: passes.join(', '),
      },
    ),
    row('warnings and errors of the host', cost.warnings, 'records'),
    row('CPU of the app per rotation', cost.cpuMs / count, 'ms'),
    row('peak memory of the app', cost.rssMB, 'MB RSS'),
    row('peak heap of the app', cost.heapMB, 'MB', { note: 'sampled, garbage included' }),
    row('held on the heap after', cost.held[1], 'MB', {
      note: `${cost.held[0].toFixed(1)} before the events`,
    }),
  ];
}
