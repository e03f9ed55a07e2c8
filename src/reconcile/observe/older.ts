/** Older versions: which credential each of them has, by its state or its value. */
import { BusyError, KeyturnError } from '../../core/errors.ts';
import type { Handle } from '../../core/ids.ts';
import type { Form } from '../../form/form.ts';
import type { TargetFacts } from '../../ports/rotator.ts';
import { type NamedOlder, type OlderOurs, stateOrNone } from '../../tags/owed.ts';
import type { RotatorState } from '../../tags/state.ts';
import type { BoundSecret } from './observeVault.ts';
import { adoptForm, openAt } from './opened.ts';
import type { TargetRead } from './targetRead.ts';

/** Older versions whose values one pass reads, the newest first: whoever writes a secret makes up to 480 (finding ATK-08). */
const VALUES_MAX = 20;

/**
 * The older versions that still have a credential of their own. Their handles stand in their states, which nobody
 * rewrites; where a state is gone, or the current value names no credential, they are named from their values. Of more than
 * can be read the state counts: what it names stays owed, and the others are named once these are settled.
 */
export async function nameOlder(
  candidates: readonly OlderOurs[],
  { bound, found, live }: { bound: BoundSecret; found: TargetRead; live: Handle | undefined },
): Promise<readonly NamedOlder[]> {
  const copied = statesTwice(bound.versions);
  const isTold = ({ handle, state }: OlderOurs) =>
    handle !== undefined && !copied.has(wordsOf(state));
  const unnamed =
    found.handle === undefined ? candidates : candidates.filter((each) => !isTold(each));
  const newestFirst = [...unnamed].sort(
    (one, other) => other.createdOn.getTime() - one.createdOn.getTime(),
  );
  const read = new Set(newestFirst.slice(0, VALUES_MAX));
  const named = await Promise.all(
    candidates.map(async (each): Promise<NamedOlder[]> => {
      const handle = read.has(each) ? await handleOfOld(each, bound, found) : each.handle;
      const current = found.handle !== undefined && handle === live;
      return handle === undefined || current ? [] : [{ ...each, handle }];
    }),
  );
  return named.flat();
}

/** What a rotation wrote that stands on several versions: somebody has copied tags, to whichever value (finding PRF-03). */
function statesTwice(versions: BoundSecret['versions']): ReadonlySet<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { tags } of versions) {
    const state = stateOrNone(tags);
    if (state?.rot === undefined) continue;
    const words = wordsOf(state);
    (seen.has(words) ? twice : seen).add(words);
  }
  return twice;
}

const wordsOf = ({ rot, cred }: RotatorState): string => `${rot} ${cred}`;

/** By its value; where the target does not know that any more, or it can't be read, as its state says. */
async function handleOfOld(
  { version, handle }: OlderOurs,
  bound: BoundSecret,
  found: TargetRead,
): Promise<Handle | undefined> {
  const old = await oldForm(bound, version, found.target);
  const asItSays = found.handle === undefined ? undefined : handle;
  if (!old) return asItSays;
  return (
    (await adoptForm(old, (value, login) => bound.optIn.target.adopt(value, login))).handle ??
    asItSays
  );
}

/** The value of an older version, opened; undefined where it is disabled or no longer has the form. */
export async function oldForm(
  { vault, secret, optIn }: BoundSecret,
  version: string,
  target: TargetFacts,
): Promise<Form | undefined> {
  const old = await vault.version(secret.name, version);
  if (!old) return undefined;
  try {
    return await openAt(old.value, optIn.wanted, optIn.target, target);
  } catch (error) {
    if (error instanceof KeyturnError && !(error instanceof BusyError)) return undefined;
    throw error;
  }
}
