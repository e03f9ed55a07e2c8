/** Two thin calls of Azure Resource Manager, for the few facts that no SDK of ours reads. Both only read. */
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest,
  type PipelineRequestOptions,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import type { Clock } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import { onlyTo, patience, SINGLE_SEND } from '../core/pipeline.ts';
import type { Cloud } from './cloud.ts';
import { fromArm } from './errors.ts';

export interface Arm {
  /**
   * The parsed body of `GET <path>?<query>`; `path` starts with `/subscriptions/<guid>/resourceGroups/`. Throws
   * `AbsentError` for 404, `BusyError` after some tries, or a refusal.
   */
  get(path: string, query: Readonly<Record<string, string>>, doing: string): Promise<unknown>;
  /** The parsed body of the one POST that changes nothing: a query of Resource Graph. Repeated and refused like `get`. */
  ask(query: Readonly<Record<string, string>>, body: object, doing: string): Promise<unknown>;
}

/** Every path that is read (case SEC-01): segments without dots alone, `%`, `?` or `#`. */
export const PATH =
  /^\/subscriptions\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/resourceGroups(\/(?!\.{1,2}(\/|$))[\w().-]+)+$/i;

const GRAPH_PATH = '/providers/Microsoft.ResourceGraph/resources';

export function createArm(options: {
  readonly cloud: Pick<Cloud, 'arm' | 'armAudience'>;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}): Arm {
  const { cloud, credential, clock } = options;
  const http = createDefaultHttpClient();
  const pipeline = createPipelineFromOptions(SINGLE_SEND);
  const graph = `${cloud.arm}${GRAPH_PATH}`;
  pipeline.addPolicy(patience(clock, ({ method, url }) => method === 'GET' || url.startsWith(`${graph}?`)));
  pipeline.addPolicy(onlyTo(cloud.arm));
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: `${cloud.armAudience}/.default` }));
  async function send(request: Pick<PipelineRequestOptions, 'method' | 'body'> & { url: string }, doing: string) {
    const sent = request.body === undefined ? {} : { 'content-type': 'application/json' };
    const headers = createHttpHeaders({ accept: 'application/json', ...sent });
    try {
      return bodyOf(await pipeline.sendRequest(http, createPipelineRequest({ ...request, headers })));
    } catch (error) {
      throw fromArm(error, doing, { write: false });
    }
  }
  return {
    async get(path, query, doing) {
      if (!PATH.test(path)) throw new KeyturnError('failed', { detail: 'Not a path of a resource.' });
      return await send({ url: `${cloud.arm}${path}?${new URLSearchParams(query)}` }, doing);
    },
    ask: (query, body, doing) =>
      send({ method: 'POST', url: `${graph}?${new URLSearchParams(query)}`, body: JSON.stringify(body) }, doing),
  };
}

/** The JSON of a 200; anything else in the shape in which SDKs throw it, for `fromArm` to judge. */
function bodyOf({ status, bodyAsText, headers }: PipelineResponse): unknown {
  const body: unknown = parsed(bodyAsText);
  if (status === 200 && body !== undefined) return body;
  throw { statusCode: status, details: body, response: { headers } };
}

function parsed(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined; // an answer without JSON, judged by its status
  }
}
