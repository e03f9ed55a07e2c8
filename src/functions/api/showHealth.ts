import type { HttpHandler } from '@azure/functions';
import { answer, settingsProblem } from '../../api/problem.ts';
import { appFor } from '../context.ts';

/**
 * Whether the app can work, for a probe without a token: 200 or 503 and not a word more, but for settings that do not fit:
 * their names are all that helps, and no secret (finding HST-04).
 */
export const health: HttpHandler = async (_request, context) => {
  try {
    return answer((await appFor(context).health()) ? 200 : 503, undefined);
  } catch (error) {
    context.error(JSON.stringify({ message: 'not healthy', error: error instanceof Error ? error.name : 'unknown' }));
    return settingsProblem(error) ?? answer(503, undefined);
  }
};
