/**
 * The doctor: whether the rotation of a secret will work on its day, told without a write. Every right, lock, date and neighbour that
 * it depends on is looked at, not only the first that is in the way; what cannot be told is said as that.
 */
import { compact } from '../../core/compact.ts';
import {
  type Answered,
  DETAIL_MAX,
  type Diagnosis,
  type Doctored,
  PROBLEMS_MAX,
  REMEDY_MAX,
} from '../../core/diagnosis.ts';
import { mask } from '../../core/mask.ts';
import { reasonRow } from '../../core/reasons.ts';
import type { Deps } from '../../ports/deps.ts';
import { aboutSecret, remedyFor } from '../../tags/about.ts';
import { CHECKS, type CheckName } from '../checks.ts';
import type { AskedRights } from '../observe/missingRights.ts';
import { commandFor } from './commands.ts';
import { answersTo, dueQuestions } from './questions.ts';
import { rulesOf } from './rules.ts';
import { type Inquiry, type Looked, QUESTIONS, type Symptom } from './symptom.ts';

/**
 * Asks everything: about ten requests, for a person who wants to know now.
 *
 * @param known rights that were asked about a moment ago
 */
export async function examine(
  looked: Looked,
  deps: Deps,
  known?: AskedRights,
): Promise<readonly Diagnosis[]> {
  const [seen, asked] = await Promise.all([
    rulesOf(looked, deps),
    answersTo(QUESTIONS, looked, deps, { known }),
  ]);
  return told([...seen, ...asked], looked, deps).map(({ diagnosis }) => diagnosis);
}

/**
 * For the row, by a look that has changed nothing: what it saw by itself is judged each time, and at most two more requests a day ask in
 * turn for what it could not see. Between two times an answer stands as it was.
 */
export async function examineDaily(looked: Looked, deps: Deps): Promise<Doctored> {
  const before = looked.bound.row?.doctor;
  const now = deps.clock.now();
  const questions = dueQuestions(looked, before, deps.clock);
  const asked = await answersTo(questions, looked, deps, { near: true });
  const all = told([...(await rulesOf(looked, deps)), ...asked], looked, deps);
  const stands = ({ from }: { readonly from?: string | undefined }) =>
    from !== undefined &&
    !questions.some((question) => question === from) &&
    (looked.consented || !OF_TARGET.includes(from));
  const problems = all.filter(({ diagnosis }) => diagnosis.outcome === 'problem').map(kept);
  const untold = all.filter(({ diagnosis }) => diagnosis.outcome === 'cannot-tell').map(kept);
  return {
    on: now,
    problems: [...problems, ...(before?.problems ?? []).filter(stands)].slice(0, PROBLEMS_MAX),
    untold: unique([
      ...untold.map(({ check, from }) => ({ check, ...(from ? { from } : {}) })),
      ...(before?.untold ?? []).filter(stands),
    ]),
    asked: askedAfter(before?.asked ?? [], questions, now),
  };
}

/** Answers that are about the target. */
const OF_TARGET: readonly string[] = ['rights', 'grants', 'locks'] satisfies Inquiry[];

const askedAfter = (
  before: readonly Answered[],
  questions: readonly Inquiry[],
  on: Date,
): readonly Answered[] => [
  ...before.filter(({ question }) => !questions.some((each) => each === question)),
  ...questions.map((question) => ({ question, on })),
];

function unique<T extends { readonly check: string; readonly from?: string }>(
  all: readonly T[],
): readonly T[] {
  const seen = new Set<string>();
  return all.filter(({ check, from = '' }) => {
    const key = `${check} ${from}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}

const kept = ({ diagnosis, from }: Told): Diagnosis & { readonly from?: Inquiry } =>
  compact({
    ...diagnosis,
    detail: diagnosis.detail?.slice(0, DETAIL_MAX),
    remedy: diagnosis.remedy?.slice(0, REMEDY_MAX),
    from,
  });

interface Told {
  readonly diagnosis: Diagnosis;
  readonly from?: Inquiry | undefined;
}

/** With who acts and what helps, each thing once, in the order of the checks; the worst of a check goes before what is well. */
function told(found: readonly Symptom[], looked: Looked, deps: Deps): readonly Told[] {
  const about = aboutSecret(
    { secret: looked.bound.secret, row: looked.bound.row, bound: looked.bound },
    deps,
  );
  const all = withoutTwins(found).map((each): Told => {
    const { check, outcome, reason, detail, from } = each;
    if (outcome === 'ok' || reason === undefined)
      return { diagnosis: compact({ check, outcome, detail }), from };
    const { by, remedy } = remedyFor(reason, looked.bound.secret, about, deps);
    const said = mask(detail ?? reasonRow(reason).cause, { versions: true });
    const helps = (outcome === 'problem' ? commandFor(each, looked, deps) : undefined) ?? remedy;
    return { diagnosis: { check, outcome, reason, detail: said, remedy: helps, who: by }, from };
  });
  const rank = ({ diagnosis }: Told) => CHECKS.indexOf(diagnosis.check as CheckName);
  return all.sort((one, other) => rank(one) - rank(other));
}

/** A lock that stopped the look is the one that the list of locks names, and an obstacle what ended the look. */
function withoutTwins(found: readonly Symptom[]): readonly Symptom[] {
  const isNamed = found.some(
    ({ reason, command }) => reason === 'scope-locked' && command !== undefined,
  );
  // That a POST went through says more than a list that may not be seen.
  const isFree = found.some(({ check, outcome }) => check === 'locks' && outcome === 'ok');
  const seen = new Set<string>();
  return found.filter(({ check, outcome, reason = '', detail = '', command }) => {
    if (reason === 'scope-locked' && command === undefined && isNamed) return false;
    if (check === 'locks' && outcome === 'cannot-tell' && isFree) return false;
    const key = [check, outcome, reason, detail].join('\n');
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
