/**
 * The entry: which functions there are and what starts them. Importing registers them and does nothing else (case FN-01);
 * what they do is loaded with the first call.
 */
import { app } from '@azure/functions';
import { registerLifetime } from './lifetime.ts';
import { onCall, onRequest } from './onCall.ts';

/** Own storage, with the identity that the host's settings name. */
const connection = 'AzureWebJobsStorage';
const SECRET = 'vaults/{vault}/secrets/{name}';

registerLifetime();
app.eventGrid('secretEvents', { handler: onCall(({ secretEvents }) => secretEvents) });
app.storageQueue('secretEventsQueue', {
  ...{ queueName: 'keyturn-events', connection },
  handler: onCall(({ secretEventsQueue }) => secretEventsQueue),
});
app.storageQueue('secretEventsPoison', {
  ...{ queueName: 'keyturn-events-poison', connection },
  handler: onCall(({ secretEventsPoison }) => secretEventsPoison),
});
app.storageQueue('work', { ...{ queueName: 'keyturn-work', connection }, handler: onCall(({ work }) => work) });
// Where the host puts a message that failed five times.
app.storageQueue('workPoison', {
  ...{ queueName: 'keyturn-work-poison', connection },
  handler: onCall(({ workPoison }) => workPoison),
});
app.timer('sweep', {
  schedule: '%KEYTURN_SWEEP_SCHEDULE%', // read by the host from the app settings
  runOnStartup: false,
  handler: onCall(({ sweep }) => sweep),
});

app.http('health', { ...http('GET', 'health'), handler: onRequest(({ health }) => health) });
app.http('history', { ...http('GET', `${SECRET}/history`), handler: onRequest(({ history }) => history) });
app.http('hold', { ...http('POST', `${SECRET}/hold`), handler: onRequest(({ hold }) => hold) });
app.http('openapi', { ...http('GET', 'openapi.json'), handler: onRequest(({ openapi }) => openapi) });
app.http('operation', { ...http('GET', 'operations/{id}'), handler: onRequest(({ operation }) => operation) });
app.http('operations', { ...http('GET', 'operations'), handler: onRequest(({ operations }) => operations) });
app.http('readiness', { ...http('GET', 'readiness'), handler: onRequest(({ readiness }) => readiness) });
app.http('reason', { ...http('GET', 'reasons/{code}'), handler: onRequest(({ reason }) => reason) });
app.http('reasons', { ...http('GET', 'reasons'), handler: onRequest(({ reasons }) => reasons) });
app.http('revoke', { ...http('POST', `${SECRET}/revoke`), handler: onRequest(({ revoke }) => revoke) });
app.http('rotate', { ...http('POST', `${SECRET}/rotate`), handler: onRequest(({ rotate }) => rotate) });
app.http('secret', { ...http('GET', SECRET), handler: onRequest(({ secret }) => secret) });
app.http('secrets', { ...http('GET', 'secrets'), handler: onRequest(({ secrets }) => secrets) });

/** Open to all on the way in: tokens are checked in code, since a function key says nothing about who calls (design section 6). */
function http(method: 'GET' | 'POST', route: string) {
  return { methods: [method], authLevel: 'anonymous' as const, route };
}
