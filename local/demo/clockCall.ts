/**
 * `POST /clock?hours=N` on 127.0.0.1 moves the time of the demonstration, with the token of its file: half a day at a time with a
 * sweep after each, as real time would bring it (without a sweep for a day nothing is revoked).
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as clock from '../clock.ts';
import type { Host } from '../host/host.ts';
import type { Token } from './token.ts';

const STEP_HOURS = 12;
const MOST_HOURS = 24 * 400;

interface Answer {
  readonly status: number;
  readonly body: object;
}

export class ClockCall {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/clock`;
  }

  static async start(host: Pick<Host, 'invoke' | 'drain'>, token: Token): Promise<ClockCall> {
    // One after another: two at once would sweep side by side.
    let last: Promise<unknown> = Promise.resolve();
    const server = createServer((request, response) => {
      const { method, url = '', headers } = request;
      const answer = last.then(() =>
        answerTo(method, url, token.isIn(headers.authorization), host, token),
      );
      last = answer.catch(() => undefined);
      answer.then(
        ({ status, body }) =>
          response
            .writeHead(status, { 'content-type': 'application/json' })
            .end(`${JSON.stringify(body)}\n`),
        (error: Error) => response.writeHead(500).end(`${error.message}\n`),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ClockCall(server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function answerTo(
  method: string | undefined,
  address: string,
  isAllowed: boolean,
  host: Pick<Host, 'invoke' | 'drain'>,
  token: Token,
): Promise<Answer> {
  const { pathname, searchParams } = new URL(address, 'http://127.0.0.1');
  const text = searchParams.get('hours') ?? '';
  if (pathname !== '/clock' || method !== 'POST')
    return { status: 404, body: { error: 'POST /clock?hours=26' } };
  if (!isAllowed) return { status: 401, body: { error: 'The token of the file is wanted.' } };
  const hours = Number(text);
  if (!/^\d{1,4}$/.test(text) || hours < 1 || hours > MOST_HOURS)
    return { status: 400, body: { error: `hours is a whole number from 1 to ${MOST_HOURS}.` } };
  for (let left = hours; left > 0; left -= STEP_HOURS) {
    clock.advance({ hours: Math.min(left, STEP_HOURS) });
    await token.renew();
    await host.invoke('sweep');
    await host.drain();
  }
  return { status: 200, body: { now: new Date().toISOString() } };
}
