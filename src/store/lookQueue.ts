/** The work queue. */
import { type Clock, systemClock } from '../core/clock.ts';
import { Look } from '../core/look.ts';
import type { LookQueue } from '../ports/queue.ts';
import { HIDDEN_SECONDS_MAX, lookMarks } from './marks.ts';
import { ownQueue } from './ownQueue.ts';
import { type OwnStorage, WORK_QUEUE } from './storage.ts';

/** The queue of looks, made on first use. */
export function lookQueue(own: OwnStorage, clock: Clock = systemClock): LookQueue {
  const put = ownQueue(own, WORK_QUEUE);
  const marks = lookMarks(own, clock);
  const send = (look: Look, delaySeconds: number): Promise<Date> =>
    put(Look.parse(look), delaySeconds);

  return {
    async put(look, delaySeconds = 0) {
      await send(look, delaySeconds);
    },
    async offer(look, turn = () => Promise.resolve(0)) {
      const place = await marks.claim(look);
      if (place === undefined) return false;
      const { version: _, ...whole } = look;
      const delaySeconds = Math.max(place.delaySeconds, Math.min(await turn(), HIDDEN_SECONDS_MAX));
      // A later look stands for events about any version, so it names none: it must not end as superseded.
      const visibleOn = await send(delaySeconds > 0 ? whole : look, delaySeconds);
      if (delaySeconds > 0) await place.queued(visibleOn);
      return true;
    },
  };
}
