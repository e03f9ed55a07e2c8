/** Timer triggers by the movable clock. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Registered } from './core.ts';
import { type Cron, parseCron } from './cron.ts';
import type { Invoker, Trigger } from './invoke.ts';

/** How often the clock is looked at: it may jump. */
const tickMs = 200;
/** The host calls a run past due when it could not start it in time. */
const pastDueMs = 60_000;

/** Runs one timer function on its schedule until stopped. Runs of one timer never overlap; missed times become one run. */
export class TimerListener {
  readonly #registered: Registered;
  readonly #invoker: Invoker;
  readonly #cron: Cron;
  readonly #stopped = new AbortController();
  #last: Date | undefined;
  #next: Date;
  #started = false;

  constructor(registered: Registered, schedule: string, invoker: Invoker) {
    this.#registered = registered;
    this.#invoker = invoker;
    this.#cron = parseCron(schedule);
    this.#next = this.#cron.next(new Date());
  }

  start(runOnStartup: boolean): void {
    this.#started = true;
    void this.#watch(runOnStartup);
  }

  /** True when its time has come and the run has not begun yet. */
  get isDue(): boolean {
    return this.#started && !this.#stopped.signal.aborted && new Date() >= this.#next;
  }

  /** No run begins after this; one that is under way goes on. */
  stop(): void {
    this.#stopped.abort();
  }

  async #watch(runOnStartup: boolean): Promise<void> {
    if (runOnStartup) await this.#attempt(false);
    while (!this.#stopped.signal.aborted) {
      const now = new Date();
      if (now >= this.#next) {
        const late = now.getTime() - this.#next.getTime() > pastDueMs;
        this.#last = now;
        this.#next = this.#cron.next(now);
        await this.#attempt(late);
      }
      await sleep(tickMs, undefined, { ref: false });
    }
  }

  /** A failed run is in the log already (the invoker wrote it); the schedule goes on, as on the host. */
  async #attempt(isPastDue: boolean): Promise<void> {
    await this.#invoker.run(this.#registered, this.trigger(isPastDue)).catch(() => undefined);
  }

  /** What the handler is given. The host keeps no status for schedules under one minute (azure-facts 9.5). */
  trigger(isPastDue: boolean): Trigger {
    const between = this.#cron.next(this.#next).getTime() - this.#next.getTime();
    const status = {
      Last: this.#last ?? new Date(0),
      Next: this.#next,
      LastUpdated: this.#last ?? new Date(0),
    };
    const info = {
      Schedule: { AdjustForDST: true },
      ScheduleStatus: between < 60_000 ? null : status,
      IsPastDue: isPastDue,
    };
    return { data: { json: JSON.stringify(info) } };
  }
}
