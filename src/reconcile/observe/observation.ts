/** One observation, whole: a bound secret, its target and what is named there. */
import type { Handle } from '../../core/ids.ts';
import type { Form } from '../../form/form.ts';
import type { TargetFacts } from '../../ports/rotator.ts';
import type { NamedOlder } from '../../tags/owed.ts';
import type { RotatorState } from '../../tags/state.ts';
import type { Observed } from './observed.ts';
import type { BoundSecret } from './observeVault.ts';

/** A write whose outcome was unknown may still arrive this long after (design section 3, case SDK-01). */
export const SETTLING_MINUTES = 10;

/** A rotation that took longer than this from its mark to the store marks again: a PUT goes out at most so long after its mark. */
export const SLOW_MINUTES = 2;

/** All that acting needs beside what was decided. */
export interface Observation extends BoundSecret {
  readonly observed: Observed;
  readonly target: TargetFacts;
  readonly opened: Form;
  readonly older: readonly NamedOlder[];
  /** The handle of the current value, told from the value for certain. */
  readonly named?: Handle;
}

/** The state of the current version to build on: what Keyturn wrote there, or none but a person's hold. */
export const baseState = ({
  observed,
  state,
}: Pick<Observation, 'observed' | 'state'>): RotatorState => {
  if (observed.ours && state) return state;
  return observed.hold ? { hold: observed.hold } : {};
};
