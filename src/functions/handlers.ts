/** What the functions do, with everything that takes: loaded as a whole by the first call (`onCall.ts`). */

export { hold } from './api/holdSecret.ts';
export { operations } from './api/listOperations.ts';
export { secrets } from './api/listSecrets.ts';
export { revoke } from './api/revokeOwed.ts';
export { rotate } from './api/rotateSecret.ts';
export { health } from './api/showHealth.ts';
export { history } from './api/showHistory.ts';
export { openapi } from './api/showOpenapi.ts';
export { operation } from './api/showOperation.ts';
export { readiness } from './api/showReadiness.ts';
export { reason, reasons } from './api/showReason.ts';
export { secret } from './api/showSecret.ts';
export { secretEvents } from './events.ts';
export { secretEventsPoison } from './eventsPoison.ts';
export { secretEventsQueue } from './eventsQueue.ts';
export { sweep } from './sweepTimer.ts';
export { work, workPoison } from './work.ts';
