/** A proxy that loses requests or answers: what happened behind it is real, what the client learns is not. */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Wire {
  readonly port: number;
  /** The next `count` requests of that method are applied, and their answers lost. */
  dropAnswers(method: string, count: number): void;
  /** The next `count` requests of that method never arrive. */
  dropRequests(method: string, count: number): void;
  /** The next `count` answers to that method come without this header. */
  dropHeader(method: string, name: string, count: number): void;
  /** The next `count` answers to that method have this header instead. */
  setHeader(method: string, name: string, value: string, count: number): void;
  /** The next `count` requests of that method are answered with this status: not applied, or applied all the same. */
  refuse(method: string, status: number, count: number, also?: { readonly applied: boolean }): void;
  /** Requests of each method that came here. */
  readonly came: string[];
  stop(): Promise<void>;
}

interface Refusal {
  readonly status: number;
  readonly applied: boolean;
  left: number;
}

export async function startWire(target: number): Promise<Wire> {
  const answers = new Map<string, number>();
  const requests = new Map<string, number>();
  const bare = new Map<string, number>();
  const refusals = new Map<string, Refusal>();
  const came: string[] = [];
  let header = '';
  let value: string | undefined;
  const spend = (left: Map<string, number>, method: string): boolean => {
    const count = left.get(method) ?? 0;
    left.set(method, count - 1);
    return count > 0;
  };
  const server = createServer((incoming, outgoing) => {
    const method = incoming.method ?? '';
    came.push(method);
    const found = refusals.get(method);
    const refusal = found && found.left-- > 0 ? found : undefined;
    if (refusal && !refusal.applied) {
      incoming.resume().on('end', () => outgoing.writeHead(refusal.status).end());
      return;
    }
    if (spend(requests, method)) {
      incoming.socket.destroy();
      return;
    }
    const options = {
      port: target,
      host: '127.0.0.1',
      method,
      path: incoming.url ?? '/',
      headers: incoming.headers,
    };
    const onward = request(options, (answer) => {
      if (spend(answers, method)) {
        answer.resume().on('end', () => incoming.socket.destroy());
        return;
      }
      const headers = { ...answer.headers };
      if (spend(bare, method)) {
        outgoing.sendDate = false;
        delete headers[header];
        if (value !== undefined) headers[header] = value;
      }
      if (refusal) {
        answer.resume().on('end', () => outgoing.writeHead(refusal.status).end());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 500, headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => incoming.socket.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    dropAnswers: (method, count) => void answers.set(method, count),
    dropRequests: (method, count) => void requests.set(method, count),
    dropHeader: (method, name, count) => {
      [header, value] = [name, undefined];
      bare.set(method, count);
    },
    setHeader: (method, name, given, count) => {
      [header, value] = [name, given];
      bare.set(method, count);
    },
    refuse: (method, status, count, { applied } = { applied: false }) =>
      void refusals.set(method, { status, applied, left: count }),
    came,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
