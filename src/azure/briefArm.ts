/**
 * Azure Resource Manager for what must never hold a pass up: no call is repeated, and each is given up after seconds. The one POST
 * changes nothing but that a resource reads a vault again.
 */
import type { TokenCredential } from '@azure/identity';
import type { Clock } from '../core/clock.ts';
import { KeyturnError } from '../core/errors.ts';
import { brief } from '../core/pipeline.ts';
import { type Arm, addressOf, armOver, isArmRead, thrownOf } from './arm.ts';
import { fromArm } from './armErrors.ts';
import type { Cloud } from './cloud.ts';
import { thinClient } from './thinClient.ts';

export interface BriefArm extends Arm {
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
  const isRead = isArmRead(cloud);
  const client = thinClient({
    ...rest,
    endpoint: cloud.arm,
    audience: cloud.armAudience,
    policy: brief((request) => (isRead(request) ? READ_SECONDS : POST_SECONDS)),
  });
  return {
    ...armOver(client, cloud, failed),
    async post(path, query, doing) {
      const address = addressOf(path, query, cloud);
      try {
        const answer = await client('POST', address);
        if (!TAKEN.includes(answer.status)) throw thrownOf(answer);
      } catch (error) {
        throw failed(error, doing);
      }
    },
  };
}

const failed = (error: unknown, doing: string): KeyturnError =>
  named(error, fromArm(error, doing, { write: false }));

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
