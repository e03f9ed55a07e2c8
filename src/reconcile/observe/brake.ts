/**
 * Brakes (design section 3): a kind whose rotations fail at five different targets with no success in between stops, but for
 * one probe every 15 minutes; KEYTURN_RATE bounds rotations an hour. Both are shared, so each vault has its share of them:
 * nothing that one team does to its own secrets stops or slows another team's (invariant 9, finding ATK-04).
 */
import { addDays, addMinutes, latest } from '../../core/clock.ts';
import { type SecretRef, targetHash } from '../../core/ids.ts';
import type { Config, Deps } from '../../ports/deps.ts';
import type { FailedRotation } from '../../ports/rows.ts';
import type { Rotate } from '../step.ts';
import { namesOf } from './neighbours.ts';
import type { ObservedBrakes } from './observed.ts';
import type { BoundSecret } from './observeVault.ts';

const TARGETS = 5;
/** So many of the five may come from one vault, for all other vaults: no vault brakes them alone. */
const OF_ONE_VAULT = TARGETS - 1;
export const PROBE_MINUTES = 15;
/** A secret that still fails tries again within a day, so what is older was given up. */
const REMEMBERED_DAYS = 7;
const SKEW_MINUTES = 5;

/** Since when the kind has been braked for the secrets of `vault`: the fifth target failed then. Undefined where it is not. */
export function brakedSince(
  failed: readonly FailedRotation[],
  vault: string,
  now: Date,
): Date | undefined {
  const counted = failed
    .filter(
      ({ since, on }) =>
        on > addDays(now, -REMEMBERED_DAYS) && on <= addMinutes(now, SKEW_MINUTES) && since <= on,
    )
    .sort((one, other) => one.since.getTime() - other.since.getTime());
  const ofVault = new Map<string, Set<string>>();
  const targets = new Map<string, Date>();
  for (const row of counted) {
    const its = ofVault.get(row.vault) ?? new Set<string>();
    ofVault.set(row.vault, its);
    if (row.vault !== vault && its.size >= OF_ONE_VAULT && !its.has(row.target)) continue;
    its.add(row.target);
    if (!targets.has(row.target)) targets.set(row.target, row.since);
  }
  return [...targets.values()][TARGETS - 1];
}

/** Whether the kind is braked for a secret, and when the next probe may go. */
export async function brakeOf(
  type: string,
  { vault }: SecretRef,
  { rows, clock }: Pick<Deps, 'rows' | 'clock'>,
): Promise<Pick<ObservedBrakes, 'braked' | 'probeOn'>> {
  const now = clock.now();
  const since = brakedSince(await rows.failedRotations(type), vault, now);
  if (since === undefined) return { braked: false };
  const probed = await rows.probedOn(type, vault);
  // A time that lies ahead counts for nothing, whoever wrote it (case SEC-07).
  const last = latest(
    since,
    probed && probed <= addMinutes(now, SKEW_MINUTES) ? probed : undefined,
  ) as Date;
  const probeOn = addMinutes(last, PROBE_MINUTES);
  return { braked: now < probeOn, probeOn };
}

/** Heals and what a person asks for are never braked, nor do they use up the rate. */
export const isBraked = ({ reason }: Rotate, requested: boolean): boolean =>
  !requested && reason !== 'value-refused';

/** Remembers that a rotation failed. A secret counts once, whatever targets its writers let its tags name, and a vault's count ends at five. */
export async function noteFailure(
  { secret, optIn }: BoundSecret,
  { rows, clock }: Pick<Deps, 'rows' | 'clock'>,
): Promise<void> {
  const { type } = optIn.rotator;
  const target = targetHash(type, namesOf(optIn.target)[0] ?? optIn.target.id);
  const failed = await rows.failedRotations(type);
  const isOwn = (row: FailedRotation) => row.vault === secret.vault && row.name === secret.name;
  const beside = failed.filter((row) => row.vault === secret.vault && !isOwn(row));
  const own = failed.find(isOwn);
  const others = new Set(beside.map((row) => row.target));
  const now = clock.now();
  if (own === undefined && (others.has(target) || others.size >= TARGETS)) return;
  await rows.saveFailed({
    ...secret,
    type,
    target,
    since: own?.target === target ? own.since : now,
    on: now,
  });
}

/**
 * Whether a vault has used up what it may rotate in this hour. Half of the overall rate is divided evenly among the vaults and
 * kept for each, the other half goes to whoever comes first; where there are more vaults than that, one leaves at least one
 * rotation to all others.
 */
export function isRateUsedUp(
  lately: readonly SecretRef[],
  vault: string,
  { perVault, overall }: Config['rate'],
  vaults: readonly string[],
): boolean {
  const used = new Map<string, number>();
  for (const each of lately) used.set(each.vault, (used.get(each.vault) ?? 0) + 1);
  const own = used.get(vault) ?? 0;
  if (own >= perVault) return true;
  const share = Math.min(perVault, Math.floor(overall / (2 * Math.max(1, vaults.length))));
  if (own < share) return false;
  const others = vaults.filter((each) => each !== vault);
  const kept = others.reduce((sum, each) => sum + Math.max(0, share - (used.get(each) ?? 0)), 0);
  const one = share === 0 && others.length > 0 && overall > 1 && own === lately.length ? 1 : 0;
  return lately.length + kept + one >= overall;
}
