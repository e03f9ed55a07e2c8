/**
 * What would come of a request: every step to its end, by the rules that the passes go by, and what stands in its way. A dry
 * run shows it, and a request that can't be met is refused for it at once (design section 5; cases OPS-02 and OPS-06).
 */
import { addHours, latest } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import type { Diagnosis } from '../core/diagnosis.ts';
import { BusyError, KeyturnError } from '../core/errors.ts';
import type { Handle } from '../core/ids.ts';
import { type Reason, type Remedy, reasonRow } from '../core/reasons.ts';
import type { Deps } from '../ports/deps.ts';
import { aboutSecret, remedyFor } from '../tags/about.ts';
import { parseState, toTheMinute, withState } from '../tags/state.ts';
import { preflight } from './act/preflight.ts';
import { type CheckName, checkOf } from './checks.ts';
import { barriers, decide, inWords } from './decide.ts';
import { examine } from './doctor/doctor.ts';
import type { Looked } from './doctor/symptom.ts';
import { readConsent } from './observe/consented.ts';
import { withFormer } from './observe/former.ts';
import { withLeak } from './observe/leak.ts';
import { type AskedRights, missingIn, rightsFor } from './observe/missingRights.ts';
import type { Observation } from './observe/observation.ts';
import type { Observed } from './observe/observed.ts';
import { observeTarget } from './observe/observeTarget.ts';
import type { BoundSecret, Trail } from './observe/observeVault.ts';
import { undoHold } from './observe/undoRule.ts';
import {
  type Asked,
  type Change,
  changes,
  type Refuse,
  type Rotate,
  type Step,
  type Wait,
} from './step.ts';

/** A step to come, as its audit record will tell of it. */
export interface Coming {
  readonly on: Date;
  readonly kind: Change['kind'];
  readonly reason: Reason;
  /** Of a rotation the slot that it takes, where that is known before; of a revocation what it ends. */
  readonly handles: readonly Handle[];
  readonly detail: string;
}

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
  /** What the doctor adds: what helps, as a command where one does, and who acts. */
  readonly remedy?: string;
  readonly who?: Remedy['by'];
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
const PASSES: readonly Reason[] = [
  'settling',
  'lock-busy',
  'vault-busy',
  'target-busy',
  'storage-busy',
];
/** Waits with a known end between a rotation and the revocation that follows. */
const FOLLOWS: readonly Reason[] = ['grace', 'window', 'hold', 'settling'];
const STEPS_MAX = 12;

/**
 * Reads vault and target like a pass, without their locks. Throws what does not come from the rules: no answer of the vault.
 * Where the target does not answer, nothing is shown and nothing refused.
 *
 * @param options `all`: with all that the doctor finds, for a dry run
 */
export async function previewOf(
  bound: BoundSecret,
  asked: Asked,
  deps: Deps,
  { all = false }: { readonly all?: boolean } = {},
): Promise<Preview> {
  const look: { -readonly [K in keyof Looked]?: Looked[K] } = {};
  const coming = await previewChanges(bound, asked, deps, look);
  // What is to change something at the target needs rights. Without any step it did not answer: what Azure says is known all the same.
  const takes =
    coming.steps.length === 0 ||
    coming.steps.some(({ kind }) => kind === 'rotate' || kind === 'revoke');
  const needsRights = coming.refusal === undefined && takes;
  const known =
    needsRights || (all && look.consented) ? await rightsFor(bound, deps, !all) : undefined;
  const preview = needsRights && known ? withRights(coming, known) : coming;
  const checks = all
    ? withDiagnoses(
        preview.checks,
        await examine({ consented: false, ...look, bound }, deps, known),
      )
    : preview.checks;
  const { refusal } = preview;
  if (!refusal) return { ...preview, checks };
  const about = aboutSecret({ secret: bound.secret, row: bound.row, bound }, deps);
  return {
    ...preview,
    checks,
    refusal: { ...refusal, ...remedyFor(refusal.reason, bound.secret, about, deps) },
  };
}

/** All that the doctor found beside what the request was judged by: it is not kept back for what stands in the way already. */
function withDiagnoses(checks: readonly Check[], found: readonly Diagnosis[]): readonly Check[] {
  const isNew = ({ check, outcome, reason }: Diagnosis) =>
    !checks.some((each) => each.check === check) ||
    (outcome === 'problem' && !checks.some((each) => each.reason === reason));
  return [...checks, ...found.filter(isNew).map(checkOfDiagnosis)];
}

const checkOfDiagnosis = ({ check, outcome, reason, detail, remedy, who }: Diagnosis): Check =>
  compact({
    ...{ check: check as CheckName, passed: outcome !== 'problem' },
    reason: outcome === 'problem' ? reason : undefined,
    detail,
    unknown: outcome === 'cannot-tell' ? true : undefined,
    ...{ remedy, who },
  });

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

/** A request is not met where a right is known to be missing (OPS-03). */
function withRights(preview: Preview, known: AskedRights): Preview {
  const missing = missingIn(known);
  if (!missing) return preview;
  const { reason = 'target-forbidden', detail = reasonRow(reason).cause } = missing;
  return { ...preview, steps: [], refusal: { reason, detail, overridable: [] } };
}

async function previewChanges(
  bound: BoundSecret,
  asked: Asked,
  deps: Deps,
  look: { -readonly [K in keyof Looked]?: Looked[K] },
): Promise<Preview> {
  const trail: Trail = {};
  const observe = async (version: BoundSecret): Promise<Observation> => {
    const grants = await readConsent(version, deps);
    look.consented = true;
    const seen = await withFormer(await observeTarget(version, grants, deps, trail), asked);
    return await withLeak(seen, asked, grants, deps);
  };
  try {
    const seen = await observe(bound);
    look.seen = seen;
    const wrote = seen.observed.wiped ? parseState(bound.row?.wroteState ?? '') : undefined;
    if (!wrote) return judged(seen, asked, deps);
    // The state comes back first; what follows is what it says.
    const tags = withState(bound.current.tags, wrote);
    const restored = { ...bound, state: wrote, current: { ...bound.current, tags } };
    look.seen = await observe(restored);
    const after = judged(look.seen, asked, deps);
    const step: Step = { kind: 'restore', reason: 'state-wiped' };
    return { ...after, steps: [comingOf(step, deps.clock.now()), ...after.steps] };
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    look.error = error;
    if (error instanceof BusyError) return { steps: [], checks: [failedCheck(error)] };
    const { reason, detail } = error;
    return {
      steps: [],
      checks: [failedCheck(error)],
      refusal: { reason, detail, overridable: [] },
    };
  } finally {
    look.inspected = trail.inspected;
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
    const checks = [
      ...preview.checks.filter(({ check }) => check !== checkOf(reason)),
      failedCheck(error),
    ];
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
    const passes = served
      ? FOLLOWS.includes(step.reason) && seen.owed.length > 0
      : PASSES.includes(step.reason);
    const until = step.kind === 'wait' ? step.until : undefined;
    if (!passes && !served)
      return {
        path,
        steps: [],
        checks: [...checks.values()],
        refusal: refusalOf(step, seen, asked, at),
      };
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
    overridable:
      asked.undo || asked.leaked
        ? []
        : [...new Set(all.filter(mayOverride).map(({ reason }) => reason))],
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
  const handles =
    kind === 'revoke'
      ? step.owed.map(({ handle }) => handle)
      : kind === 'rotate'
        ? slotOf(step)
        : [];
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
function leftBy(
  step: Change,
  observed: Observed,
  personal: readonly Handle[],
  now: Date,
): Observed {
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
    case 'follow': {
      const { following: _, ...rest } = observed;
      return rest;
    }
    case 'revoke': {
      const { after, ...rest } = observed;
      const owed = observed.owed.filter((each) =>
        step.owed.every(({ version }) => version !== each.version),
      );
      return compact({ ...rest, owed, after: owed.length > 0 && after ? after : undefined });
    }
    case 'rotate':
      return rotated(step, observed, personal, now);
  }
}

function rotated(
  step: Rotate,
  observed: Observed,
  personal: readonly Handle[],
  now: Date,
): Observed {
  const { version, live, placeholder, after, policy, overlap } = observed;
  const handle = slotOf(step)[0] ?? (overlap === 'none' ? live : undefined) ?? NEW_HANDLE;
  const replaced =
    live === undefined || placeholder || personal.includes(live) ? [] : [{ version, handle: live }];
  const owed = [...observed.owed, ...replaced].filter((each) => each.handle !== handle);
  const { after: _, retryOn: __, settlingUntil: ___, following: ____, ...rest } = observed;
  const ends =
    step.graceHours === undefined
      ? latest(after, addHours(now, policy.graceHours))
      : addHours(now, step.graceHours);
  // A target that can't be asked, or answers by its management plane alone, will do so of the next value, too.
  const verdict =
    observed.verdict === 'vouched' || observed.verdict === 'unknown'
      ? observed.verdict
      : 'accepted';
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
