/** What is owed follows from the older versions, which nobody rewrites: it is derived, never listed. */
import { addHours, latest } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import {
  type Handle,
  type RotationId,
  rotationId,
  type SecretRef,
  type VersionId,
} from '../core/ids.ts';
import type { VersionInfo } from '../ports/vault.ts';
import { type RotatorState, readState } from './state.ts';

/** An older version of ours that is not marked `revoked` and whose credential is not the current one. */
export interface Owed {
  readonly version: VersionId;
  readonly handle: Handle;
}

/** An older version that was current for Keyturn and is not marked `revoked`. */
export interface OlderOurs {
  readonly version: VersionId;
  /** The handle that its state names; undefined where it must be named from the value. */
  readonly handle?: Handle;
  readonly createdOn: Date;
  readonly state: RotatorState;
}

/** One whose handle is known. */
export type NamedOlder = OlderOurs & Owed;

/**
 * Older versions of ours without the mark, in any order (case KV-04). Ours is what carries a state of this target, and
 * what a version of ours says it replaced: its `rot` is derived from the id of that version. So a version whose tags
 * were replaced in the middle of its rotation is still owed; its credential is then named from its value.
 */
export function olderOurs(
  versions: readonly VersionInfo[],
  current: VersionId,
  {
    secret,
    tgt,
    currentRot,
  }: { secret: SecretRef; tgt: string; currentRot: RotationId | undefined },
): readonly OlderOurs[] {
  const states = new Map(versions.map(({ id, tags }) => [id, stateOrNone(tags)]));
  const rotations = new Set(
    [...states.values()].flatMap((state) => (state?.tgt === tgt ? [state.rot] : [])),
  );
  rotations.add(currentRot);
  return versions.flatMap(({ id, createdOn }): OlderOurs[] => {
    if (id === current) return [];
    const state = states.get(id);
    const rotation = rotationId(secret, id);
    const replaced = rotations.has(rotation);
    if (replaced && (state?.tgt !== tgt || state.started !== rotation)) {
      return [
        {
          version: id,
          createdOn,
          state: compact({ tgt, started: rotation, rot: state?.rot }),
        },
      ];
    }
    if (!state || state.tgt !== tgt || state.revoked || state.cred === undefined) return [];
    return [{ version: id, handle: state.cred, createdOn, state }];
  });
}

/** Older versions that still keep credentials of another target: their ids. */
export function owedElsewhere(
  versions: readonly VersionInfo[],
  current: VersionId,
  tgt: string,
): readonly VersionId[] {
  return versions.flatMap(({ id, tags }) => {
    const state = id === current ? undefined : stateOrNone(tags);
    return state?.tgt !== undefined &&
      state.tgt !== tgt &&
      !state.revoked &&
      state.cred !== undefined
      ? [id]
      : [];
  });
}

/**
 * The newest of them. `created` counts whole seconds and lists are unordered, so ties go by the chain: a version
 * whose id another one's `rot` was derived from is the older of the two.
 */
export function newestOf(older: readonly NamedOlder[], secret: SecretRef): NamedOlder | undefined {
  const replaced = new Set(older.map(({ state }) => state.rot));
  const isReplaced = ({ version }: NamedOlder) => replaced.has(rotationId(secret, version));
  return older.reduce<NamedOlder | undefined>((best, each) => {
    if (!best) return each;
    const gap = each.createdOn.getTime() - best.createdOn.getTime();
    return gap > 0 || (gap === 0 && isReplaced(best)) ? each : best;
  }, undefined);
}

/**
 * Handles that a rotation must keep while the current version is not ours: what was current last, and everything whose
 * grace is not over. The time of the others is the latest `after` that any of ours carries.
 */
export function keptBesideDrift(
  older: readonly NamedOlder[],
  newest: NamedOlder | undefined,
  current: { readonly createdOn: Date; readonly graceHours: number },
  now: Date,
): { keep: readonly Handle[]; until?: Date } {
  const others = latest(...older.map(({ state }) => state.after));
  const newestFreeOn = addHours(current.createdOn, current.graceHours);
  const waiting = older.flatMap(({ handle, version }) => {
    const freeOn = version === newest?.version ? newestFreeOn : others;
    return freeOn && now < freeOn ? [{ handle, freeOn }] : [];
  });
  const until = latest(...waiting.map(({ freeOn }) => freeOn));
  return compact({ keep: [...new Set(waiting.map(({ handle }) => handle))], until });
}

/**
 * Rotations that wrote a version after `since`; late twins of one rotation count once. Of a version whose state somebody took away
 * the row alone (`wrote`) still tells that it was one.
 */
export function rotationsSince(
  versions: readonly VersionInfo[],
  since: Date,
  wrote: readonly VersionId[] = [],
): number {
  const rotations = versions.flatMap(({ id, createdOn, tags }) => {
    if (createdOn <= since) return [];
    return stateOrNone(tags)?.rot ?? (wrote.includes(id) ? id : []);
  });
  return new Set(rotations).size;
}

/** A newer release's state on an older version is nothing that this one may act on, and no reason to stop. */
export function stateOrNone(tags: VersionInfo['tags']): RotatorState | undefined {
  try {
    return readState(tags);
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}
