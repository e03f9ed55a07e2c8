import type { StorageQueueHandler } from '@azure/functions';
import { appFor } from './context.ts';

/** One message, one pass. Throws only what another try by the host can help. */
export const work: StorageQueueHandler = (message, context) => appFor(context).work(message);

/** A message that failed five times and was moved here by the host: recorded and alerted once (case FN-09). */
export const workPoison: StorageQueueHandler = (message, context) =>
  appFor(context).poison(message);
