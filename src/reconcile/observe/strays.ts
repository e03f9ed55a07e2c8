/** What Keyturn made at a target that takes many, and what stands in no version (case GR-02). */
import { addHours, addMinutes, latest } from '../../core/clock.ts';
import type { Handle, RotationId, VersionId } from '../../core/ids.ts';
import type { Labelled, TargetFacts } from '../../ports/rotator.ts';
import type { VersionInfo } from '../../ports/vault.ts';
import { stateOrNone } from '../../tags/owed.ts';

/** Clocks of target and app may be this far apart (design section 2). */
export const SKEW_MINUTES = 5;

/** When what was found may be removed: older than the grace, by the target's clock. */
export const strayUntil = (strays: readonly Labelled[], graceHours: number): Date | undefined => {
  const youngest = latest(...strays.map(({ createdOn }) => createdOn));
  return youngest && addMinutes(addHours(youngest, graceHours), 2 * SKEW_MINUTES);
};

interface Strays {
  readonly target: TargetFacts;
  readonly versions: readonly VersionInfo[];
  readonly current: VersionId;
  /** Handles in use. */
  readonly kept: readonly (Handle | undefined)[];
  /** Whether it is known for certain which of them the current value is. */
  readonly told: boolean;
  /** Rotations that never got as far as to store: what they issued is younger than the current value, and never was one. */
  readonly issuedBy: readonly RotationId[];
}

/** What carries this secret's label at a target that takes many, and stands in no version. */
export function straysOf({
  target,
  versions,
  current,
  kept,
  told,
  issuedBy,
}: Strays): readonly Labelled[] {
  // A list without the current version is not the whole list: it proves nothing (azure-facts 2.4).
  if (!target.labelled || !versions.some(({ id }) => id === current)) return [];
  const named = new Set<Handle | undefined>([
    ...versions.map(({ tags }) => stateOrNone(tags)?.cred),
    ...kept,
  ]);
  const unnamed = target.labelled.filter(({ handle }) => !named.has(handle));
  // Nor does anything else while it is unclear which of them the current value is: its state may be lost (case SEC-04).
  return told
    ? unnamed
    : unnamed.filter(({ rotation }) => rotation !== undefined && issuedBy.includes(rotation));
}
