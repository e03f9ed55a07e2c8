import { fromHoldRequest } from '../../requests/hold.ts';
import { fromIdempotencyKey, fromPath } from '../../requests/rotate.ts';
import { accepted, bodyOf } from '../accepted.ts';
import { answering } from '../context.ts';

/** Postpones: nothing is rotated or revoked until the time that is named. Answers 202; a pass writes the hold. */
export const hold = answering(async (request, keyturn) => {
  const caller = await keyturn.auth.authenticate(request.headers.get('authorization'));
  const idempotencyKey = fromIdempotencyKey(request.headers.get('idempotency-key'));
  const asked = fromHoldRequest(await bodyOf(request));
  const ref = fromPath(request.params.vault ?? '', request.params.name ?? '');
  const call = { caller, ref, asked, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
  return accepted(await keyturn.hold(call), request);
});
