/** What a look has read of the target before it is named. */
import type { Grant } from '../../core/grants.ts';
import type { Handle } from '../../core/ids.ts';
import type { Form } from '../../form/form.ts';
import type { Said, TargetFacts } from '../../ports/rotator.ts';

export interface TargetRead {
  readonly target: TargetFacts;
  readonly opened: Form;
  readonly placeholder: boolean;
  readonly handle: Handle | undefined;
  readonly grants: readonly Grant[];
  /** Of the current value. */
  readonly said?: Said;
}
