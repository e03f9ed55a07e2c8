/** The work queue (azure-facts 9.5): base64 JSON, as the host expects it, and messages that never expire. */
import { type Clock, systemClock } from '../core/clock.ts';
import { Look } from '../core/look.ts';
import type { LookQueue } from '../ports/queue.ts';
import { HIDDEN_SECONDS_MAX, lookMarks } from './marks.ts';
import { fromStorage, type OwnStorage, onFirstUse, queueClient, statusOf, WORK_QUEUE } from './storage.ts';

/** The service hides a message for at most 7 days; the sweep queues again what is due later. */
const SECONDS_HIDDEN_MAX = 7 * 24 * 3600;
/** With the default of 7 days, a message hidden that long would expire in the second it becomes visible. */
const NEVER_EXPIRES = -1;

/** The queue of looks, made on first use. */
export function lookQueue(own: OwnStorage, clock: Clock = systemClock): LookQueue {
  const client = queueClient(own, WORK_QUEUE);
  const ready = onFirstUse(() => client.createIfNotExists());
  const marks = lookMarks(own, clock);

  /** Answers when the message can be seen, by the service's time. */
  async function send(look: Look, delaySeconds: number): Promise<Date> {
    await ready();
    const text = Buffer.from(JSON.stringify(Look.parse(look))).toString('base64');
    const visibilityTimeout = Math.min(Math.max(Math.ceil(delaySeconds), 0), SECONDS_HIDDEN_MAX);
    const put = () => client.sendMessage(text, { messageTimeToLive: NEVER_EXPIRES, visibilityTimeout });
    try {
      const sent = await put().catch(async (error: unknown) => {
        if (statusOf(error) !== 404) throw error;
        // Somebody deleted the queue under the running app (finding SRV-10).
        await client.createIfNotExists();
        return await put();
      });
      return sent.nextVisibleOn;
    } catch (error) {
      throw fromStorage(error);
    }
  }

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
