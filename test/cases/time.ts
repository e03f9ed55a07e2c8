/** Time in the cases: sweeps, the clock, and waiting for what the product does. */
import { setTimeout as pause } from 'node:timers/promises';
import * as clock from '../../local/clock.ts';
import type { Host } from '../../local/host/host.ts';
import type { OwnStorage } from './ownStorage.ts';

type Span = Parameters<typeof clock.advance>[0];
const HOUR_MS = 3_600_000;
/** What takes longer hangs, on a machine however busy. */
const HANGS_MS = 300_000;

export class Time {
  readonly host: Host;
  readonly own: OwnStorage;

  constructor(host: Host, own: OwnStorage) {
    this.host = host;
    this.own = own;
  }

  /** One run of the timer, to its end; what it queued is worked off by `settle`. Throws what the function throws. */
  async sweep(): Promise<void> {
    await this.host.invoke('sweep');
  }

  /** Moves the clock, `sweepEvery` hours at a time with a sweep and its looks after each; without it in one jump. */
  async advance(by: Span, { sweepEvery }: { sweepEvery?: number } = {}): Promise<void> {
    if (sweepEvery === undefined) return clock.advance(by);
    const { days = 0, hours = 0, minutes = 0, seconds = 0 } = by;
    const end =
      clock.now() + days * 24 * HOUR_MS + hours * HOUR_MS + minutes * 60_000 + seconds * 1000;
    while (clock.now() < end) {
      clock.advance({ seconds: Math.min(sweepEvery * HOUR_MS, end - clock.now()) / 1000 });
      await this.sweepAndSettle();
    }
  }

  /** Sweeps, and works off what that queued. */
  async sweepAndSettle(seconds?: number): Promise<void> {
    await this.sweep();
    await this.settle(seconds);
  }

  /**
   * Moves the clock to `on`, with sweeps 24.5 h, 24 h and 1 h before: every slot has its place in an index that is fresh,
   * and what came due on the way has been done. The daily look after the first of them falls between the last and `on`,
   * never on a sweep: whether that one finds it due must not be decided by milliseconds.
   */
  async goTo(on: Date): Promise<void> {
    for (const hoursBefore of [24.5, 24, 1]) {
      const seconds = (on.getTime() - hoursBefore * HOUR_MS - clock.now()) / 1000;
      if (seconds > 0) clock.advance({ seconds });
      await this.sweepAndSettle();
    }
    clock.advance({ seconds: Math.max(0, on.getTime() - clock.now()) / 1000 });
  }

  /**
   * Waits until nothing runs and the queues are empty; what is hidden becomes visible as the clock is moved, in steps, by
   * at most `seconds`. Answers how many messages are left for later. A delay scripted in Azure is not waited out.
   */
  async settle(seconds = 90): Promise<number> {
    const end = clock.now() + seconds * 1000;
    for (let step = 1, before = 0; ; step = Math.min(step * 2, 15)) {
      await this.host.drain();
      const isOver = clock.now() >= end;
      // What waits is nearly always a look: the other queues are asked once that one is empty, or at the end.
      const looks = isOver ? 0 : await this.own.waiting('keyturn-work');
      const waiting = looks > 0 ? looks : await this.own.waiting();
      if (waiting === 0 || isOver) return waiting;
      if (waiting !== before) step = 1;
      before = waiting;
      clock.advance({ seconds: Math.min(step, (end - clock.now()) / 1000) });
    }
  }

  /** Waits in real time until `found` answers something. */
  async until<T>(
    what: string,
    found: () => T | undefined | false | Promise<T | undefined | false>,
  ): Promise<T> {
    const start = performance.now();
    while (performance.now() - start < HANGS_MS) {
      const answer = await found();
      if (answer !== undefined && answer !== false) return answer;
      await pause(5);
    }
    throw new Error(`Waited in vain for ${what}.`);
  }
}
