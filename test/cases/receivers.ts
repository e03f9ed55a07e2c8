/** Receivers of notices over TLS, as people's own: each path is one, with the status that it answers and all that it was sent. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { certificates } from '../../local/azure/authority.ts';

export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Nothing is answered at all. */
  readonly silent?: boolean;
}

export class Receivers {
  readonly all: Received[] = [];
  /** What a path answers; 204 where nothing is said. */
  readonly answers = new Map<string, Answer>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Receivers> {
    const { cert, key } = await certificates();
    const server = createServer({ cert, key });
    const receivers = new Receivers(server);
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const [path = ''] = (request.url ?? '').split('?');
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      receivers.all.push({ path, headers, body: Buffer.concat(chunks).toString() });
      const {
        status,
        headers: given = {},
        silent,
      } = receivers.answers.get(path) ?? { status: 204 };
      if (silent) return void request.socket.destroy();
      response
        .writeHead(status, given)
        .end(status === 204 ? undefined : 'what a receiver says is nobody’s business');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receivers;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** An address with a credential in it, as those of Teams and Slack have. */
  url(path: string, host = 'hooks.keyturn.localhost'): string {
    return `https://${host}:${this.port}${path}?sig=ReceiversOwnCredential42`;
  }

  at(path: string): Received[] {
    return this.all.filter((each) => each.path === path);
  }

  clear(): void {
    this.all.length = 0;
    this.answers.clear();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
