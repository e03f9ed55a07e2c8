/**
 * Opting out ends rotations, not obligations (design section 4): a secret whose tag `rotator` is gone or `none` is read as
 * long as it owes something, and what it owes is revoked under the consent that stands. What it was bound to is told by
 * the older versions, which nobody rewrites; the row is but a hint, compared with the state's hash like everything else.
 */
import { KeyturnError } from '../core/errors.ts';
import { rotationId, type SecretRef, type Tags, tagOf, targetHash, withTag } from '../core/ids.ts';
import type { Config, Registry } from '../ports/deps.ts';
import type { SecretRow } from '../ports/rows.ts';
import type { VersionInfo } from '../ports/vault.ts';
import { isOptedIn, type OptIn, optInTags, readOptIn, slotTargetOf } from './optIn.ts';
import { olderOurs, stateOrNone } from './owed.ts';
import type { RotatorState } from './state.ts';

interface Known {
  readonly secret: SecretRef;
  readonly versions: readonly VersionInfo[];
  /** The current version and its state. */
  readonly current: string;
  readonly state: RotatorState | undefined;
}

/**
 * Hashes of the targets at which something may be left to do, by the tags alone; those of the newest versions first. Empty
 * where nothing is: then the secret is its owner's alone.
 */
export function targetsLeft({ secret, versions, current, state }: Known): readonly string[] {
  const newestFirst = [...versions].sort(
    (one, other) => other.createdOn.getTime() - one.createdOn.getTime(),
  );
  const states = newestFirst.map(({ id, tags }) => ({
    id,
    state: id === current ? state : stateOrNone(tags),
  }));
  const stored = new Set(states.map((each) => each.state?.rot));
  const isBegun = (tgt: string) =>
    states.some(({ id, state: each }) => {
      const rotation = rotationId(secret, id);
      return each?.tgt === tgt && each.started === rotation && !stored.has(rotation);
    });
  // Which of them the current value is, only the target tells: a state may have been copied.
  const isOwing = (tgt: string) =>
    olderOurs(versions, current, { secret, tgt, currentRot: state?.rot }).length > 0;
  const targets = [...new Set(states.flatMap((each) => each.state?.tgt ?? []))];
  const isDated = (tgt: string) =>
    versions.some(({ id, tags }) => id === current && isDue(stateOrNone(tags), tgt)); // the tag, not what the row remembers
  return targets.filter((tgt) => isDated(tgt) || isOwing(tgt) || isBegun(tgt));
}

const isDue = (state: RotatorState | undefined, tgt: string): boolean =>
  state?.tgt === tgt && state.after !== undefined;

/** What bound the secret to its target before it was opted out, and the tags that say so. */
export interface Former {
  readonly optIn: OptIn;
  readonly tags: Tags;
}

/**
 * The opt-in whose target has this hash: of the newest version that carries one, else as the last look had it. Throws
 * `kind-off` or `bad-tags` as for a secret that is opted in, and `still-owed` where nothing names the target any more.
 */
export function formerOptIn(
  tgt: string,
  { secret, versions, tags }: Pick<Known, 'secret' | 'versions'> & { readonly tags: Tags },
  row: SecretRow | undefined,
  {
    rotators,
    config,
  }: { readonly rotators: Registry; readonly config: Pick<Config, 'sampleVaults' | 'enabled'> },
): Former {
  const newestFirst = [...versions].sort(
    (one, other) => other.createdOn.getTime() - one.createdOn.getTime(),
  );
  const carried = newestFirst.map((each) => optInTags(each.tags, secret, config)).filter(isOptedIn);
  const { rotator, target } = row?.view ?? {};
  const seen =
    rotator === undefined || target === undefined ? [] : [{ rotator, 'rotator-target': target }];
  // Its options may have moved with the value's form: those of today are tried first.
  const options = tagOf(tags, 'rotator-options');
  const ofToday =
    options === undefined
      ? []
      : [...carried, ...seen].map((each) => withTag(each, OPTIONS, options));
  const isIt = (each: Tags) => {
    const id = slotTargetOf(each, secret, rotators);
    return (
      id !== undefined &&
      targetHash((tagOf(each, 'rotator') ?? '').trim().toLowerCase(), id) === tgt
    );
  };
  const found = [...ofToday, ...carried, ...seen].find(isIt);
  if (!found) throw new KeyturnError('still-owed', { detail: NOWHERE });
  return { optIn: readOptIn(found, secret, rotators, config.enabled), tags: found };
}

const OPTIONS = 'rotator-options';
const NOWHERE =
  'The secret was opted out, and no version says any more at which target: what its older versions keep there must be taken away by hand.';
