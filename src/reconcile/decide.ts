/** The rules, in one pure function: what is seen, what was asked and the time in; one step with its reason out. */
import { addHours, addMinutes, earliest, latest } from '../core/clock.ts';
import { type Reason, reasonRow } from '../core/reasons.ts';
import { soonestOn } from './policy.ts';
import {
  type Asked,
  type Observed,
  type Owed,
  proves,
  type Refuse,
  type Rotate,
  type Step,
  type Wait,
} from './types.ts';
import { isOpen, nextOpen } from './window.ts';

const ROTATIONS_MAX = 3;
const VERSIONS_MAX = 480;

/** Looks at what is, never at what happened. The first line that applies wins. */
export function decide(observed: Observed, asked: Asked | undefined, now: Date): Step {
  const { wiped, ours, written, begun, placeholder, proved, owed, verdict, known } = observed;
  const request = asked?.version === observed.version ? asked : undefined; // a newer version has answered it already
  // What a person set aside holds until the revocation that they asked for is done, also after the rotation.
  const standing = askedNow(asked, request, owed) ? asked : request;
  const free = (step: Step): Step => obstacle(step, observed, standing, now) ?? step;

  if (wiped) return free({ kind: 'restore', reason: 'state-wiped' });
  // Before anything else, on whatever version is current by now: a hold is about the secret.
  if (asked?.hold !== undefined)
    return free({ kind: 'hold', reason: 'asked', ...(asked.hold ? { until: asked.hold } : {}) });
  if (observed.leaving !== undefined) return leave(observed, asked, request, free, now);
  if (written && verdict === 'refused') return free(rotate('value-refused', observed, request));
  if (!known && !ours && !begun && !placeholder && !overrides(request, 'unknown-value')) {
    return { kind: 'refuse', reason: 'unknown-value' };
  }
  if (written && !proved && proves(verdict)) return free({ kind: 'prove', reason: 'accepted' });
  if (ours) {
    const settle = settlement(observed, asked, request, now);
    if (settle) return settle.kind === 'revoke' ? free(settle) : settle;
  }
  if (placeholder) return free(rotate('placeholder', observed, request));
  if (request && owed.length > 0 && request.revoke !== 'now') return wait('owed-first', undefined);
  if (request) return free(rotate('asked', observed, request));
  if (begun) return free(rotate('begun', observed, request));
  if (now >= observed.dueOn) return free(rotate('due', observed, request));
  if (owed.length > 0) return wait('drift', observed.dueOn);
  const unproved = written && !proved && !proves(verdict);
  return wait(unproved ? 'unproved' : 'not-due', observed.dueOn);
}

/**
 * It was opted out: what is owed is revoked in its time, by the value alone, since nobody writes a state any more. Nothing is
 * proved, healed or rotated. Where the value opens nothing, what is owed may be all that its readers have.
 */
function leave(
  observed: Observed,
  asked: Asked | undefined,
  request: Asked | undefined,
  free: (step: Step) => Step,
  now: Date,
): Step {
  const { owed, after, held, verdict, known, strayUntil, leaving, createdOn, policy, written } = observed;
  if (owed.length === 0) {
    if (strayUntil && now < strayUntil) return wait('grace', strayUntil);
    if (strayUntil || (written && after)) return free({ kind: 'revoke', reason: 'settled', owed });
    return { kind: 'skip', reason: leaving === 'lost' ? 'not-opted-in' : 'opted-out' };
  }
  const atOnce = askedNow(asked, request, owed);
  const revokeOn = atOnce ? now : (after ?? addHours(createdOn, policy.graceHours));
  if (!known) return { kind: 'refuse', reason: 'still-owed', detail: 'The target does not know the current value.' };
  if (now < revokeOn) return wait('grace', revokeOn);
  if (verdict === 'refused')
    return { kind: 'refuse', reason: 'still-owed', detail: 'The target refuses the current value.' };
  if (!proves(verdict)) return wait('unproved', undefined);
  const ready = owed.filter(({ version }) => !held.has(version));
  if (ready.length === 0) return wait('slot-held', undefined, [...held.values()][0]);
  return free({ kind: 'revoke', reason: atOnce ? 'asked' : 'grace-over', owed: ready });
}

/** What the current version of ours owes: wait for its time, revoke it, or strike off an obligation that is done. */
function settlement(
  observed: Observed,
  asked: Asked | undefined,
  request: Asked | undefined,
  now: Date,
): Step | undefined {
  const { owed, after, held, verdict, written } = observed;
  if (!written) return undefined; // taken over and begun: what older versions owe waits for the rotation
  if (owed.length === 0) return after ? { kind: 'revoke', reason: 'settled', owed } : undefined;
  const atOnce = askedNow(asked, request, owed);
  // `after` was fixed at the store; where the tag lost it, the same sum gives it again.
  const revokeOn = atOnce ? now : (after ?? addHours(observed.createdOn, observed.policy.graceHours));
  if (request && request.revoke !== 'now') return wait('owed-first', undefined);
  if (now < revokeOn) return wait('grace', revokeOn);
  if (!proves(verdict)) return wait('unproved', undefined);
  const ready = owed.filter(({ version }) => !held.has(version));
  if (ready.length === 0) return wait('slot-held', undefined, [...held.values()][0]);
  return { kind: 'revoke', reason: atOnce ? 'asked' : 'grace-over', owed: ready };
}

/** `revoke: now` counts for what is owed when the request is about the current version, or about one that is owed. */
function askedNow(asked: Asked | undefined, request: Asked | undefined, owed: readonly Owed[]): boolean {
  return asked?.revoke === 'now' && (request !== undefined || owed.some(({ version }) => version === asked.version));
}

function rotate(reason: Rotate['reason'], observed: Observed, request: Asked | undefined): Step {
  const { healSource, nowSource } = observed;
  const other = request?.revoke === 'now' ? nowSource : observed.source;
  const source = reason === 'value-refused' ? healSource : other;
  if (source.kind === 'blocked') return source.step;
  return { kind: 'rotate', reason, rotation: observed.rotation, source, revokeNow: request?.revoke === 'now' };
}

/** The wait for what stands in the way of a step and is not overridden. */
function obstacle(step: Step, observed: Observed, request: Asked | undefined, now: Date): Step | undefined {
  if (step.kind === 'wait' || step.kind === 'refuse' || step.kind === 'skip') return undefined;
  for (const each of obstacles(step, observed, request, now)) if (!overrides(request, each.reason)) return each;
  return undefined;
}

function* obstacles(step: Step, observed: Observed, request: Asked | undefined, now: Date): Generator<Wait | Refuse> {
  const { policy, mode, hold, indexGap } = observed;
  if (mode === 'observe') yield wait('mode-observe', undefined, plan(step));
  if (step.kind === 'prove' || step.kind === 'restore' || step.kind === 'hold') return;
  if (policy.paused) yield wait('paused', undefined);
  if (hold && now < hold) yield wait('hold', hold);
  const heals = step.kind === 'rotate' && step.reason === 'value-refused';
  if (policy.window && !heals && !isOpen(policy.window, now)) yield wait('window', nextOpen(policy.window, now));
  const touches = step.kind === 'rotate' || (step.kind === 'revoke' && step.owed.length > 0);
  const takes = step.kind === 'revoke' || observed.overlap !== 'many';
  if (touches && takes && indexGap !== undefined) yield wait('index', undefined, indexGap);
  const { settlingUntil } = observed;
  if (touches && settlingUntil && now < settlingUntil) yield wait('settling', settlingUntil);
  if (step.kind === 'rotate') yield* rotationObstacles(step, observed, request, now);
}

function* rotationObstacles(
  step: Rotate,
  observed: Observed,
  request: Asked | undefined,
  now: Date,
): Generator<Wait | Refuse> {
  const { createdOn, policy, retryOn } = observed;
  if (observed.mode === 'drain' && step.reason !== 'value-refused' && step.reason !== 'begun')
    yield wait('mode-drain', undefined);
  if (observed.versionCount >= VERSIONS_MAX) yield { kind: 'refuse', reason: 'too-many-versions' };
  if (observed.recentRotations >= ROTATIONS_MAX) yield wait('too-many', addHours(now, 24));
  // A person may know that the vault takes it now: an exemption shows nowhere. A try that fails costs the live credential nothing.
  if (observed.planRefused && !request) yield { kind: 'refuse', reason: observed.refusedBy ?? 'vault-policy' };
  const soonest = soonestOn(createdOn, policy);
  const mayBeYoung =
    step.reason === 'value-refused' || step.reason === 'placeholder' || step.reason === 'begun' || step.revokeNow;
  if (!mayBeYoung && now < soonest) yield wait('too-soon', soonest);
  if (request) return; // a person's request is not braked
  if (retryOn && now < retryOn) yield wait('backing-off', retryOn);
  if (observed.braked) yield wait('brake', undefined);
  if (observed.rateUsedUp) yield wait('rate', addHours(now, 1));
}

function overrides(request: Asked | undefined, reason: Reason): boolean {
  return request?.override.includes(reason) === true && reasonRow(reason).overridable === true;
}

function wait(reason: Reason, until: Date | undefined, detail?: string): Wait {
  return { kind: 'wait', reason, ...(until ? { until } : {}), ...(detail === undefined ? {} : { detail }) };
}

/** What the step would do, in words, for an instance that only observes. */
export function plan(step: Step): string {
  if (step.kind === 'rotate') {
    const { source } = step;
    const beside = source.kind === 'issue' ? source.keep.join(', ') || 'nothing' : '';
    const from =
      source.kind === 'join' ? `join ${source.handle}` : `issue ${source.slot ?? 'a credential'} beside ${beside}`;
    return `Would rotate (${step.reason}): ${from}.`;
  }
  if (step.kind === 'revoke')
    return `Would revoke ${step.owed.map(({ handle }) => handle).join(', ') || 'nothing more'}.`;
  return `Would ${step.kind}.`;
}

/** Waits that end by themselves at a time that nobody knows: the pause doubles from this on, up to a day. */
const FIRST_PAUSE_MINUTES: { readonly [reason in Reason]?: number } = { index: 10, 'slot-held': 10 };
const DAY_MINUTES = 24 * 60;

/**
 * At rest a secret is looked at once a day: a key that somebody regenerated by hand shows itself in no list. Spread over
 * half a day by the version's id, so that a fleet does not ask its subscriptions all at once.
 */
function daily(observed: Observed | undefined, now: Date): Date {
  const atRest = observed?.proved === true && observed.owed.length === 0;
  const spread = atRest ? (Number.parseInt(observed.version.slice(0, 4), 16) / 0xffff) * 12 : 0;
  return addHours(now, 24 + spread);
}

/** When to look at the secret again: at once after a change, otherwise at the earliest thing that may happen, at most a day. */
export function lookAgainOn(step: Step, observed: Observed | undefined, now: Date, tries = 0): Date | undefined {
  switch (step.kind) {
    case 'skip':
      return step.until;
    case 'refuse':
      return addHours(now, 24);
    case 'wait':
      return latest(earliest(soonOn(step, now, tries), daily(observed, now)) as Date, now);
    default:
      return now;
  }
}

function soonOn({ reason, until }: Wait, now: Date, tries: number): Date | undefined {
  if (reason === 'unproved') return addHours(now, 1);
  const first = FIRST_PAUSE_MINUTES[reason];
  return first === undefined ? until : addMinutes(now, Math.min(first * 2 ** Math.min(tries, 20), DAY_MINUTES));
}
