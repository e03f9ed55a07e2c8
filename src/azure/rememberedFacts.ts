/** Facts of a vault that one part of a pass has read, for another that would ask for the same: no request more. */
import { addMinutes, type Clock } from '../core/clock.ts';
import type { Arm } from './arm.ts';

const MINUTES_KEPT = 10;
const KEPT_MAX = 1_000;

/** `get` always asks; `lately` gives what it brought in the last ten minutes, and asks where that is nothing. */
export function rememberedFacts(
  arm: Pick<Arm, 'get'>,
  clock: Clock,
): Pick<Arm, 'get'> & { readonly lately: Arm['get'] } {
  const kept = new Map<string, { readonly body: unknown; readonly until: Date }>();
  const get: Arm['get'] = async (path, query, doing) => {
    const body = await arm.get(path, query, doing);
    kept.delete(path); // so that the oldest stands first
    kept.set(path, { body, until: addMinutes(clock.now(), MINUTES_KEPT) });
    for (const oldest of kept.keys()) if (kept.size > KEPT_MAX) kept.delete(oldest);
    return body;
  };
  return {
    get,
    async lately(path, query, doing) {
      const known = kept.get(path);
      return known && clock.now() < known.until ? known.body : await get(path, query, doing);
    },
  };
}
