/** Two thin calls of Azure Resource Manager, for the few facts that no SDK of ours reads. Both only read. */
import type { PipelineResponse } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import type { Clock } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import { fromArm } from './armErrors.ts';
import type { Cloud } from './cloud.ts';
import { jsonOf, type ThinClient, thinClient } from './thinClient.ts';

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

const GRAPH_PATH = '/providers/Microsoft.ResourceGraph/resources';

/** What may be sent again, whatever else a client of Resource Manager sends. */
export const isArmRead =
  ({ arm }: Pick<Cloud, 'arm'>) =>
  ({ method, url }: { readonly method: string; readonly url: string }): boolean =>
    method === 'GET' || url.startsWith(`${arm}${GRAPH_PATH}?`);

export function createArm(options: {
  readonly cloud: Pick<Cloud, 'arm' | 'armAudience'>;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}): Arm {
  const { cloud, ...rest } = options;
  const client = thinClient({
    ...rest,
    endpoint: cloud.arm,
    audience: cloud.armAudience,
    isRead: isArmRead(cloud),
  });
  return armOver(client, cloud);
}

/** The two calls over a client of Resource Manager; `failed` makes the error of one that came to nothing. */
export function armOver(
  client: ThinClient,
  cloud: Pick<Cloud, 'arm'>,
  failed = (error: unknown, doing: string) => fromArm(error, doing, { write: false }),
): Arm {
  const bodyFrom = (answer: Promise<PipelineResponse>, doing: string): Promise<unknown> =>
    answer.then(bodyOf).catch((error: unknown) => {
      throw failed(error, doing);
    });
  return {
    get: async (path, query, doing) =>
      bodyFrom(client('GET', addressOf(path, query, cloud)), doing),
    ask: (query, body, doing) =>
      bodyFrom(
        client('POST', `${cloud.arm}${GRAPH_PATH}?${new URLSearchParams(query)}`, body),
        doing,
      ),
  };
}

/** Throws for what is no path of a resource. */
export function addressOf(
  path: string,
  query: Readonly<Record<string, string>>,
  { arm }: Pick<Cloud, 'arm'>,
): string {
  if (!PATH.test(path) && !LOCKS_PATH.test(path))
    throw new KeyturnError('failed', { detail: 'Not a path of a resource.' });
  return `${arm}${path}?${new URLSearchParams(query)}`;
}

/** The JSON of a 200. */
function bodyOf(answer: PipelineResponse): unknown {
  const body = jsonOf(answer);
  if (answer.status === 200 && body !== undefined) return body;
  throw thrownOf(answer);
}

/** An answer that will not do, in the shape in which SDKs throw it, for `fromArm` to judge. */
export const thrownOf = (answer: PipelineResponse): object => ({
  ...{ statusCode: answer.status, details: jsonOf(answer), response: { headers: answer.headers } },
});
