/** What can be asked of the queues without touching a message: whether they can be reached, and how long they are. */
import {
  EVENTS_QUEUE,
  fromStorage,
  NOTICES_QUEUE,
  type OwnStorage,
  poisonOf,
  queueClient,
  statusOf,
  WORK_QUEUE,
} from './storage.ts';

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

/**
 * How many messages each poison queue holds. Makes the queues where they are not there: a deployment older than they are has
 * none, and the host asks for them twelve times a minute (finding HST-03).
 */
export function poisonLengths(
  own: OwnStorage,
): () => Promise<readonly { queue: string; messages: number }[]> {
  const clients = [WORK_QUEUE, EVENTS_QUEUE, NOTICES_QUEUE].map((name) =>
    queueClient(own, poisonOf(name)),
  );
  return async () => {
    try {
      return await Promise.all(
        clients.map(async (client) => {
          await client.createIfNotExists();
          const { approximateMessagesCount: messages = 0 } = await client.getProperties();
          return { queue: client.name, messages };
        }),
      );
    } catch (error) {
      throw fromStorage(error);
    }
  };
}
