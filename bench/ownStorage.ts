/** Watches the requests of this process to the app's own storage account, where the product reaches Azurite directly. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';

export interface StorageCall {
  /** For example `table GET secrets`, `queue POST keyturn-work/messages`. */
  readonly route: string;
  readonly status: number;
}

const FINISHED = 'http.client.response.finish';

/** From now on every answered request to this account is in `calls`; `stop` ends it. */
export function watchStorage(connection: string): { calls: StorageCall[]; stop(): void } {
  const account = /AccountName=([^;]+)/.exec(connection)?.[1] ?? '';
  const services = new Map(
    [...connection.matchAll(/(Blob|Queue|Table)Endpoint=http:\/\/([^/]+)\//g)].map(
      ([, service = '', host = '']) => [host, service.toLowerCase()],
    ),
  );
  const calls: StorageCall[] = [];
  const seen = (message: unknown) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    const service = services.get(String(request.getHeader('host')));
    const path = request.path.split('?')[0] ?? '';
    // Accounts that get rotated are on the same Azurite, behind the stand-in's own addresses.
    if (service === undefined || !path.startsWith(`/${account}/`)) return;
    const what = path.slice(account.length + 2).replace(/\(.*/, '');
    calls.push({
      route: `${service} ${request.method} ${what}${kindOf(request.path)}`,
      status: response.statusCode ?? 0,
    });
  };
  subscribe(FINISHED, seen);
  return { calls, stop: () => void unsubscribe(FINISHED, seen) };
}

/** The word before the hash in a partition key: what kind of row it is. */
const kindOf = (path: string): string => {
  const [, kind] = /(?:PartitionKey(?:%3D|=|%20eq%20)(?:'|%27))([a-z]+)/i.exec(path) ?? [];
  return kind === undefined ? '' : ` ${kind}`;
};
