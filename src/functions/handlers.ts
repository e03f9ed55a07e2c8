/** What the functions do, with everything that takes: loaded as a whole by the first call (`onCall.ts`). */

export { secretEvents } from './events.ts';
export { secretEventsPoison } from './eventsPoison.ts';
export { secretEventsQueue } from './eventsQueue.ts';
export { http } from './http.ts';
export { notices, noticesPoison } from './noticesQueue.ts';
export { sweep } from './sweepTimer.ts';
export { work, workPoison } from './work.ts';
