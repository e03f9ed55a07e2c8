/** The entry: one file per trigger. Importing registers them and does nothing else (case FN-01). */
import './api/operation.ts';
import './api/rotate.ts';
import './events.ts';
import './sweep.ts';
import './work.ts';
