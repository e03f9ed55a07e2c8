/** A path as data: all that can differ between two walks through a world. `words.ts` spells it, `walk.ts` walks it. */
import type { ConfigurationName } from './configurations.ts';
import type { Fate } from './director.ts';
import type { KindName } from './everyKind.ts';
import type { ScenarioName } from './scenarios.ts';

/** What goes wrong at one call, counted from the end of the scenario's preparation. */
export interface Fault {
  readonly fate: Exclude<Fate, 'ok'>;
  /** Counted are writes, or all calls. */
  readonly on: 'write' | 'call';
  readonly number: number;
  /** Of a call that arrives late: how late, where that is not two minutes. */
  readonly minutes?: number;
}

/** What a person does right before a call. */
export interface Act {
  /** A title of `people.ts`. */
  readonly person: string;
  readonly call: number;
  /** Which of the scenario's secrets, from 1; the first where absent. */
  readonly secret?: number;
}

/** How far the clocks of the workers are apart: not at all, by five minutes in two ways, or three ways by two or five. */
export const CLOCKS = ['agree', 'ahead', 'behind', 'near', 'apart'] as const;
export type Clocks = (typeof CLOCKS)[number];

/** In which order passes that run side by side take their turns: the first stops after so many calls, then the second; or by dice. */
export type Order = { readonly first: number; readonly second: number } | 'dice';

/** A worker stands still before this call, while the others go on. */
export interface Freeze {
  readonly call: number;
  readonly minutes: number;
}

export interface Path {
  readonly kind: KindName;
  readonly scenario: ScenarioName;
  readonly configuration: ConfigurationName;
  /** Of all dice in the path. */
  readonly seed: number;
  readonly clocks: Clocks;
  /** So many passes begin at once; 0: one after the other, as they come. */
  readonly passes: 0 | 2 | 3;
  readonly order?: Order;
  readonly freeze?: Freeze;
  readonly faults: readonly Fault[];
  readonly acts: readonly Act[];
  /** Doubled and stale messages, spread by the dice. */
  readonly doubles: number;
  /** Sweeps every hour for sixty hours, before those of every day. */
  readonly hourly: boolean;
  /** Days that are followed after the second. */
  readonly days: number;
  /** The protocol of the common samples instead of Keyturn's. */
  readonly naive: boolean;
}

/** What is not said otherwise. */
export const PLAIN: Path = {
  kind: 'storage',
  scenario: 'one',
  configuration: 'run',
  seed: 1,
  clocks: 'agree',
  passes: 0,
  faults: [],
  acts: [],
  doubles: 0,
  hourly: false,
  days: 3,
  naive: false,
};

export const pathOf = (changes: Partial<Path>): Path => ({ ...PLAIN, ...changes });

/** A fault at a write: the usual one. */
export const at = (fate: Fault['fate'], number: number, minutes?: number): Fault => ({
  ...{ fate, on: 'write', number },
  ...(minutes === undefined ? {} : { minutes }),
});

export const atCall = (fate: Fault['fate'], number: number): Fault => ({
  fate,
  on: 'call',
  number,
});
