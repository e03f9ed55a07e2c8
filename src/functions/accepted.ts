/** The answer that a request will be seen to. */
import { operationBody, planBody, RETRY_SECONDS } from '../api/operationBody.ts';
import { type Answer, answer } from '../api/problem.ts';
import type { RequestAnswer } from '../api/requests.ts';

/**
 * 202, with the address at which the operation can be followed; or, of a dry run, what would come of it. The address is relative:
 * the header `Host` is the caller's own word (case ATK-12).
 */
export function accepted(done: RequestAnswer): Answer {
  if ('plan' in done) return answer(200, planBody(done.plan));
  return answer(202, operationBody(done.operation), {
    'operation-location': `/api/operations/${done.operation.id}`,
    'retry-after': RETRY_SECONDS,
  });
}
