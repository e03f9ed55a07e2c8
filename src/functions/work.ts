import { app } from '@azure/functions';
import { appFor } from './context.ts';

/** One message, one pass. Throws only what another try by the host can help. */
app.storageQueue('work', {
  queueName: 'keyturn-work',
  connection: 'AzureWebJobsStorage',
  handler: (message, context) => appFor(context).work(message),
});

/** Where the host puts a message that failed five times: recorded and alerted once (case FN-09). */
app.storageQueue('workPoison', {
  queueName: 'keyturn-work-poison',
  connection: 'AzureWebJobsStorage',
  handler: (message, context) => appFor(context).poison(message),
});
