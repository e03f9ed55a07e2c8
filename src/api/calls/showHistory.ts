/** `GET /api/vaults/{vault}/secrets/{name}/history`: who changed what about a secret, the newest first (design section 5). */
import { addDays } from '../../core/clock.ts';
import { KeyturnError } from '../../core/errors.ts';
import type { SecretRef } from '../../core/ids.ts';
import type { History } from '../../ports/audit.ts';
import type { Deps } from '../../ports/deps.ts';
import { type Caller, requireRole } from '../auth.ts';
import { guarded, SECRET } from '../call.ts';
import { HistoryBody, historyBody } from '../historyBody.ts';
import { answer } from '../problem.ts';
import { fromPath } from '../receive.ts';
import { MENDABLE, visible } from '../requests.ts';

/** How far back a history goes. */
const HISTORY_DAYS = 90;

/**
 * The audit records of a secret, for readers. A secret that they may not see has none to show: the same 404. What a person
 * must mend about its tags hides nothing.
 */
async function history(ref: SecretRef, caller: Caller, deps: Deps): Promise<History> {
  requireRole(caller, 'Keyturn.Read');
  try {
    await visible(ref, deps);
  } catch (error) {
    if (!(error instanceof KeyturnError) || !MENDABLE.includes(error.reason)) throw error;
  }
  return await deps.audit.history(ref, addDays(deps.clock.now(), -HISTORY_DAYS));
}

export const showHistory = guarded({
  name: 'history',
  method: 'GET',
  path: `${SECRET}/history`,
  summary: 'What Keyturn did to a secret',
  roles: ['Keyturn.Read'],
  byVault: 'readers',
  answers: { 200: { description: 'Found.', body: { name: 'HistoryBody', schema: HistoryBody } } },
  async run(deps, caller, { path }) {
    const ref = fromPath(path);
    return answer(200, historyBody(ref, await history(ref, caller, deps)));
  },
});
