import type { StorageQueueHandler } from '@azure/functions';
import { fromEventMessage } from '../api/inbox/event.ts';
import { appFor } from './context.ts';

/**
 * A message of `keyturn-events` that failed five times and was moved here by the host: recorded and alerted once, and what
 * can be read of it is queued all the same. Throws when the queue of looks is not reached; the host then tries again, since
 * a poison queue has none of its own.
 */
export const secretEventsPoison: StorageQueueHandler = async (message, context) => {
  const keyturn = appFor(context);
  if (await keyturn.isUnreadable('keyturn-events-poison', message)) return;
  await keyturn.poisonEvents(fromEventMessage(message, await keyturn.vaults()));
};
