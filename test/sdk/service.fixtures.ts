/** A service in a function: what an SDK sends is written down, and answered from a script. No network. */
import {
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
  RestError,
} from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}
export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly authorised: boolean;
}

export const credential: TokenCredential = {
  getToken: async () => ({ token: 'token', expiresOnTimestamp: Date.now() + 3_600_000 }),
};

/** Challenges the first request as Key Vault does, then gives each reply in turn and the last one for ever. */
export function service(...replies: (Reply | 'drop')[]): {
  readonly httpClient: HttpClient;
  readonly sent: Sent[];
} {
  const sent: Sent[] = [];
  let next = 0;
  const httpClient: HttpClient = {
    async sendRequest(request: PipelineRequest) {
      const authorised = request.headers.has('authorization');
      sent.push({
        method: request.method,
        url: request.url,
        body: String(request.body ?? ''),
        authorised,
      });
      const reply = authorised
        ? (replies[Math.min(next++, replies.length - 1)] ?? 'drop')
        : challenge;
      if (reply === 'drop') throw new RestError('socket hang up', { code: 'ECONNRESET', request });
      const headers = createHttpHeaders({ 'content-type': 'application/json', ...reply.headers });
      return {
        request,
        status: reply.status,
        headers,
        bodyAsText: JSON.stringify(reply.body ?? {}),
      };
    },
  };
  return { httpClient, sent };
}

const challenge: Reply = {
  status: 401,
  headers: {
    'www-authenticate':
      'Bearer authorization="https://login.microsoftonline.com/0b1f6471-1bf0-4dda-aec3-cb9272f09590", resource="https://vault.azure.net"',
  },
};

/** Waits until `count` requests with a token went out, then ends the call. */
export async function attempts(
  sent: readonly Sent[],
  count: number,
  call: (abortSignal: AbortSignal) => Promise<unknown>,
): Promise<number> {
  const controller = new AbortController();
  const seen = () => sent.filter(({ authorised }) => authorised).length;
  let over = false;
  const ended = call(controller.signal).then(
    () => {
      over = true;
    },
    () => {
      over = true; // how it failed is not what is asked here
    },
  );
  while (!over && seen() < count) await new Promise((resolve) => setTimeout(resolve, 10));
  controller.abort();
  await ended;
  return seen();
}
