/** The answer that a request will be seen to. */
import type { HttpRequest } from '@azure/functions';
import { operationBody, RETRY_SECONDS, type Shown } from '../http/operation.ts';
import { type Answer, answer } from '../http/problem.ts';

/** 202, with the address at which the operation can be followed. */
export const accepted = (operation: Shown, { url }: HttpRequest): Answer =>
  answer(202, operationBody(operation), {
    'operation-location': new URL(`/api/operations/${operation.id}`, url).href,
    'retry-after': RETRY_SECONDS,
  });
