/**
 * Azure Resource Manager for what must never hold a pass up: no call is repeated, and each is given up after seconds. The one POST
 * changes nothing but that a resource reads a vault again.
 */
import type { PipelineResponse } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import type { Clock } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import { brief } from '../core/pipeline.ts';
import { type Arm, GRAPH_PATH, PATH } from './arm.ts';
import { fromArm } from './armErrors.ts';
import type { Cloud } from './cloud.ts';
import { jsonOf, thinClient } from './thinClient.ts';

export interface BriefArm extends Pick<Arm, 'get' | 'ask'> {
  /** A POST without a body. Resolves where Azure took it, be it done or not. */
  post(path: string, query: Readonly<Record<string, string>>, doing: string): Promise<void>;
}

const READ_SECONDS = 10;
const POST_SECONDS = 30;
const TAKEN = [200, 201, 202, 204];

export function createBriefArm(options: {
  readonly cloud: Pick<Cloud, 'arm' | 'armAudience'>;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}): BriefArm {
  const { cloud, ...rest } = options;
  const graph = `${cloud.arm}${GRAPH_PATH}`;
  const isRead = ({ method, url }: { readonly method: string; readonly url: string }) =>
    method === 'GET' || url.startsWith(`${graph}?`);
  const client = thinClient({
    ...rest,
    endpoint: cloud.arm,
    audience: cloud.armAudience,
    policy: brief((request) => (isRead(request) ? READ_SECONDS : POST_SECONDS)),
  });
  const asking = async (
    answer: Promise<PipelineResponse>,
    doing: string,
    statuses: readonly number[],
  ) => {
    try {
      const given = await answer;
      const body = jsonOf(given);
      if (statuses.includes(given.status) && (body !== undefined || statuses.length > 1))
        return body;
      throw { statusCode: given.status, details: body, response: { headers: given.headers } };
    } catch (error) {
      throw named(error, fromArm(error, doing, { write: false }));
    }
  };
  const at = (path: string, query: Readonly<Record<string, string>>) => {
    if (!PATH.test(path)) throw new KeyturnError('failed', { detail: 'Not a path of a resource.' });
    return `${cloud.arm}${path}?${new URLSearchParams(query)}`;
  };
  return {
    get: async (path, query, doing) => asking(client('GET', at(path, query)), doing, [200]),
    ask: (query, body, doing) =>
      asking(client('POST', `${graph}?${new URLSearchParams(query)}`, body), doing, [200]),
    async post(path, query, doing) {
      await asking(client('POST', at(path, query)), doing, TAKEN);
    },
  };
}

/** The action that is missing, as the refusal names it: of some calls it stands in no list of operations (facts-after F1.1). */
function named(thrown: unknown, error: KeyturnError): KeyturnError {
  if (error.facts.status !== 403) return error;
  const { details } = thrown as { details?: { error?: { message?: unknown } } };
  const message = String(details?.error?.message ?? '').slice(0, 4_000);
  const [, action] = /perform action '([A-Za-z]+\.[\w.]+(?:\/[\w*]+)+)'/.exec(message) ?? [];
  if (action === undefined || action.length > 200) return error;
  return new KeyturnError(error.reason, {
    ...error.facts,
    detail: `${error.detail} It needs the action ${action}.`,
  });
}
