import { answer } from '../../api/problem.ts';
import { fromPath } from '../../api/rotateRequest.ts';
import { secretDetailBody } from '../../api/secretBody.ts';
import { answering } from '../context.ts';

/** One secret, with what became of each of its versions. */
export const secret = answering(async (request, keyturn) => {
  const caller = await keyturn.auth.authenticate(request.headers.get('authorization'));
  const ref = fromPath(request.params.vault ?? '', request.params.name ?? '');
  return answer(200, secretDetailBody(await keyturn.secret(ref, caller)));
});
