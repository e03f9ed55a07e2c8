/** What is owed follows from the older versions, which nobody rewrites: it is derived, never listed. */
import { addHours, latest } from '../core/clock.ts';
import { type Handle, rotationId, type SecretRef, type VersionId } from '../core/ids.ts';
import type { VersionInfo } from '../vault/vault.ts';
import { readState, type State } from './state.ts';
import type { Owed } from './types.ts';

/** An older version that carries a state of this target and is not marked `revoked`. */
export interface OlderOurs extends Owed {
  readonly createdOn: Date;
  readonly state: State;
}

/** Older versions of ours with a credential and without the mark. The list may come in any order (case KV-04). */
export function olderOurs(versions: readonly VersionInfo[], current: VersionId, tgt: string): readonly OlderOurs[] {
  return versions.flatMap(({ id, tags, createdOn }) => {
    const state = id === current ? undefined : stateOrNone(tags);
    if (!state || state.tgt !== tgt || state.revoked || state.cred === undefined) return [];
    return [{ version: id, handle: state.cred, createdOn, state }];
  });
}

/** Older versions that still hold credentials of another target: their ids. */
export function owedElsewhere(versions: readonly VersionInfo[], current: VersionId, tgt: string): readonly VersionId[] {
  return versions.flatMap(({ id, tags }) => {
    const state = id === current ? undefined : stateOrNone(tags);
    return state?.tgt !== undefined && state.tgt !== tgt && !state.revoked && state.cred !== undefined ? [id] : [];
  });
}

/**
 * The newest of them. `created` counts whole seconds and lists are unordered, so ties go by the chain: a version
 * whose id another one's `rot` was derived from is the older of the two.
 */
export function newestOf(older: readonly OlderOurs[], secret: SecretRef): OlderOurs | undefined {
  const replaced = new Set(older.map(({ state }) => state.rot));
  const isReplaced = ({ version }: OlderOurs) => replaced.has(rotationId(secret, version));
  return older.reduce<OlderOurs | undefined>((best, each) => {
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
  older: readonly OlderOurs[],
  newest: OlderOurs | undefined,
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
  return { keep: [...new Set(waiting.map(({ handle }) => handle))], ...(until ? { until } : {}) };
}

/** Rotations that wrote a version after `since`; late twins of one rotation count once. */
export function rotationsSince(versions: readonly VersionInfo[], since: Date): number {
  const rotations = versions.flatMap(({ createdOn, tags }) => {
    const rot = createdOn > since ? stateOrNone(tags)?.rot : undefined;
    return rot === undefined ? [] : [rot];
  });
  return new Set(rotations).size;
}

/** A newer release's state on an older version is nothing that this one may act on, and no reason to stop. */
function stateOrNone(tags: VersionInfo['tags']): State | undefined {
  try {
    return readState(tags);
  } catch {
    return undefined;
  }
}
