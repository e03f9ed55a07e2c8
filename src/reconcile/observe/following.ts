/** How far the consumers of a secret have come, by its row: whether one is due, and how long what is owed is kept for them. */
import { addHours, addMinutes, earliest, latest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import type { ConsumerState } from '../../core/statuses.ts';
import type { ConsumerResult, Following } from '../../ports/consumers.ts';
import type { Deps } from '../../ports/deps.ts';
import type { SecretRow } from '../../ports/rows.ts';
import { isOpen, nextOpen } from '../../tags/window.ts';
import { type Observed, type ObservedFollowing, proves } from './observed.ts';

/** Their next look may still change what is known of them, or a person must see to them. */
const OPEN: readonly ConsumerState[] = ['waiting', 'asked', 'failed', 'pinned'];
export const isPending = ({ state }: Pick<ConsumerResult, 'state'>): boolean =>
  OPEN.includes(state);

/** Whoever lost the old credential with the rotation is told of sooner: nothing is left that would open anything for it. */
const NO_OVERLAP_HOURS = 1;
const NAMED_MAX = 3;
/** A request to end the old credential at once waits for one pass of calls, and only while the new version is this young. */
const URGENT_MINUTES = 5;

export type FollowedVersion = Pick<
  Observed,
  | 'version'
  | 'createdOn'
  | 'written'
  | 'proved'
  | 'verdict'
  | 'leaving'
  | 'owed'
  | 'after'
  | 'policy'
  | 'overlap'
  | 'dueOn'
>;

/** Undefined where nobody is to follow: no rotation wrote the version, or the target has not accepted it yet. */
export function followingOf(
  observed: FollowedVersion,
  row: SecretRow | undefined,
  { consumers, clock }: Pick<Deps, 'consumers' | 'clock'>,
): ObservedFollowing | undefined {
  const { written, proved, leaving, verdict } = observed;
  if (!consumers || !written || !(proved || (leaving !== undefined && proves(verdict))))
    return undefined;
  return followingFrom(observed, followingIn(row, observed.version), clock.now());
}

/** What the row has of this very version; of another one it says nothing. */
export const followingIn = (
  row: Pick<SecretRow, 'consumers'> | undefined,
  version: string,
): Following | undefined => (row?.consumers?.version === version ? row.consumers : undefined);

export function followingFrom(
  observed: FollowedVersion,
  found: Following | undefined,
  now: Date,
): ObservedFollowing {
  const { createdOn, policy, owed, overlap } = observed;
  const graceOver = observed.after ?? addHours(createdOn, policy.graceHours);
  // No rotation waits for a consumer of the one before.
  const limit = latest(
    graceOver,
    earliest(addHours(graceOver, policy.graceHours), observed.dueOn),
  ) as Date;
  const pending = found?.consumers.filter(isPending) ?? [];
  const isListed = found?.listedOn !== undefined;
  const nextOn = isListed
    ? earliest(...found.consumers.map((each) => each.nextOn))
    : (found?.nextOn ?? createdOn);
  const waits =
    owed.length > 0 &&
    policy.consumers !== 'tell' &&
    (!isListed || pending.length > 0) &&
    now < limit;
  const lateOn = overlap === 'none' ? addHours(createdOn, NO_OVERLAP_HOURS) : graceOver;
  // A person alone can help where a reference is pinned: the sooner they know, the better.
  const isPinned = pending.some(({ state }) => state === 'pinned');
  const isUnlisted = !isListed && (found?.tries ?? 0) > 0;
  return compact({
    due: nextOn !== undefined && nextOn <= now,
    fresh: found === undefined,
    nextOn,
    limit,
    holdsUntil: waits ? limit : undefined,
    late: isPinned || (now >= lateOn && (isUnlisted || pending.length > 0)),
    detail: inWords(found, pending),
  });
}

function inWords(
  found: Following | undefined,
  pending: readonly ConsumerResult[],
): string | undefined {
  if (found === undefined) return 'Who reads the secret has not been asked yet.';
  if (found.listedOn === undefined)
    return `Who reads the secret is not known: ${found.detail ?? 'there is no list.'}`;
  if (pending.length === 0) return undefined;
  const named = pending.slice(0, NAMED_MAX).map(({ id, state, detail }) => {
    const name = id.split('/providers/').at(-1) ?? id;
    return `${name} (${state}${detail === undefined ? '' : `: ${detail.slice(0, 160)}`})`;
  });
  const more = pending.length > NAMED_MAX ? ` and ${pending.length - NAMED_MAX} more` : '';
  return `Not followed: ${named.join(', ')}${more}.`;
}

/** Whether consumers may be called now. What put the revocation off puts this off, unless their old credential is gone already. */
export function mayFollow({ mode, policy, hold, onHold, overlap }: Observed, now: Date): boolean {
  if (mode === 'observe' || policy.paused) return false;
  if (overlap === 'none') return true;
  if ((hold && now < hold) || (onHold ?? []).length > 0) return false;
  return policy.window === undefined || isOpen(policy.window, now);
}

/** When the next look at a consumer is due; undefined where something else has to end first. */
export function followOn(observed: Observed, now: Date): Date | undefined {
  const { following, policy, overlap } = observed;
  if (following?.nextOn === undefined) return undefined;
  const on = latest(following.nextOn, now) as Date;
  const bounded = policy.window && overlap !== 'none' && !isOpen(policy.window, on);
  const next = bounded && policy.window ? nextOpen(policy.window, on) : on;
  return next > now ? next : undefined;
}

/** Of what is revoked at once: consumers are called first, once. */
export const callsFirst = ({ following, createdOn }: Observed, now: Date): boolean =>
  following?.fresh === true && now < addMinutes(createdOn, URGENT_MINUTES);
