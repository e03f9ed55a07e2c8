import { fromHoldRequest } from '../../api/holdRequest.ts';
import { accepted } from '../accepted.ts';
import { askedIn } from '../calling.ts';
import { answering } from '../context.ts';

/** Postpones: nothing is rotated or revoked until the time that is named. Answers 202; a pass writes the hold. */
export const hold = answering(async (request, keyturn) => {
  const kind = { roles: ['Keyturn.Rotate'], parse: fromHoldRequest } as const;
  return accepted(await keyturn.hold(await askedIn(request, keyturn, kind)));
});
