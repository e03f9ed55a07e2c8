import { fromRotateRequest } from '../../api/rotateRequest.ts';
import { accepted } from '../accepted.ts';
import { askedIn } from '../calling.ts';
import { answering } from '../context.ts';

/** Asks for a rotation now. Answers 202 at once; the pass does the work (azure-facts 9.1: 230 s is the end of any answer). */
export const rotate = answering(async (request, keyturn) => {
  const kind = { roles: ['Keyturn.Rotate', 'Keyturn.Revoke'], parse: fromRotateRequest } as const;
  return accepted(await keyturn.rotate(await askedIn(request, keyturn, kind)));
});
