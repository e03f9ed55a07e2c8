/** `GET /api/reasons`: all reasons at once. */
import type { OpenCall } from '../call.ts';
import { answer } from '../problem.ts';
import { ReasonsBody, reasonsBody } from '../reasonPage.ts';

export const listReasons: OpenCall = {
  name: 'reasons',
  method: 'GET',
  path: 'reasons',
  summary: 'All reasons',
  roles: 'anyone',
  isSure: true,
  answers: {
    200: { description: 'By their codes.', body: { name: 'ReasonsBody', schema: ReasonsBody } },
  },
  run: async () => answer(200, reasonsBody()),
};
