/** What stands before every write: the locks are ours, and the version is still the one that was looked at. */
import { type Tags, tagOf } from '../../core/ids.ts';
import type { Version } from '../../ports/vault.ts';
import { Stopped } from '../observe/observeVault.ts';
import { type Acting, renewAll } from './acting.ts';

/** The tags that say what is rotated: three of Keyturn's, and the one of Microsoft's sample. */
const OPT_IN_TAGS = ['rotator', 'rotator-target', 'rotator-options', 'provideraddress'];

/**
 * Called immediately before every write: renews the locks and reads the current version again. Another version, a
 * disabled one or another opt-in ends the pass. Answers the version as it is now, for merging the tags.
 */
export async function guard(acting: Acting): Promise<Version> {
  const { vault, secret, current } = acting.seen;
  await renewAll(acting);
  const now = await vault.current(secret.name);
  if (now === 'gone' || now === 'disabled') throw new Stopped('skip', now);
  if (now.id !== current.id || !sameOptIn(now.tags, current.tags))
    throw new Stopped('skip', 'superseded');
  return now;
}

const sameOptIn = (left: Tags, right: Tags): boolean =>
  OPT_IN_TAGS.every((name) => tagOf(left, name) === tagOf(right, name));
