/**
 * What would come of a request: every step to its end, by the rules that the passes go by, and what stands in its way. A dry
 * run shows it, and a request that can't be met is refused for it at once (design section 5; cases OPS-02 and OPS-06).
 */
import { addHours, latest } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { BusyError, KeyturnError } from '../core/errors.ts';
import type { Handle } from '../core/ids.ts';
import { type Reason, type Remedy, reasonRow } from '../core/reasons.ts';
import type { RightCheck } from '../core/rightChecks.ts';
import type { Deps } from '../ports/deps.ts';
import { aboutSecret, remedyFor } from '../tags/about.ts';
import { parseState, toTheMinute, withState } from '../tags/state.ts';
import { preflight } from './act/preflight.ts';
import { barriers, decide, inWords } from './decide.ts';
import { readConsent } from './observe/consented.ts';
import { withFormer } from './observe/former.ts';
import { missingIn, rightsFor } from './observe/missingRights.ts';
import type { Observation } from './observe/observation.ts';
import type { Observed } from './observe/observed.ts';
import { observeTarget } from './observe/observeTarget.ts';
import type { BoundSecret } from './observe/observeVault.ts';
import { type Asked, type Change, changes, type Refuse, type Rotate, type Step, type Wait } from './step.ts';
import { undoHold } from './undoRule.ts';

/** A step to come, as its audit record will tell of it. */
export interface Coming {
  readonly on: Date;
  readonly kind: Change['kind'];
  readonly reason: Reason;
  /** Of a rotation the slot that it takes, where that is known before; of a revocation what it ends. */
  readonly handles: readonly Handle[];
  readonly detail: string;
}

/** What is looked at before a request is accepted. */
export const CHECKS = [
  'secret',
  'tags',
  'kind',
  'consent',
  'target',
  'value',
  'mode',
  'paused',
  'hold',
  'window',
  'index',
  'settling',
  'slot',
  'versions',
  'rotations',
  'age',
  'size',
  'policy',
  'proof',
  'owed',
  'rights',
] as const;
export type CheckName = (typeof CHECKS)[number];

/** What was looked at, and what it came to. */
export interface Check {
  readonly check: CheckName;
  readonly passed: boolean;
  /** What stands in the way. */
  readonly reason?: Reason;
  /** It stands in the way, and the request sets it aside. */
  readonly overridden?: true;
  readonly detail?: string;
  /** It can't be told without a change, and nothing is known against it. */
  readonly unknown?: true;
}

export interface Refusal {
  readonly reason: Reason;
  readonly detail: string;
  readonly until?: Date;
  /** Of all that stands in the way what `override` could set aside. */
  readonly overridable: readonly Reason[];
  /** Who can help and how, where more is known than the table of reasons says. */
  readonly by?: Remedy['by'];
  readonly remedy?: string;
}

export interface Preview {
  readonly steps: readonly Coming[];
  readonly checks: readonly Check[];
  /** Why the request is not accepted; absent where nothing is known that keeps it from being met. */
  readonly refusal?: Refusal;
}

/** Which check each reason is the failure of; of those that are not here, `target`. */
const CHECK_OF: { readonly [reason in Reason]?: CheckName } = {
  gone: 'secret',
  disabled: 'secret',
  'not-opted-in': 'tags',
  'opted-out': 'tags',
  'bad-tags': 'tags',
  'unknown-rotator': 'kind',
  'kind-off': 'kind',
  'no-consent': 'consent',
  'target-changed': 'tags',
  'short-grace': 'tags',
  'bad-value': 'value',
  'foreign-host': 'value',
  'unknown-value': 'value',
  'mode-observe': 'mode',
  'mode-drain': 'mode',
  paused: 'paused',
  hold: 'hold',
  window: 'window',
  index: 'index',
  settling: 'settling',
  'slot-held': 'slot',
  'slots-held': 'slot',
  grace: 'slot',
  'too-soon': 'age',
  'too-many-versions': 'versions',
  'too-many': 'rotations',
  'too-large': 'size',
  'vault-policy': 'policy',
  'target-policy': 'policy',
  unproved: 'proof',
  'value-refused': 'proof',
  drift: 'owed',
  'owed-first': 'owed',
  'nothing-owed': 'owed',
  'undo-revoked': 'owed',
  'undo-overwritten': 'owed',
  'undo-not-ours': 'owed',
  'undo-refused': 'proof',
  'not-ours': 'owed',
  'still-owed': 'owed',
  'state-newer': 'tags',
  'exempt-ended': 'tags',
};
const checkOf = (reason: Reason): CheckName => CHECK_OF[reason] ?? 'target';
/** What is known to be well once the target was read. */
const READ: readonly CheckName[] = ['secret', 'tags', 'kind', 'consent', 'target', 'value'];
/** What the rules look at before each kind of step. */
const RULES: { readonly [kind in Change['kind']]?: readonly CheckName[] } = {
  rotate: [
    'owed',
    'mode',
    'paused',
    'hold',
    'window',
    'index',
    'settling',
    'slot',
    'versions',
    'rotations',
    'policy',
    'age',
    'size',
  ],
  revoke: ['owed', 'mode', 'paused', 'hold', 'window', 'index', 'settling', 'slot', 'proof'],
  move: ['owed', 'mode', 'proof'],
};
/** Ends by itself within minutes: a request waits for it. */
const PASSES: readonly Reason[] = ['settling', 'lock-busy', 'vault-busy', 'target-busy', 'storage-busy'];
/** Waits with a known end between a rotation and the revocation that follows. */
const FOLLOWS: readonly Reason[] = ['grace', 'window', 'hold', 'settling'];
const STEPS_MAX = 12;

/**
 * Reads vault and target like a pass, without their locks. Throws what does not come from the rules: no answer of the vault.
 * Where the target does not answer, nothing is shown and nothing refused.
 */
export async function previewOf(bound: BoundSecret, asked: Asked, deps: Deps): Promise<Preview> {
  const preview = await withRights(await previewChanges(bound, asked, deps), bound, deps);
  const { refusal } = preview;
  if (!refusal) return preview;
  const about = aboutSecret({ secret: bound.secret, row: bound.row, bound }, deps);
  return { ...preview, refusal: { ...refusal, ...remedyFor(refusal.reason, bound.secret, about, deps) } };
}

/**
 * Of a secret whose tags do not bind: no step is shown, and what was found wrong is all that was looked at.
 *
 * @param current the version, as far as it was read
 */
export function previewUnbound(
  error: KeyturnError,
  { secret, row, current }: Omit<Parameters<typeof aboutSecret>[0], 'bound'>,
  deps: Deps,
): Preview {
  const { reason, detail } = error;
  const about = aboutSecret({ secret, row, current }, deps);
  const refusal = { reason, detail, overridable: [], ...remedyFor(reason, secret, about, deps) };
  return { steps: [], checks: [failedCheck(error)], refusal };
}

/** What is to change something at the target needs rights: a request is not met where one is known to be missing (OPS-03). */
async function withRights(preview: Preview, bound: BoundSecret, deps: Deps): Promise<Preview> {
  const { steps, checks, refusal } = preview;
  // Without any step the target did not answer: what Azure says of the role is known all the same.
  const takes = steps.length === 0 || steps.some(({ kind }) => kind === 'rotate' || kind === 'revoke');
  if (refusal || !takes) return preview;
  const found = await rightsFor(bound, deps);
  const missing = missingIn(found);
  if (!missing) return { ...preview, checks: [...checks, ...found.map(checkOfRight)] };
  const { reason = 'target-forbidden', detail = reasonRow(reason).cause } = missing;
  return { steps: [], checks: [...checks, ...found.map(checkOfRight)], refusal: { reason, detail, overridable: [] } };
}

const checkOfRight = ({ what, state, reason, detail }: RightCheck): Check =>
  compact({
    check: 'rights',
    passed: state !== 'problem',
    detail: detail === undefined ? what : `${what}: ${detail}`,
    reason: state === 'problem' && reason ? reason : undefined,
    unknown: state === 'cannot tell' ? true : undefined,
  });

async function previewChanges(bound: BoundSecret, asked: Asked, deps: Deps): Promise<Preview> {
  try {
    const seen = await withFormer(await observeTarget(bound, await readConsent(bound, deps), deps), asked);
    const wrote = seen.observed.wiped ? parseState(bound.row?.wroteState ?? '') : undefined;
    if (!wrote) return judged(seen, asked, deps);
    // The state comes back first; what follows is what it says.
    const tags = withState(bound.current.tags, wrote);
    const restored = { ...bound, state: wrote, current: { ...bound.current, tags } };
    const found = await withFormer(await observeTarget(restored, await readConsent(restored, deps), deps), asked);
    const after = judged(found, asked, deps);
    const step: Step = { kind: 'restore', reason: 'state-wiped' };
    return { ...after, steps: [comingOf(step, deps.clock.now()), ...after.steps] };
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    if (error instanceof BusyError) return { steps: [], checks: [failedCheck(error)] };
    const { reason, detail } = error;
    return { steps: [], checks: [failedCheck(error)], refusal: { reason, detail, overridable: [] } };
  }
}

function judged(seen: Observation, asked: Asked, deps: Deps): Preview {
  const now = deps.clock.now();
  const preview = previewSteps(seen.observed, seen.target.personal ?? [], asked, now);
  const rotation = preview.path.find((step) => step.kind === 'rotate');
  if (preview.refusal || !rotation) return preview;
  try {
    preflight(rotation, { seen, deps });
    if (asked.revoke !== 'after-grace' && isPersonal(seen)) throw new KeyturnError('not-ours');
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    const { reason, detail } = error;
    const checks = [...preview.checks.filter(({ check }) => check !== checkOf(reason)), failedCheck(error)];
    return { steps: [], checks, refusal: { reason, detail, overridable: [] } };
  }
  return preview;
}

const isPersonal = ({ observed, target }: Observation): boolean =>
  observed.live !== undefined && target.personal?.includes(observed.live) === true;

const failedCheck = ({ reason, detail }: KeyturnError): Check => ({
  check: checkOf(reason),
  passed: false,
  reason,
  detail,
});

/** The rules alone, step by step on what each would leave. Pure. */
export function previewSteps(
  observed: Observed,
  personal: readonly Handle[],
  asked: Asked,
  now: Date,
): Preview & { readonly path: readonly Change[] } {
  const path: Change[] = [];
  const steps: Coming[] = [];
  const checks = new Map<CheckName, Check>(READ.map((check) => [check, { check, passed: true }]));
  let [seen, at] = [observed, now];
  for (let turn = 0; turn < STEPS_MAX; turn++) {
    const served = path.some((step) => serves(step, asked));
    if (!served) for (const check of checksOf(seen, asked, at)) checks.set(check.check, check);
    // Done with a hold, or with another end of a grace; what a rotation sets aside counts until what it replaced is revoked.
    const step = decide(seen, served && !isRotation(asked) ? undefined : asked, at);
    if (changes(step)) {
      path.push(step);
      steps.push(comingOf(step, at));
      seen = leftBy(step, seen, personal, at);
      continue;
    }
    const passes = served ? FOLLOWS.includes(step.reason) && seen.owed.length > 0 : PASSES.includes(step.reason);
    const until = step.kind === 'wait' ? step.until : undefined;
    if (!passes && !served)
      return { path, steps: [], checks: [...checks.values()], refusal: refusalOf(step, seen, asked, at) };
    if (!passes || until === undefined || until <= at) break;
    at = until;
  }
  return { path, steps, checks: [...checks.values()] };
}

const isRotation = ({ hold, at }: Asked): boolean => hold === undefined && at === undefined;

/** The step that a request is about. */
function serves(step: Change, { hold, at }: Asked): boolean {
  if (hold !== undefined) return step.kind === 'hold';
  if (at === undefined) return step.kind === 'rotate';
  return step.kind === 'move' || (step.kind === 'revoke' && step.owed.length > 0);
}

function checksOf(observed: Observed, asked: Asked, now: Date): readonly Check[] {
  const { step, barriers: found } = barriers(observed, asked, now);
  const failed = changes(step) ? found : [{ by: step, overridden: false }];
  const passed = changes(step) ? (RULES[step.kind] ?? ['mode']) : [];
  return [
    ...passed.map((check): Check => ({ check, passed: true })),
    ...failed.map(({ by, overridden }): Check => {
      const { reason } = by;
      return compact({
        check: checkOf(reason),
        passed: false,
        reason,
        overridden: overridden || undefined,
        ...said(by),
      });
    }),
  ];
}

/** What `override` can't set aside comes first: the caller should not ask twice for nothing. */
function refusalOf(step: Step, observed: Observed, asked: Asked, now: Date): Refusal {
  const { barriers: found } = barriers(observed, asked, now);
  const standing = found.filter(({ overridden }) => !overridden).map(({ by }) => by);
  const all: readonly (Wait | Refuse | Step)[] = standing.length > 0 ? standing : [step];
  const first = all.find((each) => !mayOverride(each)) ?? all[0] ?? step;
  const until = 'until' in first ? first.until : undefined;
  return compact({
    reason: first.reason,
    detail: said(first).detail ?? reasonRow(first.reason).cause,
    until,
    overridable: asked.undo ? [] : all.filter(mayOverride).map(({ reason }) => reason),
  });
}

/** Who surely keeps a slot goes on keeping it, whoever asks. */
const mayOverride = (step: Step): boolean =>
  reasonRow(step.reason).overridable === true &&
  (step.reason !== 'slot-held' || (step.kind === 'wait' && step.unsure !== undefined));

const said = (step: Step): { readonly detail?: string } =>
  'detail' in step && step.detail !== undefined ? { detail: step.detail } : {};

function comingOf(step: Change, on: Date): Coming {
  const { kind, reason } = step;
  const handles = kind === 'revoke' ? step.owed.map(({ handle }) => handle) : kind === 'rotate' ? slotOf(step) : [];
  return { on, kind, reason, handles, detail: inWords(step) };
}

function slotOf({ source }: Rotate): readonly Handle[] {
  const slot = source.kind === 'issue' ? source.slot : source.handle;
  return slot === undefined ? [] : [slot];
}

/** The version that a rotation would store, and the credential of which nobody can know the name yet. */
const NEW_VERSION = '0'.repeat(32);
const NEW_HANDLE = 'new';

/** What the next pass would see. */
function leftBy(step: Change, observed: Observed, personal: readonly Handle[], now: Date): Observed {
  switch (step.kind) {
    case 'restore':
      return { ...observed, wiped: false };
    case 'prove':
      return { ...observed, proved: true };
    case 'move':
      return { ...observed, after: toTheMinute(step.after) };
    case 'hold': {
      const { hold: _, ...free } = observed;
      return step.until ? { ...free, hold: toTheMinute(step.until) } : free;
    }
    case 'revoke': {
      const { after, ...rest } = observed;
      const owed = observed.owed.filter((each) => step.owed.every(({ version }) => version !== each.version));
      return compact({ ...rest, owed, after: owed.length > 0 && after ? after : undefined });
    }
    case 'rotate':
      return rotated(step, observed, personal, now);
  }
}

function rotated(step: Rotate, observed: Observed, personal: readonly Handle[], now: Date): Observed {
  const { version, live, placeholder, after, policy, overlap } = observed;
  const handle = slotOf(step)[0] ?? (overlap === 'none' ? live : undefined) ?? NEW_HANDLE;
  const replaced = live === undefined || placeholder || personal.includes(live) ? [] : [{ version, handle: live }];
  const owed = [...observed.owed, ...replaced].filter((each) => each.handle !== handle);
  const { after: _, retryOn: __, settlingUntil: ___, ...rest } = observed;
  const ends =
    step.graceHours === undefined ? latest(after, addHours(now, policy.graceHours)) : addHours(now, step.graceHours);
  // A target that can't be asked, or answers by its management plane alone, will do so of the next value, too.
  const verdict = observed.verdict === 'vouched' || observed.verdict === 'unknown' ? observed.verdict : 'accepted';
  return compact({
    ...rest,
    version: NEW_VERSION,
    createdOn: now,
    live: handle,
    verdict,
    owed,
    ours: true,
    written: true,
    known: true,
    begun: false,
    placeholder: false,
    proved: false,
    termsRefused: false,
    after: owed.length > 0 && ends ? toTheMinute(ends) : undefined,
    ...(step.reason === 'undo' ? { hold: undoHold(observed.hold, now) } : {}),
    blocked: new Map(),
    dueOn: addHours(now, policy.everyHours),
    recentRotations: observed.recentRotations + 1,
    versionCount: observed.versionCount + 1,
  });
}
