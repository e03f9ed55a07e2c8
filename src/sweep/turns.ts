/**
 * The looks that a sweep found, put on the queue in turns: one of each vault, so that no vault's mass stands before the
 * others; first what is served, of that what expires or is due first, then the rest, slowly: while a mass is put, the storage
 * serves those that are already at work. Rotations an hour are bounded: the order decides who gets one.
 */
import { setTimeout } from 'node:timers/promises';
import { earliest } from '../core/clock.ts';
import type { SecretRef } from '../core/ids.ts';
import type { SecretRow } from '../ports/rows.ts';
import type { SecretItem } from '../ports/vault.ts';
import { type Lane, laneOf } from './pace.ts';

export interface WaitingLook extends SecretRef {
  readonly lane: Lane;
  /** Its expiry, or when it is due; what has neither comes last. */
  readonly by: number;
}

/** More than wait so are put without waiting for the rest, in the order of the list: a few MB at most. */
const WAITING_MAX = 20_000;
/** Puts side by side: the queue answers in some milliseconds, and there may be thousands. */
const SIDE_BY_SIDE = 5;
/** Of what is not served, so many are put before a pause: at most 200 a second, since they wait for minutes anyway (`pace`). */
const BEFORE_PAUSE = 50;
const PAUSE_MILLISECONDS = 250;

/** What the order needs to know of an item of the list and the row of its last look. */
export const waitingLook = (
  ref: SecretRef,
  item: Pick<SecretItem, 'expiresOn'>,
  row: SecretRow | undefined,
): WaitingLook => ({
  ...ref,
  lane: laneOf(row),
  by: earliest(item.expiresOn, row?.view?.dueOn)?.getTime() ?? Number.POSITIVE_INFINITY,
});

export class Turns {
  readonly #put: (look: WaitingLook) => Promise<void>;
  readonly #pause: () => Promise<void>;
  #waiting: WaitingLook[] = [];

  /** `put` is called in the order of the turns. */
  constructor(
    put: (look: WaitingLook) => Promise<void>,
    pause = () => setTimeout(PAUSE_MILLISECONDS),
  ) {
    this.#put = put;
    this.#pause = pause;
  }

  /** Waits until there is room. */
  async add(look: WaitingLook): Promise<void> {
    this.#waiting.push(look);
    if (this.#waiting.length >= WAITING_MAX) await this.flush();
  }

  /** Puts all that wait. Rejects with what a `put` threw first, after those under way have ended. */
  async flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    await this.#putServed(inTurns(waiting.filter(({ lane }) => lane === 'served')));
    let put = 0;
    for (const look of inTurns(waiting.filter(({ lane }) => lane !== 'served'))) {
      await this.#put(look);
      put += 1;
      if (put % BEFORE_PAUSE === 0) await this.#pause();
    }
  }

  async #putServed(turns: Iterable<WaitingLook>): Promise<void> {
    const worker = async () => {
      for (const look of turns) await this.#put(look);
    };
    const ends = await Promise.allSettled(Array.from({ length: SIDE_BY_SIDE }, worker));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}

/** One of each vault in turn. */
function* inTurns(waiting: readonly WaitingLook[]): Generator<WaitingLook> {
  const vaults = [...Map.groupBy(waiting, ({ vault }) => vault).values()];
  for (const found of vaults) found.sort(inOrder);
  for (
    let turn = 0, left = vaults;
    left.length > 0;
    turn += 1, left = left.filter(({ length }) => length > turn)
  ) {
    for (const found of left) if (found[turn]) yield found[turn] as WaitingLook;
  }
}

function inOrder(one: WaitingLook, other: WaitingLook): number {
  return one.by < other.by ? -1 : Number(one.by > other.by);
}
