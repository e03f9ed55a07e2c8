import type { HttpHandler, HttpRequest, InvocationContext } from '@azure/functions';
import { type Answer, problem } from '../api/problem.ts';
import { refuseRepeated } from '../api/query.ts';
import { type App, getApp } from '../app/app.ts';

/** The app, logging to this invocation so that the platform ties its records together. */
export const appFor = (context: InvocationContext): App => getApp((level, line) => context[level](line));

/** An HTTP handler whose errors become problem details. What is not ours is logged by name alone: texts may hold values. */
export const answering = (handle: (request: HttpRequest, app: App) => Promise<Answer>): HttpHandler =>
  answeringAlways((request, context) => handle(request, appFor(context)));

/** The same for what needs no settings. */
export function answeringAlways(
  handle: (request: HttpRequest, context: InvocationContext) => Promise<Answer>,
): HttpHandler {
  return async (request, context) => {
    try {
      refuseRepeated(new URL(request.url).searchParams);
      return await handle(request, context);
    } catch (error) {
      const { status, ...answer } = problem(error);
      if (status >= 500) context.error(JSON.stringify({ message: 'request failed', status, error: nameOf(error) }));
      return { status, ...answer };
    }
  };
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
