/** Calls of Keyturn's API, by the names of their declarations. */
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type { ProblemBody } from '../../src/api/problem.ts';
import { routes } from '../../src/api/routes.ts';
import { type Exit, Failure, hereFor } from '../failure.ts';
import type { Io } from '../io.ts';

type Route = (typeof routes)[number];
export type CallName = Route['name'];
type Problem = z.infer<typeof ProblemBody>;

export interface Asking {
  /** Pieces of the path: `vault`, `name`, `id`. */
  readonly path?: Readonly<Record<string, string>>;
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object;
  /** A repeat with the same key is answered with the same operation. */
  readonly key?: string | undefined;
  /** Statuses that are answers of the call and no failures. */
  readonly alsoAnswers?: readonly number[];
}
export interface Reply<T> {
  readonly body: T;
  readonly status: number;
  readonly headers: Headers;
}

/** Throws a `Failure` for whatever is no answer of the call. */
export interface Client {
  call<T>(name: CallName, asking?: Asking): Promise<Reply<T>>;
  /** The absolute address of something below the app. */
  link(path: string): string;
}

/** What takes longer is given up: a dry run may ask many services. */
const TIMEOUT_MILLISECONDS = 120_000;
const TRIES = 3;
/** The server asks for patience; the key or the method makes a repeat harmless. */
const BUSY = [429, 502, 503, 504];

export function createClient(url: string, token: () => Promise<string>, io: Io): Client {
  const link = (path: string) =>
    new URL(path.startsWith('/') ? `${url}${path}` : `${url}/${path}`).href;

  const once = async (route: Route, asking: Asking, key: string): Promise<Response> => {
    const { path = {}, query = {}, body } = asking;
    const filled = route.path.replace(/\{(\w+)\}/g, (_, piece: string) =>
      encodeURIComponent(path[piece] ?? ''),
    );
    const address = new URL(`${url}/api/${filled}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) address.searchParams.set(name, value);
    const writes = (route.method as string) === 'POST';
    return await io.fetch(address, {
      method: route.method,
      redirect: 'error',
      signal: AbortSignal.any([io.stopped, AbortSignal.timeout(TIMEOUT_MILLISECONDS)]),
      headers: {
        authorization: `Bearer ${await token()}`,
        accept: 'application/json',
        ...(writes ? { 'content-type': 'application/json', 'idempotency-key': key } : {}),
      },
      ...(writes ? { body: JSON.stringify(body ?? {}) } : {}),
    });
  };

  const sent = async (route: Route, asking: Asking): Promise<Response> => {
    const key = asking.key ?? randomUUID();
    for (let turn = 1; ; turn++) {
      const isLast = turn === TRIES || io.stopped.aborted;
      try {
        const response = await once(route, asking, key);
        const isBusy = BUSY.includes(response.status) && response.headers.has('retry-after');
        if (!isBusy || isLast || asking.alsoAnswers?.includes(response.status)) return response;
      } catch (error) {
        if (error instanceof Failure) throw error;
        if (isLast) throw unreached(url, error);
      }
      await io.sleep(1000 * turn);
    }
  };

  return {
    link,
    async call<T>(name: CallName, asking: Asking = {}) {
      const route = routes.find((each) => each.name === name);
      if (!route) throw new Error(`There is no call ${name}.`);
      const response = await sent(route, asking);
      const { status, headers } = response;
      const body = await bodyOf(response);
      const isAnswer = response.ok || asking.alsoAnswers?.includes(status);
      if (isAnswer && body !== undefined && !isProblem(body))
        return { body: body as T, status, headers };
      if (!isProblem(body))
        throw new Failure(exitOf(status), `${url} answered ${status}, and not as Keyturn does.`, {
          remedy:
            'Look whether the address is the one of Keyturn, and whether something stands in front of it.',
        });
      throw failureOf(status, body, link);
    },
  };
}

/** What is no JSON by its type is a text: a report for a spreadsheet, a page. */
async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (/^text\/(csv|markdown)\b/.test(response.headers.get('content-type') ?? '')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isProblem = (body: unknown): body is Problem =>
  typeof body === 'object' &&
  body !== null &&
  'reason' in body &&
  'status' in body &&
  'title' in body;

/** What a refusal tells: the reason's page is relative to the app. */
export function failureOf(status: number, problem: Problem, link: Client['link']): Failure {
  const { detail, reason, remedy, by, until, type, overridable } = problem;
  const here = hereFor(reason, overridable);
  return new Failure(exitOf(status), detail, { reason, remedy, here, by, until, link: link(type) });
}

function exitOf(status: number): Exit {
  if (status === 400) return 'usage';
  if (status === 401 || status === 403 || status === 404) return 'not-found';
  if (status === 409 || status === 429) return 'refused';
  return status === 502 || status === 503 || status === 504 ? 'unreachable' : 'failed';
}

function unreached(url: string, error: unknown): Failure {
  const { name, cause } = error instanceof Error ? error : { name: 'Error', cause: undefined };
  const code =
    typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : name;
  return new Failure('unreachable', `${url} is not reached (${code}).`, {
    remedy: 'Look at the address (KEYTURN_URL), the network, and whether the app runs.',
  });
}
