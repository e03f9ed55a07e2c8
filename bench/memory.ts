import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Memory of this process in MB: the most that was resident, and the most that was in use on the heap when looked at. Under
 * `--expose-gc` garbage is collected before each look, so that the heap is what is really held.
 */
export function watchMemory(): () => { rssMB: number; heapMB: number } {
  let heap = 0;
  const look = () => {
    globalThis.gc?.();
    heap = Math.max(heap, process.memoryUsage().heapUsed);
  };
  const timer = setInterval(look, globalThis.gc ? 50 : 10).unref();
  return () => {
    look();
    clearInterval(timer);
    return { rssMB: process.resourceUsage().maxRSS / 1024, heapMB: heap / 2 ** 20 };
  };
}

/** What is held on the heap now, in MB: garbage is collected first. */
export function heldMB(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
