/** Whether the app can do its work: in one word for whoever watches it, and with reasons and remedies for readers. */
import { setTimeout as after } from 'node:timers/promises';
import { addMinutes, type Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { BusyError, KeyturnError } from '../core/errors.ts';
import { isOthers } from '../core/instance.ts';
import type { Log } from '../core/log.ts';
import type { Reason } from '../core/reasons.ts';
import type { GraphGrants } from '../core/rightChecks.ts';
import type { LeftOut } from '../core/vaultList.ts';
import type { Deps } from '../ports/deps.ts';
import { wrongPeople } from '../tags/people.ts';
import { type Caller, requireRole } from './auth.ts';

/** What is tried. Each rejects with the reason why not. */
export interface Probes {
  readonly table: () => Promise<unknown>;
  readonly queue: () => Promise<unknown>;
  /** A token for Azure Resource Manager. */
  readonly token: () => Promise<unknown>;
  /** What a token for Microsoft Graph lets the identity do. */
  readonly graphToken: () => Promise<GraphGrants>;
}

/** What discovery came to. */
export interface FoundVaults {
  readonly discovery: true | { readonly failure: string } | undefined;
  readonly leftOut: readonly LeftOut[];
}

export interface Finding {
  readonly ready: boolean;
  readonly reason?: Reason;
  readonly detail?: string;
}

export interface Readiness {
  readonly ready: boolean;
  readonly storage: Finding;
  /** Of vaults, where the settings name subscriptions. */
  readonly discovery?: Finding;
  readonly vaults: readonly (Finding & { readonly vault: string })[];
  readonly rotators: readonly (Finding & { readonly rotator: string })[];
}

type HealthProbes = Omit<Probes, 'graphToken'>;

const HEALTH_MILLISECONDS = 10_000;
const READINESS_MILLISECONDS = 30_000;
/** Anyone may ask: however many do, own storage and identity are asked once in this time. */
const HEALTH_MINUTES_KEPT = 1 / 6;

/** Own table and queue answer, and the identity gives a token. Why not is for the log alone, since anyone may ask. */
export function healthOf(probes: () => HealthProbes, clock: Clock): (log: Log) => Promise<boolean> {
  let last: { readonly on: Date; readonly healthy: Promise<boolean> } | undefined;
  return (log) => {
    const now = clock.now();
    if (!last || now < last.on || now >= addMinutes(last.on, HEALTH_MINUTES_KEPT))
      last = { on: now, healthy: healthy(probes(), log) };
    return last.healthy;
  };
}

async function healthy({ table, queue, token }: HealthProbes, log: Log): Promise<boolean> {
  const found = await Promise.all(
    [table, queue, token].map((probe) => tried(passes(probe), HEALTH_MILLISECONDS)),
  );
  for (const { ready, reason, detail } of found)
    if (!ready) log('warn', 'not healthy', { reason, detail });
  return found.every(({ ready }) => ready);
}

/**
 * Per vault: one page of its list, its tags at Resource Manager, and whether secrets may be written there as far as Azure says; per enabled rotator: a token for it,
 * and in that of Microsoft Graph the permission it needs (case FN-03). A vault that
 * another instance serves is ready, and says so; one that discovery found and left out is not.
 */
export async function readiness(
  caller: Caller,
  {
    vaults,
    vaultTags,
    config,
    rotators,
    rights,
  }: Pick<Deps, 'vaults' | 'vaultTags' | 'config' | 'rotators' | 'rights'>,
  { table, queue, token, graphToken }: Probes,
  { discovery, leftOut }: FoundVaults,
): Promise<Readiness> {
  requireRole(caller, 'Keyturn.Read');
  const lookAt = async (name: string): Promise<Finding> => {
    for await (const _page of vaults.open(name)?.list() ?? []) break;
    const tags = await vaultTags(name);
    if (isOthers(tags, config.instance)) return { ready: true, reason: 'other-instance' };
    const wrong = wrongPeople(tags);
    if (wrong !== undefined) return { ready: false, reason: 'bad-tags', detail: wrong };
    const { state, reason, detail } = (await rights?.vault(name)) ?? { state: 'ok' };
    return state === 'problem'
      ? compact({ ready: false, reason, detail: detail || undefined })
      : READY;
  };
  const { names } = vaults;
  const kindOf = async (rotator: string) => {
    const { graph: needed = [] } = rotators.get(rotator)?.rights ?? {};
    const probe = needed.length === 0 ? passes(token) : () => granted(needed, graphToken);
    return { rotator, ...(await tried(probe, READINESS_MILLISECONDS)) };
  };
  const [storage, kinds, ...listed] = await Promise.all([
    tried(passes(table, queue), READINESS_MILLISECONDS),
    Promise.all(config.enabled.map(kindOf)),
    ...names.map((name) => tried(() => lookAt(name), READINESS_MILLISECONDS)),
  ]);
  const found =
    discovery &&
    (discovery === true
      ? READY
      : { ready: false, reason: UNDISCOVERED, detail: discovery.failure });
  const left = leftOut.map((each) => ({ ...each, ready: false }));
  const ready = [storage, ...kinds, ...listed, ...left, ...(found ? [found] : [])].every(
    (finding) => finding.ready,
  );
  return compact({
    ready,
    storage,
    discovery: found,
    vaults: [...names.map((vault, at) => ({ vault, ...(listed[at] ?? READY) })), ...left],
    rotators: kinds,
  });
}

const READY: Finding = { ready: true };
const UNDISCOVERED: Reason = 'undiscovered';

/** Whether it was granted cannot be asked without a wider permission; since when the token could hold it, can. */
async function granted(
  needed: readonly string[],
  graphToken: Probes['graphToken'],
): Promise<Finding> {
  const { permissions, issuedOn } = await graphToken();
  const missing = needed.filter((permission) => !permissions.includes(permission));
  if (missing.length === 0) return READY;
  const detail = `${missing.join(', ')} is not in the token, which was issued on ${issuedOn.toISOString()}.`;
  return { ready: false, reason: 'graph-permission', detail };
}

const passes =
  (...probes: readonly (() => Promise<unknown>)[]) =>
  async () => {
    await Promise.all(probes.map((probe) => probe()));
    return READY;
  };

/** Whoever asks must get an answer: what takes longer counts as failed. */
async function tried(probe: () => Promise<Finding>, milliseconds: number): Promise<Finding> {
  const ended = new AbortController();
  // Real time, also where the clock is a test's: it bounds how long a connection stays open.
  const late = after(milliseconds, undefined, { signal: ended.signal, ref: false }).then(() => {
    throw new BusyError('failed', { detail: `No answer within ${milliseconds / 1000} s.` });
  });
  try {
    return await Promise.race([probe(), late]);
  } catch (error) {
    if (error instanceof KeyturnError)
      return { ready: false, reason: error.reason, detail: error.detail };
    return {
      ready: false,
      reason: 'failed',
      detail: `An unexpected ${error instanceof Error ? error.name : 'error'}.`,
    };
  } finally {
    ended.abort();
  }
}
