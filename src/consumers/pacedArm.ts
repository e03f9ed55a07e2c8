/**
 * What is asked about consumers, spread: that the provider of sites has a limit of its own is not known, so that there is a second between
 * two calls of this process (facts-after F1.3).
 */
import type { BriefArm } from '../azure/briefArm.ts';
import type { Clock } from '../core/clock.ts';

const SPACING_MILLISECONDS = 1_000;
/** Calls of many passes at once wait for each other, but none for longer than this. */
const WAIT_MILLISECONDS_MAX = 5_000;

export function pacedArm(arm: BriefArm, clock: Clock): BriefArm {
  let free = 0;
  const turn = async (): Promise<void> => {
    const now = clock.now().getTime();
    const wait = Math.min(Math.max(0, free - now), WAIT_MILLISECONDS_MAX);
    free = now + wait + SPACING_MILLISECONDS;
    if (wait > 0) await clock.sleep(wait);
  };
  return {
    async get(path, query, doing) {
      await turn();
      return await arm.get(path, query, doing);
    },
    async ask(query, body, doing) {
      await turn();
      return await arm.ask(query, body, doing);
    },
    async post(path, query, doing) {
      await turn();
      await arm.post(path, query, doing);
    },
  };
}
