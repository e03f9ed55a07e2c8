import type { StorageQueueHandler } from '@azure/functions';
import { appFor } from './context.ts';

/** One notice to whoever it is for. Throws only what another try by the host can help. */
export const notices: StorageQueueHandler = (message, context) => appFor(context).notice(message);

/** A message that failed five times and was moved here by the host: recorded and alerted. */
export const noticesPoison: StorageQueueHandler = (message, context) =>
  appFor(context).poisonNotice(message);
