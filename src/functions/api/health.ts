import type { HttpHandler } from '@azure/functions';
import { answer } from '../../http/problem.ts';
import { appFor } from '../context.ts';

/** Whether the app can work, for a probe without a token: 200 or 503 and not a word more. */
export const health: HttpHandler = async (_request, context) => {
  try {
    return answer((await appFor(context).health()) ? 200 : 503, undefined);
  } catch (error) {
    // Settings that do not fit: named in the log, since anyone may read this answer.
    context.error(JSON.stringify({ message: 'not healthy', error: error instanceof Error ? error.name : 'unknown' }));
    return answer(503, undefined);
  }
};
