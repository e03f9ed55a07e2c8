/** The HTTPS server: one port, one certificate, services told apart by the host's name. Beside it the identity endpoint. */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { arm } from './arm.ts';
import type { Certificates } from './authority.ts';
import { dataPlaneRoutes, proxy } from './dataPlane.ts';
import { dispatch } from './dispatch.ts';
import { entra } from './entra.ts';
import { eventGridTopic } from './eventGridTopic.ts';
import type { Call, Reply } from './exchange.ts';
import { graph } from './graph.ts';
import { identity } from './identity.ts';
import { planes } from './planes.ts';
import type { RouteInfo, Service } from './service.ts';
import { tdsRoutes } from './tds.ts';
import type { World } from './world.ts';

const BODY_BYTES_MAX = 1_000_000;

const services = [
  entra,
  identity,
  ...planes.map(({ service }) => service),
  arm,
  graph,
  eventGridTopic,
];
/** Every route of the stand-in, with its source. A suite that leaves one unused has not shown that it is right. */
export const routes: readonly RouteInfo[] = services
  .flatMap((service): readonly RouteInfo[] => service.routes)
  .concat(dataPlaneRoutes, tdsRoutes);

const fixed: Record<string, Service> = { login: entra, management: arm, graph };

/** Starts the HTTPS server for everything under `.keyturn.localhost`. */
export function listenTls(
  world: World,
  { cert, key }: Certificates,
  port: number,
  onProblem: (error: unknown) => void,
): Promise<Server> {
  const server = createHttpsServer({ cert, key }, (incoming, answer) => {
    const host = (incoming.headers.host ?? '').toLowerCase();
    const [name = '', kind = ''] = host.split('.');
    if (kind === 'blob' || kind === 'queue' || kind === 'table')
      proxy(kind, name, incoming, answer, world).catch(problem(answer, onProblem));
    else if (host.split('.')[2] === 'eventgrid') {
      // Which topic it is stands in the host alone.
      incoming.url = `/${name}${incoming.url ?? '/'}`;
      serve(eventGridTopic, incoming, answer, world).catch(problem(answer, onProblem));
    } else
      serve(
        planes.find(({ label }) => label === kind)?.service ?? fixed[name],
        incoming,
        answer,
        world,
      ).catch(problem(answer, onProblem));
  });
  return listen(server, port);
}

/** Starts the plain HTTP endpoint that App Service puts beside an app with a managed identity. */
export function listenIdentity(world: World, onProblem: (error: unknown) => void): Promise<Server> {
  return listen(
    createHttpServer((incoming, answer) => {
      serve(identity, incoming, answer, world).catch(problem(answer, onProblem));
    }),
    0,
  );
}

function listen<T extends Server>(server: T, port: number): Promise<T> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;

export async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

/** A fault of the stand-in itself: the client sees a 500 that no service would send, and the tenant keeps it. */
function problem(answer: ServerResponse, onProblem: (error: unknown) => void) {
  return (error: unknown) => {
    onProblem(error);
    if (answer.headersSent) answer.destroy();
    else answer.writeHead(500, { 'content-type': 'text/plain' }).end('The stand-in itself failed.');
  };
}

async function serve(
  service: Service | undefined,
  incoming: IncomingMessage,
  answer: ServerResponse,
  world: World,
): Promise<void> {
  const call = await read(incoming);
  if (!call)
    return send(answer, {
      status: 413,
      body: { error: { code: 'RequestEntityTooLarge', message: 'Too large.' } },
    });
  if (!service)
    return send(answer, {
      status: 404,
      body: { error: { code: 'NoSuchHost', message: call.host } },
    });
  const reply = await dispatch(service, call, world);
  if (reply) send(answer, reply);
  else incoming.socket.destroy();
}

/** The whole request; undefined where it is larger than any that Azure takes here. */
async function read(incoming: IncomingMessage): Promise<Call | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  if (size > BODY_BYTES_MAX) return undefined;
  // Not parsed as a URL: dot segments and encodings must arrive as they were sent.
  const [path = '/', ...query] = (incoming.url ?? '/').split('?');
  return {
    method: incoming.method ?? 'GET',
    host: (incoming.headers.host ?? '').toLowerCase(),
    path,
    query: new URLSearchParams(query.join('?')),
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

function send(answer: ServerResponse, { status, headers = {}, body }: Reply): void {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const type = text === '' ? {} : { 'content-type': 'application/json; charset=utf-8' };
  answer.writeHead(status, {
    ...type,
    ...headers,
    ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(text) }),
  });
  answer.end(text);
}
