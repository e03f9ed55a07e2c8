/**
 * Which rotation has begun to replace the current value and is not known to have ended (finding PRF-04). What it issued may be
 * all that the target takes by now, so the next pass goes on with it.
 */
import { rotationId, type VersionId } from '../../core/ids.ts';
import type { Secret } from '../../core/secret.ts';
import type { Begun } from '../../ports/rows.ts';
import type { VersionInfo } from '../../ports/vault.ts';
import { stateOrNone } from '../../tags/owed.ts';
import type { RotatorState } from '../../tags/state.ts';
import type { BoundSecret } from './observeVault.ts';

/** Values of older versions that are compared at most. */
const COMPARED_MAX = 3;

/** The one that has begun to replace the current version. */
export const begunOn = (bound: BoundSecret): Begun | undefined =>
  markOn(bound, bound.current, bound.state);

/** By its tag, or where an apply has wiped that, by the row. */
function markOn(
  { secret, tgt, row }: BoundSecret,
  { id, updatedOn }: VersionInfo,
  state: RotatorState | undefined,
): Begun | undefined {
  const rotation = rotationId(secret, id);
  if (state?.tgt === tgt && state.started === rotation) return { tgt, rotation, on: updatedOn };
  return row?.begun?.tgt === tgt && row.begun.rotation === rotation ? row.begun : undefined;
}

/**
 * The one that had begun to replace an older version whose value somebody has written back since: the target knows neither that
 * value nor its writer. Reads values; asked only of a value that the target does not know.
 */
export async function begunBefore(
  bound: BoundSecret,
  value: Secret,
  valueIn: (version: VersionId) => Promise<Secret | undefined>,
): Promise<Begun | undefined> {
  const { current, versions } = bound;
  const stored = new Set(versions.map(({ tags }) => stateOrNone(tags)?.rot));
  const candidates = versions.flatMap((version) => {
    const begun =
      version.id === current.id ? undefined : markOn(bound, version, stateOrNone(version.tags));
    return begun === undefined || stored.has(begun.rotation) ? [] : [{ ...version, begun }];
  });
  const newestFirst = candidates.sort(
    (one, other) => other.createdOn.getTime() - one.createdOn.getTime(),
  );
  for (const { id, begun } of newestFirst.slice(0, COMPARED_MAX))
    if ((await valueIn(id))?.equals(value)) return begun;
  return undefined;
}
