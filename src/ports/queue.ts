/** The queue of looks. */
import type { Look } from '../core/look.ts';

export interface LookQueue {
  /** Puts a look on the queue, visible after `delaySeconds`. */
  put(look: Look, delaySeconds?: number): Promise<void>;
  /**
   * Puts the look of an event, at most one per secret and minute: at once, or at the end of a minute that had its look.
   * Answers false when a look waits already that no pass can have begun: that one sees what the event tells of. `turn` is
   * asked where a look is put: the seconds until its vault's turn, an hour at most.
   */
  offer(look: Look, turn?: () => Promise<number>): Promise<boolean>;
}
