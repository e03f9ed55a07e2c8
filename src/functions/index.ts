/**
 * The entry: which functions there are and what starts them. Importing registers them and does nothing else (case FN-01);
 * what they do is loaded with the first call.
 */
import { app } from '@azure/functions';
import { routes } from '../api/routes.ts';
import { registerLifetime } from './lifetime.ts';
import { onCall, onRequest } from './onCall.ts';

/** Own storage, with the identity that the host's settings name. */
const connection = 'AzureWebJobsStorage';

registerLifetime();
app.eventGrid('secretEvents', { handler: onCall(({ secretEvents }) => secretEvents) });
app.storageQueue('secretEventsQueue', {
  queueName: 'keyturn-events',
  connection,
  handler: onCall(({ secretEventsQueue }) => secretEventsQueue),
});
app.storageQueue('secretEventsPoison', {
  queueName: 'keyturn-events-poison',
  connection,
  handler: onCall(({ secretEventsPoison }) => secretEventsPoison),
});
app.storageQueue('work', {
  queueName: 'keyturn-work',
  connection,
  handler: onCall(({ work }) => work),
});
// Where the host puts a message that failed five times.
app.storageQueue('workPoison', {
  queueName: 'keyturn-work-poison',
  connection,
  handler: onCall(({ workPoison }) => workPoison),
});
app.storageQueue('notices', {
  queueName: 'keyturn-notices',
  connection,
  handler: onCall(({ notices }) => notices),
});
app.storageQueue('noticesPoison', {
  queueName: 'keyturn-notices-poison',
  connection,
  handler: onCall(({ noticesPoison }) => noticesPoison),
});
app.timer('sweep', {
  schedule: '%KEYTURN_SWEEP_SCHEDULE%', // read by the host from the app settings
  runOnStartup: false,
  handler: onCall(({ sweep }) => sweep),
});

// Open to all on the way in: tokens are checked in code, since a function key says nothing about who calls (design section 6).
for (const { name, method, path } of routes)
  app.http(name, {
    methods: [method],
    authLevel: 'anonymous',
    route: path,
    handler: onRequest(({ http }) => http(name)),
  });
