/** `GET /api/readiness`: what stands in the way of the app's work, with remedies (design section 5). */
import { guarded } from '../call.ts';
import { answer } from '../problem.ts';
import { readiness } from '../readiness.ts';
import { ReadinessBody, readinessBody } from '../readinessBody.ts';

const body = { name: 'ReadinessBody', schema: ReadinessBody };

export const showReadiness = guarded({
  name: 'readiness',
  method: 'GET',
  path: 'readiness',
  summary: 'What stands in the way, with remedies',
  roles: ['Keyturn.Read'],
  answers: {
    200: { description: 'Found.', body },
    503: { description: 'Something is not ready.', body },
  },
  async run(deps, caller) {
    const found = await readiness(caller, deps, deps.probes(), deps.foundVaults());
    return answer(found.ready ? 200 : 503, readinessBody(found));
  },
});
