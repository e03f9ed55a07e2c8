/** The rules, in one pure function: what is seen, what was asked and the time in; one step with its reason out. */
import { addHours, addMinutes, earliest, latest } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { type Reason, reasonRow } from '../core/reasons.ts';
import type { Owed } from '../tags/owed.ts';
import { soonestOn } from '../tags/policy.ts';
import { isOpen, nextOpen } from '../tags/window.ts';
import { PROBE_MINUTES } from './observe/brake.ts';
import { callsFirst, followOn, mayFollow } from './observe/following.ts';
import { type Observed, proves } from './observe/observed.ts';
import { undo } from './observe/undoRule.ts';
import {
  type Asked,
  type Claim,
  changes,
  type Follow,
  type Refuse,
  type Revoke,
  type Rotate,
  type Step,
  type Wait,
} from './step.ts';

const ROTATIONS_MAX = 3;
/** Backup ends at 500 (azure-facts 2.3): there is room for an owner's own. */
export const VERSIONS_MAX = 480;

/** Looks at what is, never at what happened. The first line that applies wins. */
export function decide(observed: Observed, asked: Asked | undefined, now: Date): Step {
  const { step, standing } = aim(observed, asked, now);
  const stops = [...obstacles(step, observed, standing, now)].find(
    ({ reason }) => !overrides(standing, reason),
  );
  return followFirst(stops ?? step, observed, now) ?? stops ?? step;
}

/** Consumers are called while nothing else is to be done, and before what they still use is revoked; no rotation waits for them. */
function followFirst(step: Step, observed: Observed, now: Date): Follow | undefined {
  const { following } = observed;
  if (!following?.due || !mayFollow(observed, now)) return undefined;
  if (step.kind === 'wait') return { kind: 'follow', reason: 'accepted' };
  if (step.kind !== 'revoke' || now >= following.limit) return undefined;
  if (step.reason !== 'asked') return { kind: 'follow', reason: 'accepted' };
  return callsFirst(observed, now)
    ? { kind: 'follow', reason: 'accepted', urgent: true }
    : undefined;
}

/** What stands in the way of a step, set aside by the request or not. */
export interface Barrier {
  readonly by: Wait | Refuse;
  readonly overridden: boolean;
}

/** What would be done if nothing stood in its way, and all that does: for whoever wants to know before asking. */
export function barriers(
  observed: Observed,
  asked: Asked | undefined,
  now: Date,
): { readonly step: Step; readonly barriers: readonly Barrier[] } {
  const { step, standing } = aim(observed, asked, now);
  const found = [...obstacles(step, observed, standing, now)];
  return {
    step,
    barriers: found.map((by) => ({ by, overridden: overrides(standing, by.reason) })),
  };
}

interface Aim {
  readonly step: Step;
  /** The request whose overrides count for it. */
  readonly standing: Asked | undefined;
}

function aim(observed: Observed, asked: Asked | undefined, now: Date): Aim {
  const request = asked?.version === observed.version ? asked : undefined; // a newer version has answered it already
  // What a person set aside counts until the revocation that they asked for is done, also after the rotation.
  const standing =
    request ?? (asked && revokesAfterwards(asked, observed.owed) ? asked : undefined);
  return { step: next(observed, { asked, request, standing }, now), standing };
}

function next(observed: Observed, wanted: Wanted, now: Date): Step {
  const { asked, request } = wanted;
  const { wiped, ours, written, begun, placeholder, proved, owed, verdict, known, expired, doubt } =
    observed;
  if (wiped) return { kind: 'restore', reason: 'state-wiped' };
  // Before anything else, on whatever version is current by now: a hold is about the secret.
  if (asked?.hold !== undefined)
    return compact({ kind: 'hold', reason: 'asked', until: asked.hold || undefined });
  if (observed.leaving !== undefined) return leave(observed, wanted, now);
  // Before the heal: of a current value that opens nothing the way back is one, too.
  if (request?.undo) return undo(observed);
  if ((written || (expired && known)) && verdict === 'refused')
    return rotate('value-refused', observed, request);
  // *Cannot tell* is no *does not know*: the value may be good, and nobody should replace it for that (finding SRV-08).
  if (!known && !ours && !begun && !placeholder && doubt && !overrides(request, doubt.reason))
    return compact({ kind: 'refuse', reason: doubt.reason, detail: doubt.detail });
  if (!known && !ours && !begun && !placeholder && !overrides(request, 'unknown-value')) {
    return { kind: 'refuse', reason: 'unknown-value' };
  }
  if (written && !proved && proves(verdict)) return { kind: 'prove', reason: 'accepted' };
  if (ours) {
    const settle = settlement(observed, wanted, now);
    if (settle) return settle;
  }
  // Only by a version of Keyturn's is it known that what it replaced is not in use any more.
  if (request?.at !== undefined)
    return wait(owed.length > 0 ? 'drift' : 'nothing-owed', observed.dueOn);
  if (placeholder) return rotate('placeholder', observed, request);
  if (request && owed.length > 0 && !request.rotateAgain) return wait('owed-first', undefined);
  if (request) return rotate('asked', observed, request);
  if (begun) return rotate('begun', observed, request);
  if (now >= observed.dueOn) return rotate('due', observed, request);
  if (owed.length > 0) return wait('drift', observed.dueOn);
  const unproved = written && !proved && !proves(verdict);
  return unproved
    ? wait('unproved', observed.dueOn, observed.said)
    : wait('not-due', observed.dueOn);
}

/**
 * It was opted out: what is owed is revoked in its time, by the value alone, since nobody writes a state any more. Nothing is
 * proved, healed or rotated. Where the value opens nothing, what is owed may be all that its readers have.
 */
function leave(observed: Observed, { asked, request, standing }: Wanted, now: Date): Step {
  const { owed, after, verdict, known, strayUntil, leaving, createdOn, policy, written } = observed;
  if (owed.length === 0) {
    if (strayUntil && now < strayUntil) return wait('grace', strayUntil);
    if (strayUntil || (written && after)) return { kind: 'revoke', reason: 'settled', owed };
    return { kind: 'skip', reason: leaving === 'lost' ? 'not-opted-in' : 'opted-out' };
  }
  // Asked for before it was opted out, and for a later time or with a rotation: neither comes about any more.
  const atOnce = request ? request.at === 'now' : isAtOnce(asked, request, owed);
  const revokeOn = atOnce ? now : (after ?? addHours(createdOn, policy.graceHours));
  if (!known)
    return {
      kind: 'refuse',
      reason: 'still-owed',
      detail: 'The target does not know the current value.',
    };
  if (now < revokeOn) return wait('grace', revokeOn);
  if (verdict === 'refused')
    return {
      kind: 'refuse',
      reason: 'still-owed',
      detail: 'The target refuses the current value.',
    };
  if (!proves(verdict)) return wait('unproved', undefined, observed.said);
  return revocation(observed, atOnce ? 'asked' : 'grace-over', standing);
}

/** What the current version of ours owes: wait for its time, revoke it, or strike off an obligation that is done. */
function settlement(
  observed: Observed,
  { asked, request, standing }: Wanted,
  now: Date,
): Step | undefined {
  const { owed, after, verdict, written } = observed;
  if (!written) return undefined; // taken over and begun: what older versions owe waits for the rotation
  if (owed.length === 0) return after ? { kind: 'revoke', reason: 'settled', owed } : undefined;
  if (request?.at instanceof Date && now < request.at)
    return { kind: 'move', reason: 'asked', after: request.at };
  const atOnce = isAtOnce(asked, request, owed);
  // `after` was fixed at the store; where the tag lost it, the same sum gives it again.
  const revokeOn = atOnce
    ? now
    : (after ?? addHours(observed.createdOn, observed.policy.graceHours));
  if (now < revokeOn) return wait(request ? 'owed-first' : 'grace', revokeOn);
  if (!proves(verdict)) {
    // Being due goes before being unproved, where a new one fits beside all that is owed, which waits on (case VAL-04).
    const rotates = observed.overlap === 'many' && request === undefined && now >= observed.dueOn;
    return rotates ? undefined : wait('unproved', undefined, observed.said);
  }
  const step = revocation(observed, atOnce ? 'asked' : 'grace-over', standing);
  return joinsOn(step, observed, request, now) || goesBeside(step, observed, request, now)
    ? undefined
    : step;
}

/** Whoever uses an old one keeps a new one from nobody where many fit: being due goes before waiting for them. */
const goesBeside = (
  step: Step,
  { overlap, dueOn }: Observed,
  request: Asked | undefined,
  now: Date,
): boolean =>
  (step.reason === 'in-use' || step.reason === 'use-unknown') &&
  request === undefined &&
  overlap === 'many' &&
  now >= dueOn;

/**
 * After an undo its neighbours may keep the slot that it owes, and owe the one that it keeps: each would wait for the other.
 * On its day it goes on to the slot that they keep, where nothing is regenerated.
 */
const joinsOn = (step: Step, observed: Observed, request: Asked | undefined, now: Date): boolean =>
  step.reason === 'slot-held' &&
  request === undefined &&
  now >= observed.dueOn &&
  observed.source.kind === 'join';

/** Of what is owed all that no neighbour keeps. One of which it is only not known what it keeps, a person may set aside. */
function revocation(
  { owed, blocked, uses }: Observed,
  reason: 'asked' | 'grace-over',
  standing: Asked | undefined,
): Revoke | Wait {
  const aside = overrides(standing, 'slot-held');
  const stops = (claim: Claim | undefined) =>
    claim !== undefined && !(aside && claim.unsure !== undefined);
  const free = owed.filter(({ version }) => !stops(blocked.get(version)));
  const ready = free.filter(({ version }) => uses?.get(version)?.holds === undefined);
  if (ready.length > 0)
    return compact({ kind: 'revoke', reason, owed: ready, aside: aside || undefined });
  const held = free.flatMap(({ version }) => uses?.get(version)?.holds ?? []);
  // Who uses it is more than that nobody can tell of another.
  const hold = held.find((each) => each.reason === 'in-use') ?? held[0];
  if (hold) return { kind: 'wait', ...hold };
  const claims = [...blocked.values()];
  const claim = claims.find(({ unsure }) => unsure !== undefined) ?? (claims[0] as Claim);
  return { kind: 'wait', reason: 'slot-held', ...claim };
}

/** A request as a pass sees it. */
interface Wanted {
  readonly asked: Asked | undefined;
  /** It is about the current version. */
  readonly request: Asked | undefined;
  /** What it set aside still counts. */
  readonly standing: Asked | undefined;
}

/** Whether what is owed is revoked before its time. */
const isAtOnce = (
  asked: Asked | undefined,
  request: Asked | undefined,
  owed: readonly Owed[],
): boolean =>
  request ? revokesFirst(request) : asked?.revoke === 'now' && revokesAfterwards(asked, owed);

/** What is owed by the current version goes at once: that is the request, or what it wants before it rotates again. */
const revokesFirst = ({ at, rotateAgain }: Asked): boolean =>
  at !== undefined || rotateAgain === true;

/** A rotation has answered the request, and it named its own grace for the version that is owed since. */
const revokesAfterwards = ({ version, at, hold, revoke }: Asked, owed: readonly Owed[]): boolean =>
  at === undefined &&
  hold === undefined &&
  revoke !== 'after-grace' &&
  owed.some((each) => each.version === version);

/** The grace that a request names, in hours; undefined where the policy's counts. */
export function graceHoursOf(revoke: Asked['revoke']): number | undefined {
  if (revoke === 'after-grace') return undefined;
  if (revoke === 'now') return 0;
  return Number.parseInt(revoke, 10) * (revoke.endsWith('d') ? 24 : 1);
}

function rotate(reason: Rotate['reason'], observed: Observed, request: Asked | undefined): Step {
  const { healSource, nowSource } = observed;
  const other = request?.rotateAgain ? nowSource : observed.source;
  const found = reason === 'value-refused' ? healSource : other;
  const aside =
    found.kind === 'blocked' && overrides(request, 'slot-held') ? found.aside : undefined;
  const source = aside ?? found;
  if (source.kind === 'blocked') return source.step;
  const graceHours = request && graceHoursOf(request.revoke);
  const named = graceHours === undefined ? {} : { graceHours };
  return { kind: 'rotate', reason, rotation: observed.rotation, source, ...named };
}

/** What stands in the way of a step, whether a request sets it aside or not. */
function* obstacles(
  step: Step,
  observed: Observed,
  request: Asked | undefined,
  now: Date,
): Generator<Wait | Refuse> {
  if (!changes(step)) return;
  const { policy, mode, hold, indexGap } = observed;
  if (mode === 'observe') yield wait('mode-observe', undefined, inWords(step));
  if (['prove', 'restore', 'hold', 'move', 'follow'].includes(step.kind)) return;
  if (step.kind === 'rotate' && step.reason === 'undo') return yield* undoObstacles(observed, now);
  if (policy.paused) yield wait('paused', undefined);
  if (hold && now < hold) yield wait('hold', hold);
  const heals = step.kind === 'rotate' && step.reason === 'value-refused';
  // What has begun goes on to its end, or what was issued would open nothing that anybody reads.
  const goesOn = step.kind === 'rotate' && step.reason === 'begun';
  for (const each of observed.onHold ?? [])
    if (!goesOn && !(heals && each.heals)) yield wait('hold', each.until, each.detail);
  if (policy.window && !heals && !isOpen(policy.window, now))
    yield wait('window', nextOpen(policy.window, now));
  const touches = step.kind === 'rotate' || (step.kind === 'revoke' && step.owed.length > 0);
  const takes = step.kind === 'revoke' || observed.overlap !== 'many';
  if (touches && takes && indexGap !== undefined) yield wait('index', undefined, indexGap);
  const { settlingUntil } = observed;
  if (touches && settlingUntil && now < settlingUntil) yield wait('settling', settlingUntil);
  const { holdsUntil, nextOn, detail: behind } = observed.following ?? {};
  if (
    step.kind === 'revoke' &&
    step.owed.length > 0 &&
    step.reason !== 'asked' &&
    holdsUntil &&
    now < holdsUntil
  )
    yield wait(
      'consumers',
      earliest(holdsUntil, nextOn && nextOn > now ? nextOn : undefined),
      behind,
    );
  if (step.kind === 'rotate') yield* rotationObstacles(step, observed, request, now);
}

/**
 * An undo is for an incident: no window, hold, brake or minimum age stops it, and `drain` neither. A write to the target that may
 * still arrive could be what ends the former credential.
 */
function* undoObstacles(
  { policy, settlingUntil, versionCount }: Observed,
  now: Date,
): Generator<Wait | Refuse> {
  if (policy.paused) yield wait('paused', undefined);
  if (settlingUntil && now < settlingUntil) yield wait('settling', settlingUntil);
  if (versionCount >= VERSIONS_MAX) yield { kind: 'refuse', reason: 'too-many-versions' };
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
  if (observed.termsRefused && !request)
    yield { kind: 'refuse', reason: observed.refusedBy ?? 'vault-policy' };
  const soonest = soonestOn(observed.age?.currentSince ?? createdOn, policy);
  if (!mayBeYoung(step, observed, request) && now < soonest) yield wait('too-soon', soonest);
  if (request) return; // a person's request is not braked, and is the approval
  if (policy.approve && step.reason === 'due') yield wait('approval', undefined);
  if (retryOn && now < retryOn) yield wait('backing-off', retryOn);
  if (step.reason === 'value-refused') return; // a heal is nothing that its kind or its neighbours may stop
  if (observed.braked) yield wait('brake', observed.probeOn);
  if (observed.rateUsedUp) yield wait('rate', addHours(now, 1));
}

/**
 * Whose value may be replaced however young it is. `revoke: now` says that it is burnt, but not of one that a rotation has just
 * written: asked for twice, the second call would end what applications have only begun to read.
 */
function mayBeYoung(
  { reason, graceHours }: Rotate,
  { written }: Observed,
  request: Asked | undefined,
): boolean {
  if (reason === 'asked') return request?.rotateAgain === true || (graceHours === 0 && !written);
  return reason !== 'due';
}

/** What puts rotations off, and does not stop a leak. */
const LEAK_SETS_ASIDE: readonly Reason[] = ['hold', 'window', 'too-soon', 'mode-drain', 'too-many'];

function overrides(request: Asked | undefined, reason: Reason): boolean {
  if (request?.leaked && LEAK_SETS_ASIDE.includes(reason)) return true;
  return request?.override.includes(reason) === true && reasonRow(reason).overridable === true;
}

function wait(reason: Reason, until: Date | undefined, detail?: string): Wait {
  return compact({ kind: 'wait', reason, until, detail });
}

/** What the step would do, in words, for an instance that only observes. */
export function inWords(step: Step): string {
  if (step.kind === 'rotate') {
    return `Would rotate (${step.reason}): ${from(step.source)}.`;
  }
  if (step.kind === 'revoke')
    return `Would revoke ${step.owed.map(({ handle }) => handle).join(', ') || 'nothing more'}.`;
  if (step.kind === 'move') return `Would revoke what is owed after ${step.after.toISOString()}.`;
  if (step.kind === 'hold')
    return `Would ${step.until ? `hold until ${step.until.toISOString()}` : 'lift the hold'}.`;
  return `Would ${step.kind}.`;
}

function from(source: Rotate['source']): string {
  if (source.kind === 'join') return `join ${source.handle}`;
  if (source.kind === 'again') return `store ${source.handle} of version ${source.version} again`;
  return `issue ${source.slot ?? 'a credential'} beside ${source.keep.join(', ') || 'nothing'}`;
}

/** Waits that end by themselves at a time that nobody knows: the pause doubles from the first of these to the second. */
const PAUSE_MINUTES: { readonly [reason in Reason]?: readonly [first: number, last: number] } = {
  index: [10, 24 * 60],
  'slot-held': [10, 6 * 60],
  brake: [PROBE_MINUTES, 60],
};
/** The same change on the same version, again and again, is no progress: whatever makes it so, the looks come rarer. */
const AGAIN_MINUTES_MAX = 60;

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
export function lookAgainOn(
  step: Step,
  observed: Observed | undefined,
  now: Date,
  tries = 0,
): Date | undefined {
  switch (step.kind) {
    case 'skip':
      return step.until;
    case 'refuse':
      return step.until ?? addHours(now, 24);
    case 'wait':
      return latest(
        earliest(
          soonOn(step, now, tries),
          daily(observed, now),
          observed && followOn(observed, now),
        ) as Date,
        now,
      );
    case 'follow':
      return addMinutes(now, step.urgent ? 0 : 1);
    default:
      return tries === 0
        ? now
        : addMinutes(now, Math.min(2 ** Math.min(tries - 1, 10), AGAIN_MINUTES_MAX));
  }
}

function soonOn({ reason, until }: Wait, now: Date, tries: number): Date | undefined {
  if (reason === 'unproved') return addHours(now, 1);
  const [first, last] = PAUSE_MINUTES[reason] ?? [];
  if (first === undefined || last === undefined) return until;
  return latest(until, addMinutes(now, Math.min(first * 2 ** Math.min(tries, 20), last)));
}
