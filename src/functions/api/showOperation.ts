import { operationBody, RETRY_SECONDS } from '../../api/operationBody.ts';
import { answer } from '../../api/problem.ts';
import { answering } from '../context.ts';

/** What became of a request. */
export const operation = answering(async (request, keyturn) => {
  const caller = await keyturn.auth.authenticate(request.headers.get('authorization'));
  const operation = await keyturn.operation((request.params.id ?? '').toLowerCase(), caller);
  return answer(200, operationBody(operation), operation.done ? {} : { 'retry-after': RETRY_SECONDS });
});
