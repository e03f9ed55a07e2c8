/** The door of every call over HTTP: hands it to its declaration and makes an answer of whatever comes of it. */
import type { HttpHandler, HttpRequest, InvocationContext } from '@azure/functions';
import { calls } from '../api/calls.ts';
import { problem, settingsProblem } from '../api/problem.ts';
import { receive } from '../api/receive.ts';
import { appFor } from './context.ts';

const byName = new Map(calls.map((call) => [call.name, call]));

/**
 * The handler of a call, by its name. Errors become problem details. What is not ours is logged by name alone: texts may hold
 * values.
 */
export function http(name: string): HttpHandler {
  const call = byName.get(name);
  if (!call) throw new Error(`There is no call ${name}.`);
  return async (request, context) => {
    try {
      const reception = { calls, app: () => appFor(context), health: () => healthy(context) };
      return await receive(call, received(request), reception);
    } catch (error) {
      const { status, ...answer } = problem(error);
      if (status >= 500)
        context.error(JSON.stringify({ message: 'request failed', status, error: nameOf(error) }));
      return { status, ...answer };
    }
  };
}

const received = ({ url, headers, body, params }: HttpRequest) => ({ url, headers, body, params });

/** False for whatever keeps the app from saying it; settings that do not fit are named by the answer (finding HST-04). */
async function healthy(context: InvocationContext): Promise<boolean> {
  try {
    return await appFor(context).health();
  } catch (error) {
    if (settingsProblem(error)) throw error;
    context.error(JSON.stringify({ message: 'not healthy', error: nameOf(error) }));
    return false;
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
