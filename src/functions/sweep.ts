import { app } from '@azure/functions';
import { appFor } from './context.ts';

/** Finds what is due or owed, with or without events. May run twice or late, so it keeps nothing (case FN-06). */
app.timer('sweep', {
  // Read by the host from the app settings.
  schedule: '%KEYTURN_SWEEP_SCHEDULE%',
  runOnStartup: false,
  handler: (_timer, context) => appFor(context).sweep(),
});
