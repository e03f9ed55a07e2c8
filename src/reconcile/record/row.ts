/** The row of a secret after a pass: what is remembered of it. */
import type { SecretRef } from '../../core/ids.ts';
import type { SecretRow } from '../../ports/rows.ts';
import { stateOrNone } from '../../tags/owed.ts';
import { formatState } from '../../tags/state.ts';
import { begunOn } from '../observe/begun.ts';
import type { Observation } from '../observe/observation.ts';
import { takenOverOn } from '../observe/observeTarget.ts';
import type { BoundSecret, Trail } from '../observe/observeVault.ts';
import { changes, type Step } from '../step.ts';
import { endsFailure } from './alert.ts';
import type { PassEnd } from './end.ts';
import { isLeft } from './view.ts';

type RowEnd = Pick<
  SecretRow,
  | 'nextLookOn'
  | 'alert'
  | 'wouldAlert'
  | 'lookedOn'
  | 'view'
  | 'operations'
  | 'tries'
  | 'standing'
  | 'untold'
  | 'reminded'
>;

/** What the row says from now on: all of it is written anew, and what is undefined is forgotten. */
export function rowAfter(
  { step, change, error, bound, seen, trail }: PassEnd,
  { secret, row }: { readonly secret: SecretRef; readonly row: SecretRow | undefined },
  { tries, operations, ...rest }: { [K in keyof RowEnd]: RowEnd[K] | undefined },
): SecretRow {
  const merged = {
    ...row,
    ...secret,
    failures: row?.failures ?? 0,
    ...(endsFailure(step) && !error ? { lastFailure: undefined } : {}),
    ...(seen
      ? {
          age: seen.observed.age,
          takenOverOn: takenOverOn(seen),
          ...wroteIn(seen, row),
          begun: begunAfter(seen),
        }
      : firstSeen(step, trail, row)),
    // Opted in again it is taken over anew.
    ...(step.kind === 'skip' && isLeft(step.reason)
      ? { takenOverOn: undefined, doctor: undefined }
      : {}),
    ...change,
    seenUpdatedOn: changes(step)
      ? undefined
      : (bound?.current.updatedOn ?? trail?.current?.updatedOn),
    step: step.kind,
    reason: step.reason,
    detail: 'detail' in step ? step.detail : undefined,
    wrong: wrongAfter({ bound, seen }, row),
    ...rest,
    tries: tries || undefined,
    operations: operations?.length ? operations : undefined,
  };
  const remembered = { ...merged, wrote: wroteLately(row, merged.wroteVersion) };
  return Object.fromEntries(
    Object.entries(remembered).filter(([, value]) => value !== undefined),
  ) as unknown as SecretRow;
}

/** One more than a day takes (`ROTATIONS_MAX` of `decide.ts`), and one that a late packet stored again. */
const WROTE_MAX = 5;
const wroteLately = (
  row: SecretRow | undefined,
  version: SecretRow['wroteVersion'],
): SecretRow['wrote'] =>
  version === undefined || row?.wrote?.includes(version)
    ? row?.wrote
    : [...(row?.wrote ?? []), version].slice(-WROTE_MAX);

/** The state of our own version as this look read it: a table that was lost knows again what an apply may wipe (PRF-02). */
const wroteIn = (
  { observed, state, current }: Observation,
  row: SecretRow | undefined,
): Pick<SecretRow, 'wroteVersion' | 'wroteState'> =>
  state && observed.ours && observed.written && row?.wroteVersion !== current.id
    ? { wroteVersion: current.id, wroteState: formatState(state) }
    : {};

/** The mark as this look found it; that of a value that was written back stays as the row has it. */
const begunAfter = (seen: Observation): SecretRow['begun'] =>
  begunOn(seen) ?? (seen.observed.begun ? seen.row?.begun : undefined);

/** Passwords that the target has called wrong: what this pass was told, or what was known where it did not come so far. */
function wrongAfter(
  {
    bound,
    seen,
  }: { readonly bound: BoundSecret | undefined; readonly seen: Observation | undefined },
  row: SecretRow | undefined,
): SecretRow['wrong'] {
  const tries = bound?.optIn.target.wrong?.list() ?? [];
  if (tries.length > 0) return tries;
  return seen === undefined ? row?.wrong : undefined;
}

/** What was refused before anything could be seen of it is opted in all the same: its turn counts from then on (case VAL-12). */
function firstSeen(
  { kind }: Step,
  trail: Trail | undefined,
  row: SecretRow | undefined,
): Partial<SecretRow> {
  const current = trail?.current;
  if (kind === 'skip' || !current || trail?.leaving !== undefined || row?.takenOverOn) return {};
  return stateOrNone(current.tags)?.tgt === undefined ? { takenOverOn: current.updatedOn } : {};
}
