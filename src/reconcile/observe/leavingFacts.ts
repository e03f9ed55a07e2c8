/** When what is owed ends, by the state that stands on the version and by what people did to it since. */
import { addHours, latest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import type { Handle, RotationId } from '../../core/ids.ts';
import type { TargetFacts } from '../../ports/rotator.ts';
import { type NamedOlder, stateOrNone } from '../../tags/owed.ts';
import type { RotatorState } from '../../tags/state.ts';
import type { ObservedOwed } from './observed.ts';
import type { BoundSecret } from './observeVault.ts';
import { straysOf, strayUntil } from './strays.ts';

/** A copy of our newest version is ours, but what was current before it has its whole grace from the copy on. */
export function afterOf(
  { rot, after }: RotatorState,
  { versions, current, policy }: BoundSecret,
): Date {
  const copied = versions.some(
    ({ id, tags }) => id !== current.id && stateOrNone(tags)?.rot === rot,
  );
  return latest(after, copied ? addHours(current.createdOn, policy.graceHours) : undefined) as Date;
}

interface LeavingFacts {
  readonly target: TargetFacts;
  readonly state: RotatorState | undefined;
  readonly live: Handle | undefined;
  readonly older: readonly NamedOlder[];
  readonly handle: Handle | undefined;
  readonly placeholder: boolean;
  readonly issuedBy: readonly RotationId[];
}

/**
 * What ends for a secret that was opted out, and when. Where its current version is Keyturn's, the time is the one that
 * stands on it; where a person has stored another one since, what that one replaced has its whole grace from then on.
 */
export function leavingFacts(
  bound: BoundSecret,
  facts: LeavingFacts,
): Pick<ObservedOwed, 'after' | 'strayUntil'> {
  const { current, versions, policy } = bound;
  const { target, state, live, older, handle, placeholder, issuedBy } = facts;
  const graceEnds = addHours(current.createdOn, policy.graceHours);
  const others = versions.map(({ tags }) => stateOrNone(tags)?.after);
  const after =
    state?.rot === undefined ? latest(graceEnds, ...others) : state.after && afterOf(state, bound);
  const kept = [live, ...older.map((each) => each.handle)];
  const told = handle !== undefined || placeholder;
  const strays = straysOf({ target, versions, current: current.id, kept, told, issuedBy });
  const until = strayUntil(strays, policy.graceHours);
  const owes = older.length > 0 || stateOrNone(current.tags)?.after !== undefined;
  return compact({
    after: after && owes ? after : undefined,
    strayUntil: until,
  });
}
