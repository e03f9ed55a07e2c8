import type { TimerHandler } from '@azure/functions';
import { appFor } from './context.ts';

/** Finds what is due or owed, with or without events. May run twice or late, so it keeps nothing (case FN-06). */
export const sweep: TimerHandler = (_timer, context) => appFor(context).sweep();
