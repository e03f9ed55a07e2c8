/** What the calls that ask for something share: their body, and the answer that it will be seen to. */
import type { HttpRequest } from '@azure/functions';
import { operationBody, RETRY_SECONDS, type Shown } from '../http/operation.ts';
import { type Answer, answer } from '../http/problem.ts';
import { BODY_BYTES_MAX, tooLarge } from '../requests/body.ts';

/** The announced length is asked first, so that a large body is not even turned into text. */
export async function bodyOf(request: HttpRequest): Promise<string> {
  if (Number(request.headers.get('content-length')) > BODY_BYTES_MAX) throw tooLarge();
  return await request.text();
}

/** 202, with the address at which the operation can be followed. */
export const accepted = (operation: Shown, { url }: HttpRequest): Answer =>
  answer(202, operationBody(operation), {
    'operation-location': new URL(`/api/operations/${operation.id}`, url).href,
    'retry-after': RETRY_SECONDS,
  });
