/** Terms that vault or target refuses for good: asking again changes nothing before they are others. */
import { addHours } from '../../core/clock.ts';
import type { Reason } from '../../core/reasons.ts';
import type { SecretRow } from '../../ports/rows.ts';
import type { Policy } from '../../tags/policy.ts';
import type { ObservedBrakes } from './observed.ts';

/** A policy of the tenant or the room at a target may change without anything here: asked again after a day (case GR-04). */
const BY_TARGET = ['target-policy', 'target-full'] as const;
const isByTarget = (reason: Reason): reason is (typeof BY_TARGET)[number] =>
  BY_TARGET.some((each) => each === reason);

/** `terms` are what a version would be stored with; how long a credential lives at its target also depends on the grace. */
const atTarget = (reason: Reason, terms: string, { graceHours }: Policy): string =>
  `${reason} ${graceHours} ${terms}`;

/** What the row keeps after a failure: the terms, where they were refused as such, and when to try again. */
export function afterRefusal(
  reason: Reason,
  terms: string,
  policy: Policy,
  now: Date,
): Partial<SecretRow> {
  if (reason === 'vault-policy') return { refusedPlan: terms };
  return isByTarget(reason)
    ? { refusedPlan: atTarget(reason, terms, policy), retryOn: addHours(now, 24) }
    : {};
}

/** Whether these terms are those that were refused, by whom, and until when a failure keeps the next try from coming. */
export function refusalIn(
  row: SecretRow | undefined,
  terms: string,
  policy: Policy,
  now: Date,
): Pick<ObservedBrakes, 'termsRefused' | 'refusedBy' | 'retryOn'> {
  const { refusedPlan, retryOn } = row ?? {};
  const pause = retryOn ? { retryOn } : {};
  const refusedBy = BY_TARGET.find((reason) => refusedPlan?.startsWith(`${reason} `));
  if (refusedBy === undefined)
    return { termsRefused: refusedPlan !== undefined && refusedPlan === terms, ...pause };
  // Other terms may be tried at once.
  if (refusedPlan !== atTarget(refusedBy, terms, policy)) return { termsRefused: false };
  return { termsRefused: retryOn !== undefined && now < retryOn, refusedBy, ...pause };
}
