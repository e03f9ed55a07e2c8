/** The work queue (azure-facts 9.5): base64 JSON, as the host expects it, and messages that never expire. */
import { Look } from '../core/look.ts';
import { fromStorage, type OwnStorage, onFirstUse, queueClient, WORK_QUEUE } from './storage.ts';
import type { LookQueue } from './store.ts';

/** The service hides a message for at most 7 days; the sweep queues again what is due later. */
const SECONDS_HIDDEN_MAX = 7 * 24 * 3600;
/** With the default of 7 days, a message hidden that long would expire in the second it becomes visible. */
const NEVER_EXPIRES = -1;

/** The queue of looks, made on first use. */
export function lookQueue(own: OwnStorage, name: string = WORK_QUEUE): LookQueue {
  const client = queueClient(own, name);
  const ready = onFirstUse(() => client.createIfNotExists());
  return {
    async put(look, delaySeconds = 0) {
      await ready();
      const text = Buffer.from(JSON.stringify(Look.parse(look))).toString('base64');
      const visibilityTimeout = Math.min(Math.max(Math.ceil(delaySeconds), 0), SECONDS_HIDDEN_MAX);
      try {
        await client.sendMessage(text, { messageTimeToLive: NEVER_EXPIRES, visibilityTimeout });
      } catch (error) {
        throw fromStorage(error);
      }
    },
  };
}
