/** Who still uses what is about to be revoked, and whether the policy waits for them (design section 3, "Evidence before revoking"). */
import { addHours, earliest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import { type UseVerdict, useInWords } from '../../core/uses.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Evidence, UseQuestion } from '../../ports/evidence.ts';
import type { NewNotice } from '../../ports/notices.ts';
import type { Owed } from '../../tags/owed.ts';
import type { Asked, Step } from '../step.ts';
import type { Observation } from './observation.ts';
import type { Use } from './observed.ts';

/** Who uses it is asked again after so long. */
const STEP_HOURS = 6;
/** Of the 90 seconds that the locks of a pass last. */
const ANSWER_MILLISECONDS = 25_000;

/**
 * The look with what is said of each credential that the step would revoke. Nothing is asked of any other step, and nothing for a
 * leak, of which every second counts; what a person wants revoked now is looked at and waits for nobody. What cannot be told is no
 * reason to revoke, and none to wait beyond the limit. The limit counts from the end of the grace, which stands on the version: no row
 * is needed to keep it.
 *
 * @param patience milliseconds for all answers together
 */
export async function withUses(
  seen: Observation,
  step: Step,
  asked: Asked | undefined,
  deps: Deps,
  patience: number = ANSWER_MILLISECONDS,
): Promise<Observation> {
  const { evidence } = deps;
  if (
    step.kind !== 'revoke' ||
    step.owed.length === 0 ||
    asked?.leaked ||
    deps.config.mode === 'observe'
  )
    return seen;
  const waits = step.reason === 'grace-over' && seen.observed.policy.whenUnused !== undefined;
  if (!evidence && !waits) return seen;
  const uses = await Promise.all(
    step.owed.map(async (each): Promise<[string, Use]> => {
      const verdict = evidence ? await useOf(each, evidence, seen, { ...deps, patience }) : NOBODY;
      return [each.version, waits ? weighed(verdict, seen, deps.clock.now()) : { verdict }];
    }),
  );
  return { ...seen, observed: { ...seen.observed, uses: new Map(uses) } };
}

/** Whoever uses what goes now all the same; of what waits for them the alert `in-use` tells. */
export function stragglersIn({ observed }: Observation, step: Step): readonly NewNotice[] {
  if (step.kind !== 'revoke') return [];
  return step.owed.flatMap(({ version, handle }): NewNotice[] => {
    const verdict = observed.uses?.get(version)?.verdict;
    if (verdict?.use !== 'used') return [];
    const [first] = verdict.by;
    return [
      compact({
        type: 'straggler',
        incident: [observed.version, version],
        reason: 'in-use',
        detail: `${upper(useInWords(verdict))}. It was revoked all the same.`,
        version,
        handle,
        owedSince: observed.createdOn,
        consumer: first?.who,
      }),
    ];
  });
}

const NOBODY: UseVerdict = { use: 'cannot tell', reason: 'This instance asks nobody.' };

/** Held, as the policy says, until it is asked again or the limit is there. */
function weighed(verdict: UseVerdict, { observed }: Observation, now: Date): Use {
  const { policy, after, createdOn } = observed;
  const { whenUnused } = policy;
  if (verdict.use === 'unused' || !whenUnused) return { verdict };
  const limitOn = addHours(after ?? addHours(createdOn, policy.graceHours), whenUnused.limitHours);
  const isOver = now >= limitOn;
  // What nobody can tell would be held for ever.
  if (isOver && (verdict.use === 'cannot tell' || whenUnused.atLimit === 'revoke'))
    return { verdict };
  const again = addHours(now, STEP_HOURS);
  const then = isOver ? 'It was waited for until the limit' : `It is revoked all the same`;
  const until = isOver ? again : (earliest(again, limitOn) as Date);
  const ends =
    whenUnused.atLimit === 'revoke' || verdict.use === 'cannot tell'
      ? `${then} at ${limitOn.toISOString()}.`
      : `The limit ${isOver ? 'was' : 'is'} ${limitOn.toISOString()}; at-limit=alert keeps it until nobody uses it.`;
  const reason = verdict.use === 'used' ? 'in-use' : 'use-unknown';
  return { verdict, holds: { reason, until, detail: `${upper(useInWords(verdict))}. ${ends}` } };
}

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Whatever is wrong with those who are asked, and however long they take: it comes to *cannot tell*. */
async function useOf(
  owed: Owed,
  evidence: Evidence,
  seen: Observation,
  { log, patience }: Pick<Deps, 'log'> & { readonly patience: number },
): Promise<UseVerdict> {
  const late = new Promise<UseVerdict>((resolve) => {
    setTimeout(
      () => resolve({ use: 'cannot tell', reason: 'No answer came in time.' }),
      patience,
    ).unref();
  });
  try {
    return await Promise.race([asking(owed, evidence, seen), late]);
  } catch (error) {
    const { secret } = seen;
    const name = error instanceof Error ? error.name : 'error';
    log('warn', 'evidence failed', {
      ...secret,
      handle: owed.handle,
      detail: `An unexpected ${name}.`,
    });
    return { use: 'cannot tell', reason: 'Asking failed.' };
  }
}

async function asking(
  { version, handle }: Owed,
  evidence: Evidence,
  seen: Observation,
): Promise<UseVerdict> {
  const { secret, optIn, current } = seen;
  const { target, rotator } = optIn;
  const { sessions } = target;
  const question: UseQuestion = compact({
    ...secret,
    kind: rotator.type,
    target: target.id,
    handle,
    version,
    current: current.id,
    publishedOn: current.createdOn,
    sessions: sessions ? () => sessions.call(target, handle) : undefined,
  });
  return await evidence.lastUse(question);
}
