/** The data plane of storage accounts: passed byte for byte to Azurite, which checks the signatures (azure-facts 4.3). */

import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { openCall } from './calls.ts';
import { newId } from './exchange.ts';
import type { RouteInfo } from './service.ts';
import { wait } from './waiting.ts';
import type { World } from './world.ts';

type Plane = 'blob' | 'queue' | 'table';

/** Requests are not read here, so one entry stands for a whole plane. */
export const dataPlaneRoutes: RouteInfo[] = (['blob', 'queue', 'table'] as const).map((plane) => ({
  name: `storage.${plane}`,
  method: '*',
  path: /^\//,
  write: false,
  action: '',
  source: 'documented',
  reference: 'learn: storage/common/storage-account-keys-manage; answered by Azurite 3.37',
}));

export async function proxy(
  plane: Plane,
  account: string,
  incoming: IncomingMessage,
  answer: ServerResponse,
  world: World,
) {
  const url = incoming.url ?? '/';
  const method = incoming.method ?? 'GET';
  const entry = openCall(world.calls, {
    route: `storage.${plane}`,
    method,
    host: incoming.headers.host ?? '',
    path: url.split('?')[0] ?? '',
    principal: undefined,
    write: false,
    action: '',
  });
  const refuse = (status: number, code: string, message: string) => {
    entry.status = status;
    incoming.resume();
    answer.writeHead(status, {
      'content-type': 'application/xml',
      'x-ms-error-code': code,
      'x-ms-request-id': newId(),
    });
    answer.end(
      `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
    );
  };
  const step = world.faults.take(`storage.${plane}`, { body: '', host: entry.host });
  // What is not read cannot be committed, late or echoed: a step that asked for it would prove nothing.
  if (step?.commit || step?.lateMs !== undefined || step?.body !== undefined)
    throw new Error(
      `A step for storage.${plane} knows delayMs, drop, status, code and message only.`,
    );
  if (step?.delayMs) await wait(step.delayMs, world.stopping);
  if (step?.drop) return void incoming.socket.destroy();
  if (step?.status)
    return refuse(
      step.status,
      step.code ?? 'AuthenticationFailed',
      step.message ?? 'Scripted by the stand-in.',
    );
  const found = world.accounts.get(account.toLowerCase());
  if (!found || !world.azurite)
    return refuse(404, 'ResourceNotFound', `No account ${account} here.`);
  const signed = /^SharedKey/i.test(incoming.headers.authorization ?? '') || /[?&]sig=/.test(url);
  // The real code; it says "cannot verify", not "bad key" (case ST-04).
  if (found.allowSharedKeyAccess === false && signed)
    return refuse(
      403,
      'KeyBasedAuthenticationNotPermitted',
      'Key based authentication is not permitted on this storage account.',
    );
  const { rawHeaders } = incoming;
  const target = {
    host: '127.0.0.1',
    port: world.azurite.ports[plane],
    method,
    path: url,
    headers: rawHeaders,
    setDefaultHeaders: false,
  };
  const outgoing = httpRequest(target, (reply) => {
    entry.status = reply.statusCode ?? 0;
    answer.writeHead(entry.status, reply.statusMessage ?? '', reply.rawHeaders);
    reply.pipe(answer);
  });
  outgoing.on('error', () => incoming.socket.destroy());
  incoming.pipe(outgoing);
}
