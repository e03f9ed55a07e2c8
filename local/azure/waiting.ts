/** Waiting by the movable clock: real time passes as usual, and a jump of the clock ends a wait early. */
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../clock.ts';

const POLL_MS = 20;

/** Resolves when `milliseconds` have passed on the movable clock; rejects with the signal's reason. */
export async function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  const end = now() + milliseconds;
  while (now() < end)
    await sleep(Math.max(1, Math.min(POLL_MS, end - now())), undefined, { ref: false, signal });
}
