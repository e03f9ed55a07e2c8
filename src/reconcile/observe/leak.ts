/**
 * What a leak changes in a look (design section 3, "Leaked"): who keeps the same credential, and where the next one comes from. A
 * grace that still runs keeps nobody out: what others merely owe is theirs to lose, as what the secret itself owes is.
 */
import { addMinutes } from '../../core/clock.ts';
import type { Grant } from '../../core/grants.ts';
import type { Handle } from '../../core/ids.ts';
import type { Form } from '../../form/form.ts';
import type { Deps } from '../../ports/deps.ts';
import { stateOrNone } from '../../tags/owed.ts';
import type { Asked, Claim } from '../step.ts';
import { claimOn, type Neighbour, neighboursAt } from './neighbours.ts';
import type { Observation } from './observation.ts';
import { oldForm } from './older.ts';
import { sourceFor } from './source.ts';

/** What a join wants a slot to be younger than its own version, and a second more: the vault counts whole ones. */
const SLACK_MINUTES = 5 + 1 / 60;

/** The neighbours by what they keep now, without what they owe. */
export const keptNow = (neighbours: readonly Neighbour[]): readonly Neighbour[] =>
  neighbours.map((each) => ({ ...each, owes: [] }));

/** The look, as a leak has it. */
export async function withLeak(
  seen: Observation,
  asked: Asked | undefined,
  grants: readonly Grant[],
  deps: Deps,
): Promise<Observation> {
  if (!asked?.leaked) return seen;
  const { observed, optIn, secret, target } = seen;
  const now = deps.clock.now();
  const neighbours = keptNow(await neighboursAt(secret, { ...optIn, facts: target }, grants, deps));
  const blocked = new Map<string, Claim>();
  for (const { version, handle } of observed.owed) {
    const claim = claimOn(handle, now, neighbours);
    if (claim && !(await isGone(seen, await oldForm(seen, version, target))))
      blocked.set(version, claim);
  }
  // Any slot that a rotation issued is better than the one that leaked; where both did, what was issued since that was said. A join
  // wants five minutes more, for clocks that differ; here a new key follows the request within seconds.
  const createdOn =
    asked.leaked === 'both' ? addMinutes(asked.askedOn ?? now, -SLACK_MINUTES) : new Date(0);
  const keep = observed.live === undefined ? [] : [observed.live];
  const source = sourceFor(
    { createdOn, keep },
    { overlap: optIn.rotator.overlap, readable: optIn.target.read !== undefined },
    target.handles,
    neighbours,
    now,
  );
  return { ...seen, observed: { ...observed, blocked, source, nowSource: source } };
}

/**
 * Whether the slot of an old value has another one by now: whoever keeps that loses nothing by what is still to be marked. Of targets
 * alone that show their values, where this is certain.
 */
export const isGone = async (
  { optIn: { target } }: Observation,
  old: Form | undefined,
): Promise<boolean> =>
  old !== undefined &&
  target.read !== undefined &&
  (await target.adopt(old.bare, old.login)) === undefined;

/** The credential that leaked: that of the version which was current when it was said. */
export function leakedHandle(
  { observed, versions }: Observation,
  version: string,
): Handle | undefined {
  if (observed.version === version) return observed.live;
  const found = versions.find(({ id }) => id === version);
  return found && stateOrNone(found.tags)?.cred;
}

/** Those who keep the same credential for certain. */
export async function besides(
  seen: Observation,
  handle: Handle | undefined,
  grants: readonly Grant[],
  deps: Deps,
): Promise<readonly Neighbour[]> {
  if (handle === undefined) return [];
  const { secret, optIn, target } = seen;
  const neighbours = await neighboursAt(secret, { ...optIn, facts: target }, grants, deps);
  return neighbours.filter((each) => each.handle === handle);
}
