/** What the doctor found of one secret: every action, lock, date and neighbour that its next rotation depends on, each with its remedy. */
import type { Reason, Remedy } from './reasons.ts';

export const OUTCOMES = ['ok', 'problem', 'cannot-tell'] as const;
/** `cannot-tell`: it may be well, and nothing is known against it. */
export type DiagnosisOutcome = (typeof OUTCOMES)[number];

/** One thing that was looked at. Never a value; text of strangers quoted. */
export interface Diagnosis {
  /** What it is about: a name of `CHECKS`. One check may be there several times, as `rights` for each action. */
  readonly check: string;
  readonly outcome: DiagnosisOutcome;
  /** Of a problem, and of what cannot be told. */
  readonly reason?: Reason;
  readonly detail?: string;
  /** What helps: a command to paste where one does, else words. */
  readonly remedy?: string;
  readonly who?: Remedy['by'];
}

/** What the last looks found, as the row keeps it: problems in full, what cannot be told by its name, and what is well not at all. */
export interface Doctored {
  readonly on: Date;
  readonly problems: readonly (Diagnosis & Pick<Untold, 'from'>)[];
  /** Checks that cannot be told, each once. */
  readonly untold: readonly Untold[];
  /** When each question was asked that costs a request, and what it came to: between two times its answer stands. */
  readonly asked: readonly Answered[];
}

/** A check that cannot be told, and the question whose answer that is. */
export interface Untold {
  readonly check: string;
  readonly from?: string;
}

/** The last answer to a question that costs a request. */
export interface Answered {
  readonly question: string;
  readonly on: Date;
}

/** A row keeps no more, and each text is cut (`src/store/schemas.ts` takes as much). */
export const PROBLEMS_MAX = 12;
export const DETAIL_MAX = 400;
export const REMEDY_MAX = 600;
