/** A leak is over when the target has refused what leaked: tried after the revocation and before anything is marked, and written down at once. */
import { BusyError, KeyturnError } from '../../core/errors.ts';
import type { VersionId } from '../../core/ids.ts';
import type { Form } from '../../form/form.ts';
import type { LeakEvidence } from '../../ports/operations.ts';
import type { Acting } from './acting.ts';
import { stayer } from './stay.ts';

const PAUSE_SECONDS = [1, 2, 4, 8, 15] as const;
const PLANE =
  'the management plane of the target, which no longer has the credential; it was not tried';

/**
 * Of the version that leaked: when the target refused its value, or who vouches for it where it can't be tried. Throws `BusyError`
 * while the value is still taken: nothing is marked then, and the next look goes on.
 *
 * @param old its value; undefined where its owner had disabled the version
 */
export async function takeEvidence(
  version: VersionId,
  old: Form | undefined,
  acting: Acting,
): Promise<void> {
  const { leak, seen, deps } = acting;
  if (leak?.version !== version) return;
  const stay = stayer(acting);
  for (let turn = 0; ; turn++) {
    const said = await verdictOn(old, acting);
    if (said === 'refused' || said === 'unknown') {
      const isTried = said === 'refused' && seen.observed.verdict === 'accepted';
      const evidence: LeakEvidence = isTried
        ? { refusedOn: deps.clock.now() }
        : { vouchedBy: PLANE };
      acting.evidence = evidence;
      if (evidence.refusedOn) acting.refusedOn.set(version, evidence.refusedOn);
      // Now, not with the end of the pass: once the version is disabled nobody can read its value to try it again.
      await deps.rows.saveOperation({ ...leak, result: { ...leak.result, ...evidence } });
      return;
    }
    const pause = PAUSE_SECONDS[turn];
    if (pause === undefined || !(await stay(pause)))
      throw new BusyError('target-busy', {
        detail: `The target still takes what leaked (version ${version}).`,
      });
  }
}

/** Of a login the revocation itself ends only once the server has refused the old password: one more try may lock it. */
async function verdictOn(
  old: Form | undefined,
  { seen }: Acting,
): Promise<'refused' | 'taken' | 'unknown'> {
  if (!old) return 'unknown';
  const { target, rotator } = seen.optIn;
  if (old.login !== undefined && rotator.overlap !== 'none') return 'refused';
  try {
    const verdict = await target.check(old.bare, old.login);
    if (verdict === 'refused' || verdict === 'unknown') return verdict;
    return 'taken';
  } catch (error) {
    if (!(error instanceof KeyturnError) || error instanceof BusyError) throw error;
    return 'unknown';
  }
}
