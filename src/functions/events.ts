import type { EventGridHandler } from '@azure/functions';
import { fromEvent } from '../api/inbox/event.ts';
import { isSkip } from '../api/inbox/skip.ts';
import { appFor } from './context.ts';

/**
 * Validates, enqueues and answers: whatever vault and target are doing, Event Grid waits 30 s at most (case EG-03). An
 * exception would bring the event back for a day, so only "could not put it on the queue" is one (case EG-08).
 */
export const secretEvents: EventGridHandler = async (event, context) => {
  const keyturn = appFor(context);
  const look = fromEvent(event, await keyturn.vaults());
  if (isSkip(look)) keyturn.skip('event skipped', look);
  else await keyturn.accept(look);
};
