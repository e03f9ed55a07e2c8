/** Two thin calls of Azure Resource Manager, for the few facts that no SDK of ours reads. Both only read. */
import type { PipelineResponse } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import type { Clock } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import { fromArm } from './armErrors.ts';
import type { Cloud } from './cloud.ts';
import { jsonOf, thinClient } from './thinClient.ts';

export interface Arm {
  /**
   * The parsed body of `GET <path>?<query>`; `path` starts with `/subscriptions/<guid>/resourceGroups/`, or is
   * that of a subscription's locks. Throws
   * `AbsentError` for 404, `BusyError` after some tries, or a refusal.
   */
  get(path: string, query: Readonly<Record<string, string>>, doing: string): Promise<unknown>;
  /** The parsed body of the one POST that changes nothing: a query of Resource Graph. Repeated and refused like `get`. */
  ask(query: Readonly<Record<string, string>>, body: object, doing: string): Promise<unknown>;
}

/** Every path that is read (case SEC-01): segments without dots alone, `?` or `#`; of percents those of letters beyond ASCII (case VAL-09). */
export const PATH =
  /^\/subscriptions\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/resourceGroups(\/(?!\.{1,2}(\/|$))([\w().-]|%[89a-f][0-9a-f])+)+$/i;

/** What hangs on a subscription itself. */
const LOCKS_PATH =
  /^\/subscriptions\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/providers\/Microsoft\.Authorization\/locks$/i;

export const GRAPH_PATH = '/providers/Microsoft.ResourceGraph/resources';

export function createArm(options: {
  readonly cloud: Pick<Cloud, 'arm' | 'armAudience'>;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}): Arm {
  const { cloud, ...rest } = options;
  const graph = `${cloud.arm}${GRAPH_PATH}`;
  const client = thinClient({
    ...rest,
    endpoint: cloud.arm,
    audience: cloud.armAudience,
    isRead: ({ method, url }) => method === 'GET' || url.startsWith(`${graph}?`),
  });
  const bodyFrom = (answer: Promise<PipelineResponse>, doing: string): Promise<unknown> =>
    answer.then(bodyOf).catch((error: unknown) => {
      throw fromArm(error, doing, { write: false });
    });
  return {
    async get(path, query, doing) {
      if (!PATH.test(path) && !LOCKS_PATH.test(path))
        throw new KeyturnError('failed', { detail: 'Not a path of a resource.' });
      return await bodyFrom(
        client('GET', `${cloud.arm}${path}?${new URLSearchParams(query)}`),
        doing,
      );
    },
    ask: (query, body, doing) =>
      bodyFrom(client('POST', `${graph}?${new URLSearchParams(query)}`, body), doing),
  };
}

/** The JSON of a 200; anything else in the shape in which SDKs throw it, for `fromArm` to judge. */
function bodyOf(answer: PipelineResponse): unknown {
  const { status, headers } = answer;
  const body = jsonOf(answer);
  if (status === 200 && body !== undefined) return body;
  throw { statusCode: status, details: body, response: { headers } };
}
