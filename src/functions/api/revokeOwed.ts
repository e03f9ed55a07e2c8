import { fromRevokeRequest } from '../../api/revokeRequest.ts';
import { accepted } from '../accepted.ts';
import { askedIn } from '../calling.ts';
import { answering } from '../context.ts';

/** Ends or moves the grace of what is owed, and never rotates. Answers 202; a pass does the work. */
export const revoke = answering(async (request, keyturn) => {
  const kind = { roles: ['Keyturn.Revoke'], parse: fromRevokeRequest } as const;
  return accepted(await keyturn.revoke(await askedIn(request, keyturn, kind)));
});
