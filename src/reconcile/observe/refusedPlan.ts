/** A plan that vault or target refuses for good: asking again changes nothing before the plan is another one. */
import { addHours } from '../../core/clock.ts';
import type { Reason } from '../../core/reasons.ts';
import type { SecretRow } from '../../ports/rows.ts';
import type { Policy } from '../../tags/policy.ts';
import type { Observed } from './observed.ts';

/** A policy of the tenant or the room at a target may change without anything here: asked again after a day (case GR-04). */
const BY_TARGET = ['target-policy', 'target-full'] as const;
const isByTarget = (reason: Reason): reason is (typeof BY_TARGET)[number] => BY_TARGET.some((each) => each === reason);

/** `plan` is what goes to the vault; how long a credential lives at its target also depends on the grace. */
const atTarget = (reason: Reason, plan: string, { graceHours }: Policy): string => `${reason} ${graceHours} ${plan}`;

/** What the row keeps after a failure: the plan, where it was refused as such, and when to try again. */
export function afterRefusal(reason: Reason, plan: string, policy: Policy, now: Date): Partial<SecretRow> {
  if (reason === 'vault-policy') return { refusedPlan: plan };
  return isByTarget(reason) ? { refusedPlan: atTarget(reason, plan, policy), retryOn: addHours(now, 24) } : {};
}

/** Whether this plan is the one that was refused, by whom, and until when a failure keeps the next try from coming. */
export function refusalIn(
  row: SecretRow | undefined,
  plan: string,
  policy: Policy,
  now: Date,
): Pick<Observed, 'planRefused' | 'refusedBy' | 'retryOn'> {
  const { refusedPlan, retryOn } = row ?? {};
  const pause = retryOn ? { retryOn } : {};
  const refusedBy = BY_TARGET.find((reason) => refusedPlan?.startsWith(`${reason} `));
  if (refusedBy === undefined) return { planRefused: refusedPlan !== undefined && refusedPlan === plan, ...pause };
  // Another plan may be tried at once.
  if (refusedPlan !== atTarget(refusedBy, plan, policy)) return { planRefused: false };
  return { planRefused: retryOn !== undefined && now < retryOn, refusedBy, ...pause };
}
