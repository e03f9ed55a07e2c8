/**
 * Audit records of steps whose pass died between the write and its record. The next pass sees what was written; where no
 * record tells of it, it appends one with the outcome `recovered`: what was done, without who asked and when exactly.
 */
import { addDays, addHours, earliest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import { KeyturnError } from '../../core/errors.ts';
import { rotationId } from '../../core/ids.ts';
import type { AuditRecord } from '../../ports/audit.ts';
import type { Deps } from '../../ports/deps.ts';
import type { SecretRow } from '../../ports/rows.ts';
import { stateOrNone } from '../../tags/owed.ts';
import type { Observation } from '../observe/observation.ts';
import { append, inLog } from './auditRecord.ts';
import type { PassEnd } from './end.ts';
import { newsOfRecord } from './news.ts';
import type { Telling } from './tell.ts';

/** A mark that is older was recorded, or its record is past finding. */
const MARK_DAYS = 7;

/**
 * Looks only where a pass may have died: at the proof of a version that the row does not know, at a revocation, and where
 * nothing is owed any more of what the last look saw.
 */
export async function recoverRecords(
  end: PassEnd,
  {
    row,
    cause,
    telling,
  }: { readonly row: SecretRow | undefined; readonly cause: string; readonly telling: Telling },
  deps: Deps,
): Promise<void> {
  const { seen, step, error } = end;
  if (!seen || error) return;
  const proving = step.kind === 'prove' && row?.wroteVersion !== seen.current.id;
  const settled =
    row?.view !== undefined && row.view.owed.length > 0 && seen.observed.owed.length === 0;
  const revoking = step.kind === 'revoke' ? step.owed : settled ? [] : undefined;
  const suspects = [
    ...(proving ? rotationOf(seen) : []),
    ...(revoking ? marksBeside(revoking, seen, deps) : []),
  ];
  if (suspects.length === 0) return;
  const common = {
    on: deps.clock.now(),
    ...seen.secret,
    outcome: 'recovered',
    cause,
    instance: deps.config.instance,
  };
  try {
    const { records } = await deps.audit.history(seen.secret, sinceOf(seen, deps));
    for (const suspect of suspects) {
      const record: AuditRecord = { ...common, ...suspect };
      const isRecorded = records.some((each) => tellsOf(each, suspect));
      // Its record may stand, and the notice that the queue did not take was lost with the pass: told again it has the same id.
      if (!isRecorded || suspect.step === 'rotate')
        for (const each of newsOfRecord(record)) await telling.tell(each);
      if (isRecorded) continue;
      deps.log('info', 'audit', inLog(record));
      const lost = await append(record, deps);
      if (lost) throw lost;
    }
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError)) throw thrown;
    // The step itself is recorded or alerted apart; this is about an earlier one, which the log may know.
    deps.log('error', 'audit unwritten', {
      ...seen.secret,
      step: 'recovered',
      detail: thrown.detail,
      ...thrown.facts,
    });
  }
}

type Suspect = Pick<
  AuditRecord,
  'step' | 'reason' | 'rotation' | 'version' | 'stored' | 'handle' | 'revokedVersions'
>;

/** The rotation that wrote the current version. Nobody knows any more what it was due to, but for an undo. */
function rotationOf({ state, secret, current, versions }: Observation): Suspect[] {
  if (state?.rot === undefined) return [];
  const replaced = versions.find(({ id }) => rotationId(secret, id) === state.rot);
  return [
    compact({
      step: 'rotate',
      reason: state.since ? 'undo' : 'begun',
      rotation: state.rot,
      stored: current.id,
      version: replaced?.id,
      handle: state.cred,
    }),
  ];
}

/** Versions that were marked lately, beside those of this very step. */
function marksBeside(
  owed: readonly { readonly version: string }[],
  seen: Observation,
  { clock }: Deps,
): Suspect[] {
  const { versions, current, state } = seen;
  const since = addDays(clock.now(), -MARK_DAYS);
  return versions.flatMap(({ id, tags, updatedOn }): Suspect[] => {
    const marked = id !== current.id && stateOrNone(tags)?.revoked === true && updatedOn >= since;
    if (!marked || owed.some(({ version }) => version === id)) return [];
    const rotation = state?.rot === undefined ? {} : { rotation: state.rot };
    return [
      {
        step: 'revoke',
        reason: 'grace-over',
        ...rotation,
        version: current.id,
        revokedVersions: [id],
      },
    ];
  });
}

const tellsOf = (record: AuditRecord, { step, rotation, revokedVersions }: Suspect): boolean =>
  record.step === step &&
  (step === 'rotate'
    ? record.rotation === rotation && record.stored !== undefined
    : revokedVersions?.every((id) => record.revokedVersions?.includes(id)) === true);

/** An hour before whatever may be missing. */
const sinceOf = ({ current }: Observation, { clock }: Deps): Date =>
  addHours(earliest(current.createdOn, addDays(clock.now(), -MARK_DAYS)) as Date, -1);
