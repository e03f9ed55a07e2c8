/** A pipeline for the few calls that no SDK of ours makes: one host, one token, reads repeated, writes sent exactly once. */
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import type { Clock } from '../core/clock.ts';
import { onlyTo, type PipelinePolicy, patience, SINGLE_SEND } from '../core/pipeline.ts';

export interface ThinClientOptions {
  /** Every request to another host is refused. */
  readonly endpoint: string;
  readonly audience: string;
  readonly credential: TokenCredential;
  readonly clock: Clock;
  /** What may be sent again; by default what is a GET. */
  readonly isRead?: (request: { readonly method: string; readonly url: string }) => boolean;
  /** In place of that patience. */
  readonly policy?: PipelinePolicy;
}

/**
 * Sends one request with its body as JSON, and headers such as `if-match` beside it; the answer is the caller's to judge, whatever its
 * status.
 */
export type ThinClient = (
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  url: string,
  body?: object,
  more?: Readonly<Record<string, string>>,
) => Promise<PipelineResponse>;

export function thinClient({
  endpoint,
  audience,
  credential,
  clock,
  isRead,
  policy,
}: ThinClientOptions): ThinClient {
  const http = createDefaultHttpClient();
  const pipeline = createPipelineFromOptions(SINGLE_SEND);
  pipeline.addPolicy(policy ?? patience(clock, isRead));
  pipeline.addPolicy(onlyTo(endpoint));
  pipeline.addPolicy(
    bearerTokenAuthenticationPolicy({ credential, scopes: `${audience}/.default` }),
  );
  return async (method, url, body, more = {}) => {
    const headers = createHttpHeaders({ ...more, accept: 'application/json' });
    if (body !== undefined) headers.set('content-type', 'application/json');
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    return await pipeline.sendRequest(
      http,
      createPipelineRequest({ method, url, headers, ...text }),
    );
  };
}

/** The JSON of an answer; undefined where it has none, which its status or a schema then judges. */
export function jsonOf({ bodyAsText }: Pick<PipelineResponse, 'bodyAsText'>): unknown {
  try {
    return JSON.parse(bodyAsText ?? '');
  } catch {
    return undefined;
  }
}
