import { setFlagsFromString } from 'node:v8';

/**
 * From now on V8 collects garbage sooner instead of taking more memory, so that the footprint follows what is held and not
 * how long a sweep or a burst of events lasts. Costs CPU time, which a service that waits for others has (figures:
 * docs/bench.md), so it is called when all is loaded. At run time, since a Functions app has no say in its worker's arguments.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--optimize-for-size');
}
