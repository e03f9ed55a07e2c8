/** The place in the index of a secret of whose target only the hash is known, by the state on its current version. */
import { type Tags, tagOf, targetHash } from '../core/ids.ts';
import { stateOrNone } from './owed.ts';

/** Where the index has those of whose target only the hash is known, from the state on their current version. */
export const hashedTarget = (tgt: string): string => `tgt:${tgt}`;

export const isHashed = (target: string): boolean => target.startsWith('tgt:');

/**
 * The place of a secret whose tags no longer name the target that its state is about: its readers use that credential
 * all the same, and once the table was lost only the state tells. Undefined where tags and state agree.
 */
export function formerTarget(tags: Tags, target: string | undefined): string | undefined {
  const tgt = stateOrNone(tags)?.tgt;
  const type = (tagOf(tags, 'rotator') ?? '').trim().toLowerCase();
  const agrees = tgt === undefined || (target !== undefined && targetHash(type, target) === tgt);
  return agrees ? undefined : hashedTarget(tgt);
}
