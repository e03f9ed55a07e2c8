/** What a pass that ended in an error comes to: a skip, a wait or something that a person must mend. */
import { addMinutes, earliest, latest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import {
  BusyError,
  type KeyturnError,
  LockLostError,
  StoppingError,
  UnknownOutcomeError,
} from '../../core/errors.ts';
import { BUSY_ALERT_MINUTES, maySpread, SPREADING_MINUTES } from '../../core/passing.ts';
import { type Reason, reasonRow } from '../../core/reasons.ts';
import { termsOf } from '../../tags/policy.ts';
import type { Acting, RowChange } from '../act/acting.ts';
import { NoConsent } from '../observe/consented.ts';
import { SETTLING_MINUTES } from '../observe/observation.ts';
import { Stopped } from '../observe/observeVault.ts';
import { afterRefusal } from '../observe/refusedTerms.ts';
import type { Step } from '../step.ts';

const BUSY_MINUTES = 1;
const BUSY_MINUTES_MAX = 60;
const DAY_MINUTES = 24 * 60;
/** A row takes no more (`src/store/schemas.ts`), and one that does not parse is lost. */
const DETAIL_MAX = 1000;

/** It is asked again within the hour, by a message of its own: the sweep may come an hour later still. */
const SPREADING_PAUSE_MAX = 55;
/** A list of role assignments that may not be seen is asked for again after so long, then after twice as long, up to a day. */
const HIDDEN_MINUTES = 30;

/** What the row remembers of the passes before. */
export interface Before {
  /** How many passes in a row had to wait like this: the pause doubles with each, up to an hour. */
  readonly tries: number;
  /** Since when this reason has been standing in the way: now, where it is new. */
  readonly since: Date;
}

/** @param before absent for a person who asks: they see a refusal at once, as one */
export function failureStep(error: KeyturnError, now: Date, before?: Before): Step {
  const detail = { detail: error.detail };
  const tries = before?.tries ?? 0;
  if (error instanceof Stopped) {
    const { kind, reason, until } = error;
    if (kind === 'refuse') return { kind, reason, ...detail };
    return compact({ kind, reason, until, ...detail });
  }
  if (error instanceof LockLostError)
    return { kind: 'wait', reason: 'lock-lost', until: addMinutes(now, BUSY_MINUTES), ...detail };
  const growing = Math.min(BUSY_MINUTES * 2 ** Math.min(tries, 10), BUSY_MINUTES_MAX);
  // Unchanged means "not yet known": the locks go back, and the write has ten minutes to arrive.
  if (error instanceof UnknownOutcomeError)
    return {
      kind: 'wait',
      reason: 'settling',
      until: addMinutes(now, Math.max(SETTLING_MINUTES, growing)),
      ...detail,
    };
  const pause = Math.max(growing, Math.min((error.facts.retryAfterSeconds ?? 0) / 60, DAY_MINUTES));
  if (error instanceof BusyError)
    return {
      kind: 'wait',
      reason: error.reason,
      until: busyUntil(error, now, { pause, before }),
      ...detail,
    };
  if (reasonRow(error.reason).by === 'nobody')
    return { kind: 'wait', reason: error.reason, until: addMinutes(now, growing), ...detail };
  const isHidden = error instanceof NoConsent && error.hidden;
  if (before === undefined || !(isHidden || maySpread(error.reason)))
    return { kind: 'refuse', reason: error.reason, ...detail };
  const spreads = now < addMinutes(before.since, SPREADING_MINUTES);
  if (isHidden) {
    // Reads like any other want of consent, but for the alert and the next look, which is a sweep's: anybody may name a target
    // that Keyturn may not see, in as many secrets as they like.
    const until = addMinutes(now, Math.min(HIDDEN_MINUTES * 2 ** Math.min(tries, 10), DAY_MINUTES));
    return compact({
      kind: 'refuse',
      reason: error.reason,
      until,
      ...detail,
      quiet: spreads ? true : undefined,
    });
  }
  const until = addMinutes(now, Math.min(growing, SPREADING_PAUSE_MAX));
  const rest = { reason: error.reason, until, ...detail };
  return spreads ? { kind: 'wait', ...rest } : { kind: 'refuse', ...rest };
}

/** After the pause, but not beyond the time at which somebody is to be told, unless the service asked for longer. */
function busyUntil(
  { facts }: KeyturnError,
  now: Date,
  { pause, before }: { readonly pause: number; readonly before: Before | undefined },
): Date {
  const next = addMinutes(now, pause);
  const toldOn = before && addMinutes(before.since, BUSY_ALERT_MINUTES);
  if (!toldOn || toldOn <= now || (facts.retryAfterSeconds ?? 0) / 60 >= pause) return next;
  return earliest(next, latest(toldOn, addMinutes(now, BUSY_MINUTES))) as Date;
}

/**
 * A rotation that came to nothing for a reason of its own: not a lost lock, a version of somebody else or a busy service. Once
 * its mark stands every sweep would begin it anew, so whatever ends it then counts, also a reason that nobody thought of; and so
 * does a service that is busy once a credential was issued.
 */
export function isFailure(
  error: KeyturnError,
  { marked, issued }: { readonly marked: boolean; readonly issued: boolean },
): boolean {
  if (error instanceof Stopped || error instanceof LockLostError || error instanceof StoppingError)
    return false;
  // Each try changes the target twice, also where it ends in a wait (finding SRV-04).
  if (error instanceof BusyError) return issued;
  if (FAILURES.includes(error.reason)) return true;
  return marked && error.reason !== 'conflict' && !(error instanceof UnknownOutcomeError);
}

const FAILURES: readonly Reason[] = [
  'not-accepted',
  'store-refused',
  'vault-policy',
  'target-forbidden',
  'target-policy',
  'target-full',
  'name-deleted',
  'failed',
];

/**
 * A role that has come is to be seen within the hour where nothing was changed. What the vault refuses was issued already, so
 * each try changes the target twice: soon again, while a role may spread, then rarely.
 */
function retryMinutes(reason: Reason, failures: number): number {
  if (reason === 'target-forbidden') return Math.min(10 * 2 ** failures, SPREADING_PAUSE_MAX);
  return Math.min(10 * (reason === 'vault-forbidden' ? 4 : 2) ** failures, DAY_MINUTES);
}

/** What a failed rotation leaves in the row, so that the next try comes later, or not before its terms change. */
export function afterFailure(
  error: KeyturnError,
  { seen, deps }: Acting,
  failures: number,
): RowChange {
  const on = deps.clock.now();
  const { reason, detail } = error;
  const retryOn = addMinutes(on, retryMinutes(reason, Math.min(failures, 10)));
  const terms = termsOf(seen.policy, seen.current.contentType, deps.config.capDays);
  const lastFailure = { reason, detail: detail.slice(0, DETAIL_MAX), on };
  return {
    failures: failures + 1,
    retryOn,
    lastFailure,
    ...afterRefusal(reason, terms, seen.policy, on),
  };
}
