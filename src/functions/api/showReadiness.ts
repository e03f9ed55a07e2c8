import { answer } from '../../api/problem.ts';
import { readinessBody } from '../../api/readinessBody.ts';
import { answering } from '../context.ts';

/** What stands in the way of the app's work, with remedies. */
export const readiness = answering(async (request, keyturn) => {
  const found = await keyturn.readiness(await keyturn.auth.authenticate(request.headers.get('authorization')));
  return answer(found.ready ? 200 : 503, readinessBody(found));
});
