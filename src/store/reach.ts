/** Whether the work queue can be reached: for health and readiness, which must not put a message. */
import { fromStorage, type OwnStorage, queueClient, statusOf, WORK_QUEUE } from './storage.ts';

/** Resolves when the queue service answers for us; a queue that is not there yet is made when it is first used. */
export function queueReach(own: OwnStorage): () => Promise<void> {
  const client = queueClient(own, WORK_QUEUE);
  return async () => {
    try {
      await client.getProperties();
    } catch (error) {
      if (statusOf(error) !== 404) throw fromStorage(error);
    }
  };
}
