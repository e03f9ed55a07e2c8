/** Who decides what goes wrong: every fault, pause and action of a person in a path comes from a director. */

/** What a simulated call is about: enough to choose a fault for it and to print the path. */
export interface Op {
  /** Counts the calls of the whole path from 1. */
  readonly at: number;
  /** Counts the writes to vault and target, and to the app's own storage, from 1; 0 for a read. */
  readonly write: number;
  readonly name: string;
  readonly kind: 'read' | 'write';
  /** Vault and target are Azure's; rows, locks and queue are the app's own storage. */
  readonly place: 'azure' | 'own';
  readonly process: number;
}

export type Fate =
  | 'ok'
  /** The worker is killed before, or right after, the call took effect. */
  | 'crash-before'
  | 'crash-after'
  /** The worker is killed with the call on its way, which arrives when the director says (`lateMinutes`). */
  | 'crash-late'
  /** The answer is lost; the write was applied, is applied two minutes later, or never. */
  | 'drop'
  | 'drop-late'
  | 'drop-never'
  /** A definite refusal. */
  | 'unavailable'
  | 'refuse';

export interface Director {
  fate(op: Op): Fate;
  /** Minutes for which the worker stands still before this call, while others go on. */
  pauseMinutes?(op: Op): number;
  /** How late a call arrives that is late; two minutes unless said otherwise. */
  lateMinutes?(op: Op): number;
  /** How far the clock of a worker is off. */
  skewMinutes?(process: number): number;
  /** Called before each call: a person may act. */
  person?(op: Op): void;
}

export const nothingWrong: Director = { fate: () => 'ok' };

/** Given fates at given writes; everything else goes well. */
export function at(fates: ReadonlyMap<number, Fate>): Director {
  return { fate: (op) => (op.write > 0 ? (fates.get(op.write) ?? 'ok') : 'ok') };
}

/** A small seeded generator (mulberry32): a seed replays its path. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
