/** Tells what was seen, with the tenant's time, and ends the run where something that must come does not. */
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 25;

/** The demonstration did not go as it must; the message says what was missing. */
export class StoryError extends Error {}

export class Teller {
  readonly #print: (line: string) => void;
  readonly #stopped: AbortSignal;

  constructor(print: (line: string) => void, stopped: AbortSignal) {
    this.#print = print;
    this.#stopped = stopped;
  }

  /** One line, after the time of the movable clock in UTC. */
  say(text: string): void {
    this.#print(`${new Date().toISOString().slice(0, 19).replace('T', ' ')}  ${text}`);
  }

  /** A line that nothing happened for: a heading, a command to paste. */
  plain(text = ''): void {
    this.#print(text);
  }

  /** Looks again and again until there is something to see. Counts real seconds: the movable clock may jump meanwhile. */
  async until<T>(what: string, seconds: number, look: () => T | undefined | false): Promise<T> {
    const endMs = performance.now() + seconds * 1000;
    for (;;) {
      this.#stopped.throwIfAborted();
      const seen = look();
      if (seen !== undefined && seen !== false) return seen;
      if (performance.now() > endMs) throw new StoryError(`Not seen within ${seconds} s: ${what}.`);
      await sleep(POLL_MS);
    }
  }

  /** Waits for work that tells its end itself. */
  async within<T>(what: string, seconds: number, work: Promise<T>): Promise<T> {
    let end: { value: T } | { error: unknown } | undefined;
    work.then(
      (value) => {
        end = { value };
      },
      (error: unknown) => {
        end = { error };
      },
    );
    const seen = await this.until(what, seconds, () => end);
    if ('error' in seen) throw seen.error;
    return seen.value;
  }

  /** For what is either so or a fault: nothing to wait for. */
  must(what: string, seen: boolean): void {
    if (!seen) throw new StoryError(`Not as it must be: ${what}.`);
  }
}
