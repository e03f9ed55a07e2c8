/** What costs a request: rights at the target, inside of it and at the vault, locks, and events. Nothing of it is a write. */
import { addHours, type Clock } from '../../core/clock.ts';
import type { Doctored } from '../../core/diagnosis.ts';
import { inRole } from '../../core/neededRights.ts';
import type { RightCheck } from '../../core/rightChecks.ts';
import type { Deps } from '../../ports/deps.ts';
import { type AskedRights, atTarget, insideTarget, neededAt } from '../observe/missingRights.ts';
import type { BoundSecret } from '../observe/observeVault.ts';
import { type Inquiry, type Looked, problem, QUESTIONS, type Symptom, untold } from './symptom.ts';

/** How often the daily look asks each: what keeps a rotation from coming each day, the rest once a week. */
const EVERY_HOURS: Readonly<Record<Inquiry, number>> = {
  rights: 24,
  grants: 24,
  vault: 24,
  locks: 168,
  events: 168,
};
/** Requests that one look may cost beside its own, and the shortest time between two that ask. */
const REQUESTS_MAX = 2;
const PAUSE_HOURS = 20;
/** `near` keeps each to so many requests; of kinds with partners each server is asked. */
const COST: Readonly<Record<Inquiry, number>> = {
  rights: 1,
  grants: 1,
  vault: 1,
  locks: 2,
  events: 2,
};

/**
 * The questions whose turn it is in a daily look: those that were never asked first, then the one that has waited longest, as long
 * as they cost no more than two requests together. None within twenty hours of the last ones.
 */
export function dueQuestions(
  looked: Looked,
  before: Doctored | undefined,
  clock: Pick<Clock, 'now'>,
): readonly Inquiry[] {
  const now = clock.now();
  const askedOn = new Map(before?.asked.map(({ question, on }) => [question, on]));
  if ([...askedOn.values()].some((on) => addHours(on, PAUSE_HOURS) > now && on <= now)) return [];
  const dueFrom = (question: Inquiry): number => {
    const on = askedOn.get(question);
    return on === undefined
      ? Number.NEGATIVE_INFINITY
      : addHours(on, EVERY_HOURS[question] - 24 + PAUSE_HOURS).getTime();
  };
  const waiting = QUESTIONS.filter(
    (question) => applies(question, looked) && dueFrom(question) <= now.getTime(),
  );
  const chosen: Inquiry[] = [];
  for (const question of waiting.sort(
    (one, other) => dueFrom(one) - dueFrom(other) || rank(one) - rank(other),
  )) {
    const cost = [...chosen, question].reduce((sum, each) => sum + COST[each], 0);
    if (cost <= REQUESTS_MAX) chosen.push(question);
  }
  return chosen;
}

const rank = (question: Inquiry): number => QUESTIONS.indexOf(question);

/** What the look has shown by itself is not asked: that it could read, and that a POST went through, as no ReadOnly lock lets it. */
function applies(question: Inquiry, { bound, inspected, error, consented }: Looked): boolean {
  if (question === 'vault' || question === 'events') return true;
  if (!consented) return false;
  if (question === 'rights') return changesByAzure(bound);
  if (question === 'grants')
    return bound.optIn.target.rights !== undefined && !changesByAzure(bound);
  return (
    error?.reason === 'scope-locked' || (changesByAzure(bound) && inspected?.present === undefined)
  );
}

/** Whether the kind changes its target through Resource Manager: locks stop that alone, and the look itself has shown what only reads. */
export const changesByAzure = ({
  optIn: { target, rotator },
}: Pick<BoundSecret, 'optIn'>): boolean =>
  target.owners.some((id) =>
    inRole(neededAt(id, rotator.rights)).some((action) => !/\/read$/i.test(action)),
  );

/** Asks, and tells what came of it, action by action where a role was asked about. */
export async function answersTo(
  questions: readonly Inquiry[],
  { bound, consented }: Looked,
  deps: Deps,
  {
    near = false,
    known,
  }: { readonly near?: boolean; readonly known?: AskedRights | undefined } = {},
): Promise<readonly Symptom[]> {
  const may = (question: Inquiry) => consented || question === 'vault' || question === 'events';
  const asked = questions.filter(may);
  const checksOf = async (question: Inquiry) =>
    (known && question in known ? known[question as keyof AskedRights] : undefined) ??
    (await ask(question, bound, deps, near));
  const answers = await Promise.all(
    asked.map(async (question) =>
      (await checksOf(question)).flatMap((each) => foundOf(question, each)),
    ),
  );
  return answers.flat();
}

async function ask(
  question: Inquiry,
  bound: BoundSecret,
  { rights }: Deps,
  near: boolean,
): Promise<readonly RightCheck[]> {
  const { owners } = bound.optIn.target;
  const { vault } = bound.secret;
  if (question === 'grants') return await insideTarget(bound);
  if (!rights) return [];
  if (question === 'rights') return await atTarget(bound, rights);
  if (question === 'vault') return [await rights.vault(vault, near)];
  if (question === 'events') return [await rights.events(vault, near)];
  const locks = await Promise.all(owners.filter(isResource).map((id) => rights.locks(id, near)));
  return changesByAzure(bound) ? locks : locks.map(harmless);
}
/** A lock of Azure stops nothing that a server is asked for in its own language [learn: lock-resources]. */
const harmless = ({ what, state, detail }: RightCheck): RightCheck =>
  state === 'problem'
    ? { what, state: 'ok', detail: `${detail} Passwords are changed inside the server.` }
    : { what, state: 'ok' };
const isResource = (id: string): boolean => id.startsWith('/subscriptions/');

const CHECK = {
  rights: 'rights',
  grants: 'rights',
  vault: 'rights',
  locks: 'locks',
  events: 'events',
} as const;

function foundOf(
  from: Inquiry,
  { what, state, reason, detail, command, actions }: RightCheck,
): readonly Symptom[] {
  const check = CHECK[from];
  const said = detail === undefined ? what : `${what}: ${detail}`;
  if (!actions) {
    if (state === 'cannot tell') return [{ ...untold(check, said), from }];
    if (state === 'ok') return [{ check, outcome: 'ok', detail: said, from }];
    return [
      {
        ...problem(reason ?? 'target-forbidden', said, command),
        ...(reason === 'login-missing' ? {} : { check }),
        from,
      },
    ];
  }
  return actions.map(({ action, held }): Symptom => {
    if (held) return { check, outcome: 'ok', detail: `${action}: ${what}`, from };
    if (held === undefined || state !== 'problem')
      return { ...untold(check, `${action}: ${said}`), from };
    return {
      ...problem(reason ?? 'target-forbidden', `${action}: ${detail ?? what}`, command),
      check,
      from,
    };
  });
}
