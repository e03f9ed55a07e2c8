/** How long a pass stays with a credential that exists nowhere but in it. */
import type { Deps } from '../../ports/deps.ts';
import type { Stay } from '../../ports/rotator.ts';
import { type Acting, renewAll } from './acting.ts';

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
async function nap(
  milliseconds: number,
  { clock, stop }: Pick<Deps, 'clock' | 'stop'>,
): Promise<void> {
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
