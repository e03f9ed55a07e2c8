/** `GET /api/vaults/{vault}/secrets/{name}/doctor`: whether its next rotation will work, asked now and without a write. */
import type { SecretRef } from '../../core/ids.ts';
import type { Deps } from '../../ports/deps.ts';
import { diagnose, diagnoseUnbound } from '../../reconcile/doctor/diagnose.ts';
import { type Caller, requireRole } from '../auth.ts';
import { guarded, SECRET } from '../call.ts';
import { DoctorBody, doctorBody } from '../doctorBody.ts';
import { answer } from '../problem.ts';
import { fromPath } from '../receive.ts';
import { seen } from '../requests.ts';

/** All that was found of a secret that the caller may see; tags that do not bind are one of the findings. */
async function examined(ref: SecretRef, caller: Caller, deps: Deps) {
  requireRole(caller, 'Keyturn.Read');
  const found = await seen(ref, deps);
  return 'wrong' in found
    ? await diagnoseUnbound(ref, found, deps)
    : await diagnose(found.bound, deps);
}

export const examineSecret = guarded({
  name: 'doctor',
  method: 'GET',
  path: `${SECRET}/doctor`,
  summary: 'Whether its next rotation will work, without a write',
  roles: ['Keyturn.Read'],
  byVault: 'readers',
  answers: { 200: { description: 'Found.', body: { name: 'DoctorBody', schema: DoctorBody } } },
  async run(deps, caller, { path }) {
    const ref = fromPath(path);
    return answer(200, doctorBody(ref, await examined(ref, caller, deps), deps.clock.now()));
  },
});
