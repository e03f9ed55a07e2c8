/** What the functions do, with everything that takes: loaded as a whole by the first call (`onCall.ts`). */
export { health } from './api/health.ts';
export { history } from './api/history.ts';
export { hold } from './api/hold.ts';
export { openapi } from './api/openapi.ts';
export { operation } from './api/operation.ts';
export { operations } from './api/operations.ts';
export { readiness } from './api/readiness.ts';
export { reason, reasons } from './api/reason.ts';
export { revoke } from './api/revoke.ts';
export { rotate } from './api/rotate.ts';
export { secret } from './api/secret.ts';
export { secrets } from './api/secrets.ts';
export { secretEvents } from './events.ts';
export { secretEventsPoison } from './eventsPoison.ts';
export { secretEventsQueue } from './eventsQueue.ts';
export { sweep } from './sweep.ts';
export { work, workPoison } from './work.ts';
