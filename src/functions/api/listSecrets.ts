import { fromInventoryQuery, toContinuation } from '../../api/inventoryQuery.ts';
import { answer } from '../../api/problem.ts';
import { secretsBody } from '../../api/secretBody.ts';
import { answering } from '../context.ts';

/** The inventory: what the last looks saw, 100 secrets at a time. */
export const secrets = answering(async (request, keyturn) => {
  const caller = await keyturn.auth.authenticate(request.headers.get('authorization'));
  // Of `request.query` one cannot tell whether a name came twice.
  const { items, last } = await keyturn.inventory(fromInventoryQuery(new URL(request.url).searchParams), caller);
  return answer(200, secretsBody(items, last && toContinuation(last)));
});
