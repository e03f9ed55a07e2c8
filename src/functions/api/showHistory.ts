import { historyBody } from '../../api/historyBody.ts';
import { answer } from '../../api/problem.ts';
import { fromPath } from '../../api/rotateRequest.ts';
import { answering } from '../context.ts';

/** Who changed what about a secret, newest first. */
export const history = answering(async (request, keyturn) => {
  const caller = await keyturn.auth.authenticate(request.headers.get('authorization'));
  const ref = fromPath(request.params.vault ?? '', request.params.name ?? '');
  return answer(200, historyBody(ref, await keyturn.history(ref, caller)));
});
