import { planBody } from '../../http/operation.ts';
import { answer } from '../../http/problem.ts';
import { fromIdempotencyKey, fromPath, fromRotateRequest } from '../../requests/rotate.ts';
import { accepted, bodyOf } from '../accepted.ts';
import { answering } from '../context.ts';

/** Asks for a rotation now. Answers 202 at once; the pass does the work (azure-facts 9.1: 230 s is the end of any answer). */
export const rotate = answering(async (request, keyturn) => {
  const caller = await keyturn.auth.authenticate(request.headers.get('authorization'));
  const idempotencyKey = fromIdempotencyKey(request.headers.get('idempotency-key'));
  const asked = fromRotateRequest(await bodyOf(request));
  const ref = fromPath(request.params.vault ?? '', request.params.name ?? '');
  const done = await keyturn.rotate({
    caller,
    ref,
    asked,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });
  if ('plan' in done) return answer(200, planBody(done.plan));
  return accepted(done.operation, request);
});
