/**
 * The end of the worker, as the passes see it (finding HST-06). The host cuts a worker ten seconds after it was told to stop:
 * whoever works then takes no new step and finishes what would otherwise be lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Of the ten seconds: the rest is for the host itself. */
const GRACE_MILLISECONDS = 9_000;

export class Stopping {
  #end = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  /** Aborted once the worker is told to stop. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Counts the work among that which the end waits for. */
  run<T>(work: Promise<T>): Promise<T> {
    const ended: Promise<unknown> = work.then(
      () => this.#running.delete(ended),
      () => this.#running.delete(ended), // whoever called gets the error
    );
    this.#running.add(ended);
    return work;
  }

  /** Tells all that runs, and waits for it, nine seconds at most. */
  async stop(): Promise<void> {
    this.#end.abort();
    await Promise.race([
      Promise.all(this.#running),
      sleep(GRACE_MILLISECONDS, undefined, { ref: false }),
    ]);
  }

  /** A process may start an app again after it stopped one: the local host does. */
  begin(): void {
    if (this.signal.aborted) this.#end = new AbortController();
  }
}
