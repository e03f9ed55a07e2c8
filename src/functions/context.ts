import type { InvocationContext } from '@azure/functions';
import { type App, getApp } from '../app/app.ts';

/** The app, logging to this invocation so that the platform ties its records together. */
export const appFor = (context: InvocationContext): App =>
  getApp((level, line) => context[level](line));
