import type { StorageQueueHandler } from '@azure/functions';
import { fromEventMessage } from '../api/inbox/event.ts';
import { isSkip } from '../api/inbox/skip.ts';
import { appFor } from './context.ts';

/**
 * The door for private networks: Event Grid delivers to a queue of the app's own account where it can't push to a
 * function. Same parser, same skips; it throws only what another try by the host can help (case EG-08), and a list that
 * comes again is mostly served by the looks of its first coming.
 */
export const secretEventsQueue: StorageQueueHandler = async (message, context) => {
  const keyturn = appFor(context);
  if (await keyturn.isUnreadable('keyturn-events', message)) return;
  for (const look of fromEventMessage(message, await keyturn.vaults())) {
    if (isSkip(look)) keyturn.skip('event skipped', look);
    else await keyturn.accept(look);
  }
};
