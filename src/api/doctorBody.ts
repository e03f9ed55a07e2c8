/** How the doctor's findings are shown: of one secret, asked now, and of many, as the last looks had them. Never a value. */

import { z } from 'zod';
import { compact } from '../core/compact.ts';
import type { DiagnosisOutcome } from '../core/diagnosis.ts';
import { plain } from '../core/plain.ts';
import { SECRET_STATUSES } from '../core/statuses.ts';
import { ReasonCode } from './problem.ts';

const date = z.iso.datetime();
const OUTCOME = z.enum(['ok', 'problem', 'cannot-tell']);

export const DiagnosisBody = z.strictObject({
  check: z.string().describe('What it is about; `rights` is there once for each action.'),
  outcome: OUTCOME.describe('`cannot-tell`: it may be well, and nothing is known against it.'),
  reason: ReasonCode.optional(),
  detail: z.string().optional(),
  remedy: z.string().optional().describe('What helps: a command to paste, where one does.'),
  who: z.string().optional().describe('Who must act.'),
});

const OVERALL = OUTCOME.describe(
  'The worst of the findings; what cannot be told is worse than what is well.',
);

export const DoctorBody = z.strictObject({
  vault: z.string(),
  secret: z.string(),
  outcome: OVERALL,
  examinedOn: date,
  findings: z.array(DiagnosisBody).describe('All of them, not only the first.'),
});

export const DoctorsBody = z.strictObject({
  secrets: z.array(
    z.strictObject({
      vault: z.string(),
      secret: z.string(),
      state: z.enum(SECRET_STATUSES),
      owner: z.string().optional(),
      outcome: OVERALL,
      examinedOn: date
        .optional()
        .describe('By the last look; absent where none has examined it yet.'),
      problems: z.array(DiagnosisBody),
      untold: z
        .array(z.string())
        .describe('Checks that cannot be told; the call of one secret says why.'),
    }),
  ),
  continuation: z.string().optional().describe('There where more follow.'),
});

interface ShownDiagnosis {
  readonly check: string;
  readonly outcome: DiagnosisOutcome;
  readonly reason?: string;
  readonly detail?: string;
  readonly remedy?: string;
  readonly who?: string;
}

/** The worst of what was found. */
export function outcomeOf(
  found: readonly { readonly outcome: DiagnosisOutcome }[],
): DiagnosisOutcome {
  if (found.some(({ outcome }) => outcome === 'problem')) return 'problem';
  return found.some(({ outcome }) => outcome === 'cannot-tell') ? 'cannot-tell' : 'ok';
}

export const doctorBody = (
  { vault, name }: { readonly vault: string; readonly name: string },
  findings: readonly ShownDiagnosis[],
  examinedOn: Date,
) => ({
  vault,
  secret: name,
  outcome: outcomeOf(findings),
  examinedOn,
  findings: findings.map(diagnosisBody),
});

const diagnosisBody = ({ check, outcome, reason, detail, remedy, who }: ShownDiagnosis) =>
  compact({ check, outcome, reason, detail: detail && plain(detail, SHOWN_MAX), remedy, who });
const SHOWN_MAX = 1_000;

interface ShownRow {
  readonly vault: string;
  readonly name: string;
  readonly view: { readonly state: (typeof SECRET_STATUSES)[number]; readonly owner?: string };
  readonly doctor?: {
    readonly on: Date;
    readonly problems: readonly ShownDiagnosis[];
    readonly untold: readonly { readonly check: string }[];
  };
}

export const doctorsBody = (items: readonly ShownRow[], continuation?: string) => ({
  secrets: items.map(({ vault, name, view, doctor }) => {
    const untold = [...new Set((doctor?.untold ?? []).map(({ check }) => check))];
    const isTold = doctor !== undefined && untold.length === 0;
    return compact({
      ...{ vault, secret: name, state: view.state },
      owner: view.owner && plain(view.owner),
      outcome: doctor && doctor.problems.length > 0 ? 'problem' : isTold ? 'ok' : 'cannot-tell',
      examinedOn: doctor?.on,
      problems: (doctor?.problems ?? []).map(diagnosisBody),
      untold,
    });
  }),
  ...compact({ continuation }),
});
