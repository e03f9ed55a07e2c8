/** `GET /api/health`: whether the app can work, for a probe without a token: 200 or 503 and not a word more. */
import type { OpenCall } from '../call.ts';
import { answer } from '../problem.ts';

export const showHealth: OpenCall = {
  name: 'health',
  method: 'GET',
  path: 'health',
  summary: 'Whether the app can work',
  roles: 'anyone',
  isSure: true,
  answers: {
    200: { description: 'It can.' },
    503: { description: 'It cannot; `/readiness` says why.' },
  },
  run: async (app) => answer((await app.health()) ? 200 : 503, undefined),
};
