/**
 * The host's HTTP side: `/api`, the Event Grid webhook and `/admin/functions`. Answers as seen on the real host (azure-facts
 * 3.4, 9.3; findings HST-01, HST-07); the limits are those that Kestrel documents (`KestrelServerLimits`). What Azure's own
 * front end does before the host is not known.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Answer, parse } from './answer.ts';
import type { HttpData, Registered } from './core.ts';
import { deliverEvents } from './eventGridWebhook.ts';
import { type Invoker, triggerOf } from './invoke.ts';
import { parseRoute, type Route } from './routes.ts';

/** `function` opens functions, `system` the Event Grid webhook, `master` everything. */
export type Keys = { master: string; system: string; function: string };

export type HttpSetup = {
  functions: ReadonlyMap<string, Registered>;
  invoker: Invoker;
  keys: Keys;
  routePrefix: string;
  /** Starts a timer or queue function in the background; false when it can't be started this way. */
  startNow(name: string, input: string | undefined): boolean;
};

type Endpoint = {
  registered: Registered;
  route: Route;
  methods: readonly string[];
  authLevel: string;
};

/** A server that is not yet listening. */
export function httpServer(setup: HttpSetup): Server {
  const endpoints = [...setup.functions.values()].flatMap(
    (registered) => endpointOf(registered) ?? [],
  );
  endpoints.sort((one, other) => one.route.rank.localeCompare(other.route.rank));
  return createServer({ maxHeaderSize: nodeHeaderBytesMax }, (request, response) => {
    const refused = refusal(request);
    if (refused !== undefined)
      return write(response, { status: refused, headers: { connection: 'close' } });
    answer(setup, endpoints, request).then(
      (given) => write(response, given),
      () => write(response, { status: 500 }), // a handler's throw: 500 and no body; the invoker has logged it
    );
  });
}

const lineBytesMax = 8192;
const headerBytesMax = 32_768;
const headersMax = 100;
/** Node would refuse 16 KiB of line and headers together by itself: wide enough that the checks below are what counts. */
const nodeHeaderBytesMax = 128 * 1024;

/** What never comes as far as a function: the status, or undefined for a request that may go on. */
function refusal({
  method = '',
  url = '',
  rawHeaders,
  headersDistinct,
}: IncomingMessage): number | undefined {
  if (Buffer.byteLength(`${method} ${url} HTTP/1.1\r\n`) > lineBytesMax) return 414;
  const bytes = rawHeaders.reduce((sum, text) => sum + Buffer.byteLength(text) + 2, 0); // `: ` and the end of the line
  if (bytes > headerBytesMax || rawHeaders.length / 2 > headersMax) return 431;
  if (!url.startsWith('/') && !URL.canParse(url)) return 400;
  return headersDistinct.host?.length === 1 && URL.canParse(`http://${headersDistinct.host[0]}`)
    ? undefined
    : 400;
}

/** The target joined to the host, so that `//api` stays a path and does not become a host. */
const addressOf = ({ url = '/', headers }: IncomingMessage): URL =>
  new URL(url.startsWith('/') ? `http://${headers.host}${url}` : url);

async function answer(
  setup: HttpSetup,
  endpoints: readonly Endpoint[],
  request: IncomingMessage,
): Promise<Answer> {
  const url = addressOf(request);
  const key = request.headers['x-functions-key'] ?? url.searchParams.get('code') ?? '';
  const path = url.pathname.toLowerCase();
  if (path === '/runtime/webhooks/eventgrid') {
    if (key !== setup.keys.system && key !== setup.keys.master) return { status: 401 };
    const registered = setup.functions.get(url.searchParams.get('functionName') ?? '');
    return deliverEvents(request, registered, setup.invoker);
  }
  const admin = /^\/admin\/functions\/([^/]+)$/.exec(url.pathname);
  if (admin)
    return key === setup.keys.master
      ? runNow(setup, request, decodeURIComponent(admin[1] ?? ''))
      : { status: 401 };
  if (path === '/') return startPage();
  const prefix = setup.routePrefix === '' ? '/' : `/${setup.routePrefix.toLowerCase()}/`;
  if (!path.startsWith(prefix)) return { status: 404 };
  return callFunction(
    setup,
    endpoints,
    request,
    url,
    url.pathname.slice(prefix.length),
    String(key),
  );
}

/** The page that says that an app runs here; with `AzureWebJobsDisableHomepage` nothing (HomepageMiddleware of the host). */
function startPage(): Answer {
  if (process.env.AzureWebJobsDisableHomepage?.toLowerCase() === 'true') return { status: 204 };
  const body = '<!DOCTYPE html><title>Your Functions app is up and running</title>';
  return { status: 200, headers: { 'content-type': 'text/html' }, body };
}

/** `POST /admin/functions/{name}` answers 202 at once; the run is in the background. */
async function runNow(setup: HttpSetup, request: IncomingMessage, name: string): Promise<Answer> {
  if (request.method !== 'POST') return { status: 405 };
  const body = await text(request);
  const { input } = parse(body || '{}') ?? {};
  return {
    status: setup.startNow(
      name,
      typeof input === 'string' || input === undefined ? input : JSON.stringify(input),
    )
      ? 202
      : 404,
  };
}

async function callFunction(
  setup: HttpSetup,
  endpoints: readonly Endpoint[],
  request: IncomingMessage,
  url: URL,
  path: string,
  key: string,
): Promise<Answer> {
  const method = request.method ?? 'GET';
  for (const { registered, route, methods, authLevel } of endpoints) {
    const params = route.match(path);
    // The host's router takes the method as a part of the route, so a wrong one is an unknown route: 404, not 405.
    if (!params || !methods.includes(method)) continue;
    if (!allowed(authLevel, key, setup.keys)) return { status: 401 };
    const http = await toHttpData(request, url, params);
    const response = await setup.invoker.run(registered, { data: { http } });
    return toAnswer(response.returnValue?.http);
  }
  return { status: 404 };
}

function endpointOf(registered: Registered): Endpoint | undefined {
  const { binding } = triggerOf(registered);
  if (binding.type.toLowerCase() !== 'httptrigger') return undefined;
  const {
    route = registered.metadata.name,
    methods = [],
    authLevel = 'function',
  } = binding as {
    route?: string;
    methods?: string[];
    authLevel?: string;
  };
  return {
    registered,
    route: parseRoute(route),
    methods: methods.map((method) => method.toUpperCase()),
    authLevel,
  };
}

function allowed(authLevel: string, key: string, keys: Keys): boolean {
  if (authLevel.toLowerCase() === 'anonymous') return true;
  return key === keys.master || (authLevel.toLowerCase() === 'function' && key === keys.function);
}

async function toHttpData(
  request: IncomingMessage,
  url: URL,
  params: Record<string, string>,
): Promise<HttpData> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  // Seen on the real host: what comes without a length is read and dropped, and the function is given an empty body.
  const body =
    request.headers['content-length'] === undefined ? Buffer.alloc(0) : Buffer.concat(chunks);
  return {
    method: request.method ?? 'GET',
    url: url.href,
    nullableHeaders: nullable(headersOf(request)),
    nullableQuery: nullable(joined(url.searchParams)),
    nullableParams: nullable(Object.entries(params)),
    body: { bytes: body },
  };
}

/** Every header as often as it was sent: Node itself would keep the first `Authorization` and forget the second. */
const headersOf = ({ headersDistinct }: IncomingMessage): [string, string][] =>
  Object.entries(headersDistinct).map(([name, values = []]) => [name, values.join(',')]);

/** The parameters by name, those of one name joined, as .NET's `StringValues` prints them (not seen on the host). */
function joined(query: URLSearchParams): Iterable<readonly [string, string]> {
  return [...new Set(query.keys())].map((name) => [name, query.getAll(name).join(',')] as const);
}

const nullable = (
  entries: Iterable<readonly [string, string]>,
): Record<string, { value: string }> =>
  Object.fromEntries([...entries].map(([name, value]) => [name, { value }]));

/** A handler that returned nothing is answered with 204. Of cookies only name and value are kept. */
function toAnswer(http: HttpData | undefined): Answer {
  if (!http) return { status: 204 };
  const cookies = (http.cookies ?? []).map(({ name, value }) => `${name}=${value}`);
  return {
    status: Number(http.statusCode ?? 200),
    headers: { ...http.headers, ...(cookies.length > 0 && { 'set-cookie': cookies }) },
    body: http.body?.bytes ?? http.body?.string ?? '',
  };
}

const hopByHop = new Set(['connection', 'transfer-encoding', 'content-length', 'keep-alive']);

function write(response: ServerResponse, { status, headers = {}, body = '' }: Answer): void {
  for (const [name, value] of Object.entries(headers))
    if (!hopByHop.has(name.toLowerCase())) response.setHeader(name, value);
  response.statusCode = status;
  response.end(body);
}
