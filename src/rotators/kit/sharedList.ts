/** One list of a target's keys for all that a look asks of it, so that Azure is not asked for the same thing three times a second. */
import type { Clock } from '../../core/clock.ts';

/** The calls of a target that may be answered from a list which another call has read. */
export type Question = 'adopt' | 'check';

/** No answer is older than this, whatever came between. */
const SECONDS_MAX = 10;

/**
 * What `inspect` has read answers the next `adopt` and the next `check`; what an `adopt` has read, the next `check`: each
 * once, and soon. Whoever asks the same again wants to know what is true by now, as the pass does right before it revokes,
 * and gets a list that was read for it. Whatever else is read (before a write, after one, for a value) ends the sharing.
 * One for each target that is bound, and so for each pass.
 */
export class SharedList<List> {
  readonly #read: () => Promise<List>;
  readonly #clock: Clock;
  #kept:
    | { readonly list: List; readonly askedOn: number; readonly open: Set<Question> }
    | undefined;
  #reads = 0;

  constructor(read: () => Promise<List>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  /**
   * Reads now.
   *
   * @param questions that this list may answer once each, beside what it is read for
   */
  async fresh(...questions: readonly Question[]): Promise<List> {
    this.#kept = undefined;
    this.#reads += 1;
    const turn = this.#reads;
    const askedOn = this.#now();
    const list = await this.#read();
    // Overtaken by another read, it may be older than a write.
    if (turn === this.#reads) this.#kept = { list, askedOn, open: new Set(questions) };
    return list;
  }

  async for(question: Question): Promise<List> {
    const kept = this.#kept;
    if (kept?.open.delete(question)) {
      const seconds = (this.#now() - kept.askedOn) / 1000;
      if (seconds >= 0 && seconds <= SECONDS_MAX) return kept.list;
    }
    return question === 'adopt' ? this.fresh('check') : this.fresh();
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}
