/** The queue of notices: base64 JSON, as the host expects it, and messages that never expire. */
import { DeliveryBody } from '../core/noticeBody.ts';
import type { Delivery, NoticeQueue } from '../ports/notices.ts';
import { fromStorage, NOTICES_QUEUE, type OwnStorage, onFirstUse, queueClient, statusOf } from './storage.ts';

const SECONDS_HIDDEN_MAX = 7 * 24 * 3600;
const NEVER_EXPIRES = -1;
/** A pass holds locks of 90 s while it tells, and what is not handed on now stays with the secret's row. */
const QUICK = { tries: 2, seconds: 5 } as const;

/** Made on first use. */
export function noticeQueue(own: OwnStorage): NoticeQueue {
  const client = queueClient(own, NOTICES_QUEUE, QUICK);
  const ready = onFirstUse(() => client.createIfNotExists());

  async function put(delivery: Delivery, delaySeconds: number): Promise<void> {
    await ready();
    const text = Buffer.from(JSON.stringify(DeliveryBody.parse(delivery))).toString('base64');
    const visibilityTimeout = Math.min(Math.max(Math.ceil(delaySeconds), 0), SECONDS_HIDDEN_MAX);
    const send = () => client.sendMessage(text, { messageTimeToLive: NEVER_EXPIRES, visibilityTimeout });
    try {
      await send().catch(async (error: unknown) => {
        if (statusOf(error) !== 404) throw error;
        await client.createIfNotExists(); // somebody deleted it under the running app (finding SRV-10)
        await send();
      });
    } catch (error) {
      throw fromStorage(error);
    }
  }

  return {
    send: (notice) => put({ notice, tries: 0 }, 0),
    again: put,
  };
}
