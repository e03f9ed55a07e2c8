/** Findings while they are made: what was looked at and what it came to, before words and commands are put to it. */
import type { DiagnosisOutcome } from '../../core/diagnosis.ts';
import type { KeyturnError } from '../../core/errors.ts';
import type { Reason } from '../../core/reasons.ts';
import type { TargetFacts } from '../../ports/rotator.ts';
import { type CheckName, doctorsCheckOf } from '../checks.ts';
import type { Observation } from '../observe/observation.ts';
import type { BoundSecret } from '../observe/observeVault.ts';

/** How far a look came. */
export interface Looked {
  readonly bound: BoundSecret;
  /** All was read. */
  readonly seen?: Observation | undefined;
  /** What ended it otherwise. */
  readonly error?: KeyturnError | undefined;
  /** The target, as far as it was read. */
  readonly inspected?: TargetFacts | undefined;
  /** The owners of the target gave it: without that nothing is asked or told of it (case SEC-09). */
  readonly consented: boolean;
}

/** What costs a request: each is asked in turn by the daily look, and all of them live. */
export const QUESTIONS = ['rights', 'grants', 'vault', 'locks', 'events'] as const;
export type Inquiry = (typeof QUESTIONS)[number];

export interface Symptom {
  readonly check: CheckName;
  readonly outcome: DiagnosisOutcome;
  readonly reason?: Reason | undefined;
  readonly detail?: string | undefined;
  /** What mends it, to be pasted. */
  readonly command?: string | undefined;
  /** The question that it answers; what the look saw by itself answers none. */
  readonly from?: Inquiry | undefined;
}

export const well = (check: CheckName, detail?: string): Symptom => ({
  check,
  outcome: 'ok',
  detail,
});
export const problem = (reason: Reason, detail?: string, command?: string): Symptom => ({
  ...{ check: doctorsCheckOf(reason), outcome: 'problem', reason, detail, command },
});
export const untold = (check: CheckName, detail: string, reason: Reason = 'not-told'): Symptom => ({
  ...{ check, outcome: 'cannot-tell', reason, detail },
});
