/** What the state of an undone version says beside that of any other. */
import { addHours, earliest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import type { RotatorState } from '../../tags/state.ts';
import { undoHold } from '../observe/undoRule.ts';
import type { Source } from '../step.ts';
import type { Acting } from './acting.ts';

/**
 * The hold, and since when the credential has been in use: an undo makes a young version of an old credential, and must not make
 * that young. Where the target itself ends the credential, the hold is over a grace before.
 */
export function undoneState(
  source: Source,
  { seen, deps }: Acting,
): Pick<RotatorState, 'hold' | 'since'> {
  if (source.kind !== 'again') return {};
  const now = deps.clock.now();
  const replaced = seen.older.find(({ version }) => version === source.version);
  const ends = seen.target.endsOn?.get(source.handle);
  const hold = earliest(
    undoHold(seen.observed.hold, now),
    ends && addHours(ends, -seen.policy.graceHours),
  ) as Date;
  const since = replaced?.state.since ?? replaced?.createdOn ?? now;
  return compact({ since, hold: hold > now ? hold : undefined });
}
