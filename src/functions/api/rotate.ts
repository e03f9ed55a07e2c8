import { app, type HttpRequest } from '@azure/functions';
import { operationBody, planBody, RETRY_SECONDS } from '../../http/operation.ts';
import { answer } from '../../http/problem.ts';
import { BODY_BYTES_MAX, fromIdempotencyKey, fromPath, fromRotateRequest, tooLarge } from '../../requests/rotate.ts';
import { answering } from '../context.ts';

/** Asks for a rotation now. Answers 202 at once; the pass does the work (azure-facts 9.1: 230 s is the end of any answer). */
app.http('rotate', {
  methods: ['POST'],
  // Tokens are checked in code, since a function key says nothing about who calls (design section 6).
  authLevel: 'anonymous',
  route: 'vaults/{vault}/secrets/{name}/rotate',
  handler: answering(async (request, keyturn) => {
    const caller = await keyturn.auth.authenticate(request.headers.get('authorization'));
    const idempotencyKey = fromIdempotencyKey(request.headers.get('idempotency-key'));
    const asked = fromRotateRequest(await bodyOf(request));
    const ref = fromPath(request.params.vault ?? '', request.params.name ?? '');
    const done = await keyturn.rotate({
      caller,
      ref,
      asked,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
    if ('plan' in done) return answer(200, planBody(done.plan));
    return answer(202, operationBody(done.operation), {
      'operation-location': new URL(`/api/operations/${done.operation.id}`, request.url).href,
      'retry-after': RETRY_SECONDS,
    });
  }),
});

/** The announced length is asked first, so that a large body is not even turned into text. */
async function bodyOf(request: HttpRequest): Promise<string> {
  if (Number(request.headers.get('content-length')) > BODY_BYTES_MAX) throw tooLarge();
  return await request.text();
}
