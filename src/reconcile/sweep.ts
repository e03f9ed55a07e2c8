/**
 * The sweep: lists every vault, finds the opted-in secrets that need attention and queues a look for each; it is what
 * serves a vault without events, and what makes the index of targets complete. Reads no values.
 */
import { addDays } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import { type SecretRef, type Tags, tagOf } from '../core/ids.ts';
import type { HolderRow, SecretRow } from '../store/store.ts';
import type { SecretItem, Vault } from '../vault/vault.ts';
import type { Deps } from './deps.ts';
import { isOptedIn } from './optIn.ts';

export interface SweepReport {
  readonly vaults: number;
  readonly secrets: number;
  readonly optedIn: number;
  readonly queued: number;
  /** Vaults that could not be listed from end to end; they keep their rows. */
  readonly unlisted: readonly string[];
  readonly optInLost: readonly string[];
}

/** Vaults listed side by side: enough for speed, few enough to stay far below the throttle (azure-facts 2.6). */
const SIDE_BY_SIDE = 5;

/** One sweep over all vaults. May overlap another: looks are hints, and marks only say what was listed (case FN-06). */
export async function sweep(deps: Deps): Promise<SweepReport> {
  const total = { vaults: 0, secrets: 0, optedIn: 0, queued: 0, unlisted: [] as string[], optInLost: [] as string[] };
  const waiting = [...deps.vaults.names];
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const vault = deps.vaults.open(name);
      if (vault) await sweepOne(vault, total, deps);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  deps.log('info', 'swept', { ...total, unlisted: total.unlisted.join(','), optInLost: total.optInLost.length });
  return total;
}

type Total = {
  -readonly [K in keyof SweepReport]: SweepReport[K] extends readonly string[] ? string[] : SweepReport[K];
};

async function sweepOne(vault: Vault, total: Total, deps: Deps): Promise<void> {
  const startedOn = deps.clock.now();
  total.vaults++;
  try {
    const rows = new Map((await deps.rows.secretsOf(vault.name)).map((row) => [row.name, row]));
    const holders = await deps.rows.holdersOf(vault.name);
    const listed = new Set<string>();
    for await (const page of vault.list()) {
      for (const item of page) {
        listed.add(item.name.toLowerCase());
        await sweepItem(vault, item, { rows, holders, total }, deps);
      }
    }
    await forgetGone(holders, listed, deps);
    await deps.rows.markSwept(vault.name, startedOn);
    if ((await deps.rows.failuresOf(sweepOf(vault.name))) > 0) await deps.rows.setFailures(sweepOf(vault.name), 0);
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    total.unlisted.push(vault.name);
    // Keyturn's own table did not answer: nothing is wrong with the vault, and the next sweep comes within the hour.
    if (error.reason === 'storage-busy')
      deps.log('warn', 'sweep broken off', { vault: vault.name, reason: error.reason });
    else await alertOnce(vault, error, deps);
  }
}

/** One alert until the vault has been listed again; the record of every sweep names it anyway (case UA-4). */
async function alertOnce({ name }: Vault, { reason, detail, facts }: KeyturnError, deps: Deps): Promise<void> {
  const failures = await deps.rows.failuresOf(sweepOf(name));
  await deps.rows.setFailures(sweepOf(name), failures + 1);
  if (failures > 0) return;
  deps.log('error', 'alert', { vault: name, reason, detail, status: facts.status, code: facts.code });
}

const sweepOf = (vault: string): string => `sweep-${vault}`;

interface Known {
  readonly rows: ReadonlyMap<string, SecretRow>;
  readonly holders: readonly HolderRow[];
  readonly total: Total;
}

async function sweepItem(vault: Vault, item: SecretItem, { rows, holders, total }: Known, deps: Deps): Promise<void> {
  const ref: SecretRef = { vault: vault.name, name: item.name.toLowerCase() };
  const row = rows.get(ref.name);
  total.secrets++;
  if (!isOptedIn(item.tags)) {
    if (row?.view) await optInLost(ref, row, total, deps);
    return;
  }
  total.optedIn++;
  const target = targetOf(item.tags, deps);
  const holder = holders.find((each) => each.name === ref.name && each.target === target);
  // The row of a former target stays until the secret is gone: its readers may still use what it held there.
  if (target !== undefined && !holder) await deps.rows.saveHolder({ ...ref, target, owes: [] });
  const slotUnknown = target !== undefined && holder?.handle === undefined;
  if (!needsLook(item, row, slotUnknown, deps)) return;
  await deps.queue.put({ ...ref, cause: 'sweep' });
  total.queued++;
}

/** New to us, changed since the last look, its next look is due, or nobody knows which slot it holds. */
function needsLook(item: SecretItem, row: SecretRow | undefined, slotUnknown: boolean, deps: Deps): boolean {
  if (!item.enabled || item.managed) return false;
  // What waits for the index is looked at with the sweep that completes it, and with the next one.
  if (!row?.lookedOn || row.reason === 'index') return true;
  if (row.nextLookOn && row.nextLookOn <= deps.clock.now()) return true;
  if (row.seenUpdatedOn?.getTime() !== item.updatedOn.getTime()) return true;
  if (overdue(item, row.lookedOn, deps)) return true;
  // Its last look found no slot; until it is asked again others count it as holding every one.
  return slotUnknown && row.step !== 'refuse';
}

/** Whatever the row says of the next look, a secret near its expiry is looked at daily and any other weekly. */
function overdue({ expiresOn }: SecretItem, lookedOn: Date, { clock }: Deps): boolean {
  const now = clock.now();
  const near = expiresOn !== undefined && expiresOn <= addDays(now, 30);
  return lookedOn <= addDays(now, near ? -1 : -7);
}

/**
 * The target by its canonical id, also where the kind is off or options and policy do not parse: the secret's readers use
 * the slot all the same. Undefined where the tags name no target; the look will say so.
 */
function targetOf(tags: Tags, { rotators }: Deps): string | undefined {
  const rotator = rotators.get((tagOf(tags, 'rotator') ?? '').trim().toLowerCase());
  if (rotator?.overlap !== 'two-slots') return undefined;
  try {
    return rotator.bind({ target: (tagOf(tags, 'rotator-target') ?? '').trim(), options: {} }).id;
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

/** A new version came without the tag that the former one had: nobody would notice before the expiry (case KV-01). */
async function optInLost(ref: SecretRef, row: SecretRow, total: Total, deps: Deps): Promise<void> {
  total.optInLost.push(`${ref.vault}/${ref.name}`);
  if (row.alert?.split(',').includes('opt-in-lost')) return;
  deps.log('error', 'alert', { ...ref, reason: 'opt-in-lost' });
  await deps.rows.saveSecret({ ...row, alert: 'opt-in-lost', view: { owed: [], ...row.view, state: 'opt-in-lost' } });
}

async function forgetGone(holders: readonly HolderRow[], listed: ReadonlySet<string>, deps: Deps): Promise<void> {
  for (const holder of holders) if (!listed.has(holder.name)) await deps.rows.dropHolder(holder);
}
