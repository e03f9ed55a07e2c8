/** The entry: one file per trigger. Importing registers them and does nothing else (case FN-01). */
import './api/health.ts';
import './api/history.ts';
import './api/openapi.ts';
import './api/operation.ts';
import './api/readiness.ts';
import './api/rotate.ts';
import './api/secret.ts';
import './api/secrets.ts';
import './events.ts';
import './eventsQueue.ts';
import './sweep.ts';
import './work.ts';
