/**
 * Pacing: a mass of looks at one vault's secrets must not stand on the queue before everybody else's. Each vault has its
 * share of what the workers surely do; what goes beyond a burst is hidden for a while, never dropped
 * (docs/decisions/0004-paced-looks.md).
 */
import type { Clock } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import type { SecretRef } from '../core/ids.ts';
import type { Deps } from '../ports/deps.ts';
import type { SecretRow } from '../ports/rows.ts';

/** `served`: looked at before and not refused. `unproven`: everything else, which anybody may make who may write a secret. */
export type Lane = 'served' | 'unproven';

export interface Pace {
  /** Takes the next place of the vault's lane; answers after how many seconds the look is to be seen. */
  delayOf(vault: string, lane: Lane): number;
}

interface Share {
  /** Looks that go at once, and how many a second after that: for all vaults together. */
  readonly burst: number;
  readonly perSecond: number;
  /** A vault's burst is never smaller, however many vaults there are. */
  readonly burstMin: number;
}

/** One worker does some twenty refusals or ten rotations a second (docs/bench.md); several do more. */
const SHARES: Readonly<Record<Lane, Share>> = {
  served: { burst: 1_000, perSecond: 20, burstMin: 100 },
  unproven: { burst: 200, perSecond: 4, burstMin: 20 },
};
/** What is served goes before what is not for so long: a worker does some ten rotations a second. */
const HEAD_START_SECONDS = 0.1;
/** Below the hour after which the sweep comes again: what it queued is worked off by then, or it would be queued twice. */
export const PACED_MINUTES_MAX = 45;
const SPAN_SECONDS = PACED_MINUTES_MAX * 60;

/** A pace for one sweep, or for the events that one process takes in, with `vaults` to share among. */
export function paceOf(clock: Clock, vaults: () => number): Pace {
  /** When the next place of each lane would be, if there was no burst; in seconds. */
  const places = new Map<string, number>();
  let headUntil = 0;

  /** How long what is served has a head start from `now` on; a served look makes it longer. */
  function headStart(now: number, lane: Lane): number {
    if (lane === 'unproven') return Math.max(0, headUntil - now);
    headUntil = Math.min(Math.max(now, headUntil) + HEAD_START_SECONDS, now + SPAN_SECONDS);
    return 0;
  }

  return {
    delayOf(vault, lane) {
      const { burst, perSecond, burstMin } = SHARES[lane];
      const sharers = Math.max(1, vaults());
      const seconds = sharers / perSecond;
      const ahead = Math.max(burstMin, Math.floor(burst / sharers)) * seconds;
      const key = `${lane} ${vault.toLowerCase()}`;
      const now = clock.now().getTime() / 1000;
      const place = Math.max(now, places.get(key) ?? 0);
      const head = headStart(now, lane);
      const wait = Math.max(head, place - now - ahead + seconds);
      if (wait <= SPAN_SECONDS) {
        places.set(key, place + seconds);
        return Math.max(0, Math.ceil(wait));
      }
      // More than fits into the time: from its beginning on they go between those that have their places there.
      places.set(key, now + ahead + seconds);
      return Math.ceil(seconds);
    },
  };
}

/** Which lane a secret's look takes. A row that is lost makes it unproven: later by less than an hour, once. */
export const laneOf = (row: SecretRow | undefined): Lane =>
  row?.lookedOn !== undefined && row.step !== 'refuse' ? 'served' : 'unproven';

/**
 * The delay of an event's look, asked for only where one is queued. The burst serves whoever comes first; beyond it the row
 * tells those that are served from those that anybody may make. Without a table everybody waits, and no event is lost.
 */
export async function eventDelay(
  secret: SecretRef,
  pace: Pace,
  { rows }: Pick<Deps, 'rows'>,
): Promise<number> {
  const delay = pace.delayOf(secret.vault, 'unproven');
  if (delay === 0) return 0;
  try {
    return laneOf(await rows.secret(secret)) === 'served'
      ? pace.delayOf(secret.vault, 'served')
      : delay;
  } catch (error) {
    if (error instanceof KeyturnError) return delay;
    throw error;
  }
}
