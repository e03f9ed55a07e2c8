/**
 * Many opted-in secrets whose target never consented, beside some that are due: how long these take alone, and how long
 * beside the flood. One run, the same tenant, the real entry, Key Vault, ARM, queue and table; nothing is moved between the
 * sweep and the last good rotation but real time.
 */
import * as clock from '../../local/clock.ts';
import { startTenant, type Tenant } from '../cases/harness.ts';

export interface FloodFigures {
  readonly good: number;
  readonly flood: number;
  /** From the start of the sweep to the last good rotation, alone and beside the flood. */
  readonly aloneSeconds: number;
  readonly besideSeconds: number;
  /** The sweep itself. */
  readonly aloneSweepSeconds: number;
  readonly besideSweepSeconds: number;
  /** Calls to Azure, of the sweep and of all passes, up to the last good rotation: time that no neighbour's load changes. */
  readonly aloneCalls: number;
  readonly besideCalls: number;
  /** Looks of the flood that were worked before the last good one. */
  readonly floodLooksBefore: number;
  /** Looks of the flood until all had one, and the minutes over which they were spread. */
  readonly floodLooks: number;
  readonly spreadMinutes: number;
  /** Reads of ARM about the target that never consented. */
  readonly armReads: number;
  /** Alerts about the flood: those that name one secret, and the counts of those that name many. */
  readonly singleAlerts: number;
  readonly groupedCounts: readonly number[];
  readonly namesInGroups: number;
  /** Secrets of the flood that the inventory shows as refused, with the reason. */
  readonly shownRefused: number;
  readonly leftOnQueue: number;
}

const REFUSES = 'acctflood';
const VAULTS = ['kv1', 'kv2'] as const;

/** Measures both; ends the tenant. Throws when a good secret is not rotated exactly once. */
export async function measureFlood(
  given: { good: number; flood: number },
  say: (figures: object) => void = () => {},
): Promise<FloodFigures> {
  const accounts = Array.from({ length: given.good }, (_, at) => ({ name: `acct${at}` }));
  const tenant = await startTenant({
    vaults: [...VAULTS],
    accounts: [...accounts, { name: REFUSES, consent: 'somebody else' }],
    env: { KEYTURN_RATE: '9999/9999' },
  });
  try {
    const alone = await goodOnes(tenant, given.good, () => {});
    await tenant.settle(600);
    await tenant.clear();
    const beside = await goodOnes(tenant, given.good, () => seedFlood(tenant, given.flood));
    say(figuresOf(alone, beside)); // working off the flood takes much longer than the good ones do
    return { ...given, ...figuresOf(alone, beside), ...(await afterwards(tenant, given.flood)) };
  } finally {
    await tenant.stop();
    clock.reset();
  }
}

interface Run {
  readonly seconds: number;
  readonly sweepSeconds: number;
  readonly calls: number;
  readonly floodLooksBefore: number;
}

const figuresOf = (alone: Run, beside: Run) => ({
  aloneSeconds: alone.seconds,
  besideSeconds: beside.seconds,
  aloneSweepSeconds: alone.sweepSeconds,
  besideSweepSeconds: beside.sweepSeconds,
  aloneCalls: alone.calls,
  besideCalls: beside.calls,
  floodLooksBefore: beside.floodLooksBefore,
});

/** Half of them in the vault that is flooded. Known and just due, when `meanwhile` happens and the sweep comes. */
async function goodOnes(tenant: Tenant, count: number, meanwhile: () => void): Promise<Run> {
  const good = Array.from({ length: count }, (_, at) => ({
    name: `good-${at}`,
    vault: VAULTS[at % 2] ?? 'kv1',
    at,
  }));
  for (const { name, vault, at } of good) tenant.seed(name, { vault, account: `acct${at}` });
  const last = good.map(({ name, vault }) => tenant.dueOn(name, { vault }).getTime());
  await tenant.goTo(new Date(Math.max(...last)));
  meanwhile();
  tenant.azure.calls.length = 0;
  tenant.lines.length = 0;
  const startedOn = clock.now();
  let sweptOn = startedOn;
  const sweep = tenant.sweep().then(() => {
    sweptOn = clock.now();
  });
  const stored = () =>
    tenant.azure.calls.filter(({ route, applied }) => route === 'keyvault.set' && applied);
  while (stored().length < count) {
    if (clock.now() - startedOn > 600_000)
      throw new Error(`Only ${stored().length} of ${count} rotated.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const calls = tenant.azure.calls.findLastIndex(({ route }) => route === 'keyvault.set') + 1;
  const before = floodLooks(tenant);
  await sweep;
  const seconds = (Math.max(...stored().map(({ at }) => at.getTime())) - startedOn) / 1000;
  const twice = good.filter(({ name, vault }) => tenant.versions(name, vault).length !== 2);
  if (twice.length > 0)
    throw new Error(`${twice.map(({ name }) => name).join(', ')}: not one new version.`);
  return { seconds, sweepSeconds: (sweptOn - startedOn) / 1000, calls, floodLooksBefore: before };
}

function seedFlood(tenant: Tenant, count: number): void {
  for (let at = 0; at < count; at++)
    tenant.seed(`flood-${at}`, { account: REFUSES, slot: at % 2 === 0 ? 'key1' : 'key2' });
}

const isFlood = (name: unknown) => String(name).startsWith('flood-');
const floodLooks = (tenant: Tenant): number =>
  tenant.logs('decided').filter(({ name }) => isFlood(name)).length;

/** An hour of looks, then the next sweep, which tells what was counted. */
async function afterwards(tenant: Tenant, flood: number) {
  const from = clock.now();
  while (floodLooks(tenant) < flood && clock.now() < from + 3_600_000) await tenant.settle(15);
  const spreadMinutes = (clock.now() - from) / 60_000;
  const looks = floodLooks(tenant);
  const armReads = tenant.azure.calls.filter(({ route, path }) => {
    return route.startsWith('arm.') && path.toLowerCase().includes(`/${REFUSES}`);
  }).length;
  clock.advance({ seconds: Math.max(0, (from + 3_600_000 - clock.now()) / 1000) });
  await tenant.sweepAndSettle();
  const alerts = tenant.alerts().filter(({ reason }) => reason === 'no-consent');
  const grouped = alerts.filter(({ count }) => count !== undefined);
  const rows = (await tenant.rows()).filter(
    ({ json }) => isFlood(json.name) && json.reason === 'no-consent',
  );
  return {
    ...{ spreadMinutes, floodLooks: looks, armReads },
    singleAlerts: alerts.filter(({ name }) => isFlood(name)).length,
    groupedCounts: grouped.map(({ count }) => Number(count)),
    namesInGroups: grouped.flatMap(({ names }) => String(names).split(', ')).length,
    shownRefused: rows.filter(
      ({ partition, json }) => partition.startsWith('secrets-') && isRefused(json),
    ).length,
    leftOnQueue: await tenant.own.waiting('keyturn-work'),
  };
}

const isRefused = ({ view }: Record<string, unknown>): boolean =>
  typeof view === 'object' && view !== null && 'state' in view && view.state === 'refused';
