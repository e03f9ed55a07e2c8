/** What acting shares: the two locks, the guard before every write, and what the pass leaves in the rows. */

import { type Tags, tagOf, type VersionId } from '../../core/ids.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Lock } from '../../ports/locks.ts';
import type { Stay } from '../../ports/rotator.ts';
import type { Begun, SecretRow } from '../../ports/rows.ts';
import type { Version } from '../../ports/vault.ts';
import { Stopped } from '../observe/bind.ts';
import type { Seen } from '../observe/observeTarget.ts';

export interface Acting {
  readonly seen: Seen;
  readonly deps: Deps;
  /** Secret first, then target. */
  readonly locks: readonly Lock[];
  /** The pass serves a person's request about the current version. */
  readonly requested: boolean;
  /** Somebody who asked will want to know when the target refused the old value: it is tried once it is revoked. */
  readonly followed: boolean;
  /** When it was refused, by version. */
  readonly refusedOn: Map<VersionId, Date>;
  /** Set once the rotation's mark stands on the version: from then on the next pass goes on with it. */
  marked?: Begun;
  /** The target was changed: a credential is there that only this pass knows. */
  issued?: boolean;
}

/** What a step changes in the secret's row, beyond the outcome itself. */
export type RowChange = { [K in keyof SecretRow]?: SecretRow[K] | undefined };

/** The tags that say what is rotated: three of Keyturn's, and the one of Microsoft's sample. */
const OPT_IN_TAGS = ['rotator', 'rotator-target', 'rotator-options', 'provideraddress'];

/** Renews both locks; throws `LockLostError` when one was taken. */
export async function renewAll({ locks }: Pick<Acting, 'locks'>): Promise<void> {
  for (const lock of locks) await lock.renew();
}

/** How long a pass stays with a credential that exists nowhere but in it (design section 3). */
const STAY_MINUTES = 15;
/** Locks last 90 s and are renewed after every nap. */
const NAP_SECONDS_MAX = 30;

/** Of the ten seconds that a worker has to end: the rest is for the store, or for what is to be taken away again. */
const STOPPED_SECONDS = 4;

/**
 * Lets a rotator wait within the pass: sleeps in naps and renews the locks after each, until the time is up. When the worker
 * is told to stop, the time is up some seconds later.
 */
export function stayer(acting: Acting): Stay {
  const { clock, stop } = acting.deps;
  let end = clock.now().getTime() + STAY_MINUTES * 60_000;
  let told = false;
  const isUp = () => {
    const now = clock.now().getTime();
    if (stop?.aborted && !told) end = Math.min(end, now + STOPPED_SECONDS * 1000);
    told ||= stop?.aborted === true;
    return now >= end;
  };
  return async (seconds) => {
    if (seconds <= 0 || isUp()) await renewAll(acting);
    for (let left = seconds; left > 0 && !isUp(); left -= NAP_SECONDS_MAX) {
      const most = told ? Math.min(left, STOPPED_SECONDS) : left;
      await nap(Math.min(most, NAP_SECONDS_MAX) * 1000, acting.deps);
      await renewAll(acting);
    }
    return !isUp();
  };
}

/** Sleeps; the word to stop wakes it. */
async function nap(milliseconds: number, { clock, stop }: Pick<Deps, 'clock' | 'stop'>): Promise<void> {
  if (!stop || stop.aborted) return await clock.sleep(milliseconds);
  const woken = Promise.withResolvers<void>();
  const wake = () => woken.resolve();
  stop.addEventListener('abort', wake);
  try {
    await Promise.race([clock.sleep(milliseconds), woken.promise]);
  } finally {
    stop.removeEventListener('abort', wake);
  }
}

/**
 * Called immediately before every write: renews the locks and reads the current version again. Another version, a
 * disabled one or another opt-in ends the pass. Answers the version as it is now, for merging the tags.
 */
export async function guard(acting: Acting): Promise<Version> {
  const { vault, secret, current } = acting.seen;
  await renewAll(acting);
  const now = await vault.current(secret.name);
  if (now === 'gone' || now === 'disabled') throw new Stopped('skip', now);
  if (now.id !== current.id || !sameOptIn(now.tags, current.tags)) throw new Stopped('skip', 'superseded');
  return now;
}

const sameOptIn = (left: Tags, right: Tags): boolean =>
  OPT_IN_TAGS.every((name) => tagOf(left, name) === tagOf(right, name));
