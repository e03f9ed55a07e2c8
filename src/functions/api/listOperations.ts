import { operationsBody } from '../../api/operationBody.ts';
import { fromOperationsQuery } from '../../api/operationsQuery.ts';
import { answer } from '../../api/problem.ts';
import { answering } from '../context.ts';

/** Requests of people and what became of them, the newest first. */
export const operations = answering(async (request, keyturn) => {
  const caller = await keyturn.auth.authenticate(request.headers.get('authorization'));
  const query = fromOperationsQuery(new URL(request.url).searchParams);
  return answer(200, operationsBody(await keyturn.operations(query, caller)));
});
