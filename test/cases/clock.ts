/** The product's clock in the cases: the movable one, which moves by itself while the product sleeps. */
import { setTimeout as pause } from 'node:timers/promises';
import * as movable from '../../local/clock.ts';
import type { Clock } from '../../src/core/clock.ts';

const REAL_MS = 5;

/**
 * A sleep ends when the movable clock has got there. The sleeper who is next moves it after a few real milliseconds, so
 * that side by side two sleeps of 30 s take 30 s, and neither takes real time.
 */
export function movingClock(): Clock {
  const ends: number[] = [];
  return {
    now: () => new Date(movable.now()),
    async sleep(milliseconds) {
      const end = movable.now() + milliseconds;
      ends.push(end);
      while (movable.now() < end) {
        await pause(REAL_MS);
        if (end === Math.min(...ends))
          movable.advance({ seconds: Math.max(0, end - movable.now()) / 1000 });
      }
      ends.splice(ends.indexOf(end), 1);
    },
  };
}
