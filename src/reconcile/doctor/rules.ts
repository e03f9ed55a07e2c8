/** What the look itself has seen of a rotation to come: judged for its day, by the rules that the passes go by. Asks nobody. */
import { addHours, latest } from '../../core/clock.ts';
import { commandLine } from '../../core/commandLine.ts';
import { BusyError, KeyturnError } from '../../core/errors.ts';
import { isReason } from '../../core/reasons.ts';
import type { Deps } from '../../ports/deps.ts';
import { dueOn, expiryOf, soonestOn, termsOf } from '../../tags/policy.ts';
import { isOpen, nextOpen } from '../../tags/window.ts';
import { preflight } from '../act/preflight.ts';
import { VERSIONS_MAX } from '../decide.ts';
import type { Observation } from '../observe/observation.ts';
import type { BoundSecret } from '../observe/observeVault.ts';
import { onHold } from '../observe/onHold.ts';
import { openAt, refuseOtherKeys } from '../observe/opened.ts';
import { refusalIn } from '../observe/refusedTerms.ts';
import type { Rotate } from '../step.ts';
import { changesByAzure } from './questions.ts';
import { type Looked, problem, type Symptom, untold, well } from './symptom.ts';

/** So few versions left are said before the last one is stored. */
const VERSIONS_NEAR = 10;
const WITHOUT_CONSENT = 'It is asked of a target with the consent of its owner alone.';

/** All that was seen, not only the first thing in the way. */
export async function rulesOf(looked: Looked, deps: Deps): Promise<readonly Symptom[]> {
  return [
    ...(['secret', 'tags', 'kind'] as const).map((check) => well(check)),
    ...(await ofTarget(looked)),
    ...ofOwner(looked, deps),
    ...(await ofDates(looked, deps)),
    ...ofVersions(looked),
    ...(looked.seen ? ofSlot(looked.seen, deps) : []),
    ...ofFailures(looked, deps),
  ];
}

/** Consent, obstacles, form and grace, each by itself: what keeps one from being seen keeps none of the others. */
async function ofTarget({
  bound,
  seen,
  error,
  inspected,
  consented,
}: Looked): Promise<readonly Symptom[]> {
  if (!consented) {
    const why = error ? [ofError(error)] : [];
    return [
      ...why,
      ...(['target', 'value', 'slot', 'proof'] as const).map((check) =>
        untold(check, WITHOUT_CONSENT),
      ),
    ];
  }
  const found = [well('consent'), ...(error ? [ofError(error)] : [well('target')])];
  for (const { reason, detail } of inspected?.obstacles ?? []) found.push(problem(reason, detail));
  if (!changesByAzure(bound))
    found.push(well('locks', 'What is changed is not behind locks of Azure.'));
  if (seen?.target.present)
    found.push(well('locks', 'Keys could be read by a POST, which no ReadOnly lock lets through.'));
  if (seen) return [...found, well('value'), ...ofProof(seen)];
  if (!inspected) return found;
  const { graceMin } = inspected;
  if (graceMin && bound.policy.graceHours < graceMin.hours)
    found.push(
      problem(
        'short-grace',
        `grace is ${bound.policy.graceHours} h, but ${graceMin.because} is ${graceMin.hours} h.`,
      ),
    );
  try {
    refuseOtherKeys(
      await openAt(bound.current.value, bound.optIn.wanted, bound.optIn.target, inspected),
      inspected,
    );
    found.push(well('value'));
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError)) throw thrown;
    found.push(ofError(thrown));
  }
  return found;
}

/** What ended a look. What may pass by itself says nothing of the day. */
const ofError = (error: KeyturnError): Symptom =>
  error instanceof BusyError
    ? untold('target', error.detail, error.reason)
    : problem(error.reason, error.detail);

function ofProof({ observed }: Observation): readonly Symptom[] {
  const { known, ours, begun, placeholder, doubt, verdict, said } = observed;
  if (!known && !ours && !begun && !placeholder) {
    const { reason, detail } = doubt ?? { reason: 'unknown-value' as const, detail: undefined };
    return [problem(reason, detail)];
  }
  if (verdict === 'refused')
    return [well('proof', 'The target refuses the value; the next look heals that.')];
  if (verdict !== undefined && verdict !== 'accepted') {
    const detail =
      said ?? 'The target shows the credential in its place; it could not be tried from here.';
    return [untold('proof', detail), untold('network', detail)];
  }
  return [well('proof'), well('network')];
}

function ofOwner({ bound }: Looked, { config }: Deps): readonly Symptom[] {
  const { mode } = config;
  const says =
    mode === 'run' ? undefined : `This instance has KEYTURN_MODE=${mode}, and rotates nothing yet.`;
  const paused = bound.policy.paused
    ? problem(
        'paused',
        bound.policy.pausedByVault ? 'By the tag keyturn-policy of the vault.' : undefined,
      )
    : well(
        'paused',
        bound.policy.approve
          ? 'Its policy says approve=yes: when it is due, it waits for a person.'
          : undefined,
      );
  return [well('mode', says), paused];
}

/** Hold, window and expiry against the day on which it is due, and the validity of what would come. */
async function ofDates({ bound, seen }: Looked, deps: Deps): Promise<readonly Symptom[]> {
  const { current, policy, state, row } = bound;
  const now = deps.clock.now();
  const lived = { takenOverOn: row?.takenOverOn };
  const due = latest(
    seen?.observed.dueOn ?? dueOn(current, state?.rot !== undefined, policy, lived),
    now,
  ) as Date;
  const hold = state?.hold && state.hold > now ? state.hold : undefined;
  const held = hold && hold > due;
  const found = [
    held
      ? problem(
          'hold',
          `It is held until ${hold.toISOString()}, and due on ${due.toISOString()}.`,
          resume(bound),
        )
      : well('hold', hold && `It is held until ${hold.toISOString()}, before it is due.`),
  ];
  const wide = await widelyHeld({ bound, seen }, due, deps);
  found.push(...wide.found);
  const free = latest(
    due,
    hold,
    wide.until,
    soonestOn(seen?.observed.age?.currentSince ?? current.createdOn, policy),
  ) as Date;
  const first =
    policy.window && !isOpen(policy.window, free) ? nextOpen(policy.window, free) : free;
  found.push(well('window'));
  const { expiresOn } = current;
  const late = expiresOn && first > now && expiresOn <= first;
  if (late)
    found.push(
      problem(
        'expires-first',
        `The version expires on ${expiresOn.toISOString()}, and may be replaced on ${first.toISOString()} at the earliest.`,
      ),
    );
  // By its expiry alone, however often it comes due by age.
  const expiry = expiryOf(policy, now, deps.config.capDays);
  const byExpiry = dueOn({ createdOn: now, expiresOn: expiry }, true, {
    ...policy,
    everyHours: LONG_HOURS,
  });
  const soonest = soonestOn(now, policy);
  if (byExpiry < soonest)
    found.push(
      problem(
        'short-validity',
        `KEYTURN_VALIDITY_CAP=${deps.config.capDays} lets a version live until ${expiry.toISOString()}, and with a grace of ${policy.graceHours} h none is replaced before ${soonest.toISOString()}.`,
      ),
    );
  return late || byExpiry < soonest ? found : [...found, well('expiry')];
}
const LONG_HOURS = 10 * 365 * 24;

const resume = ({ secret: { vault, name } }: BoundSecret): string =>
  commandLine('keyturn', 'resume', `${vault}/${name}`);

/** Holds by scope and freezes that reach over the day on which it is due, also those to come. */
async function widelyHeld(
  { bound, seen }: Pick<Looked, 'bound' | 'seen'>,
  due: Date,
  deps: Deps,
): Promise<{ readonly found: readonly Symptom[]; readonly until: Date | undefined }> {
  try {
    const holds = seen ? seen.observed.onHold : (await onHold(bound, deps)).onHold;
    const now = deps.clock.now();
    const coming = (deps.config.freeze ?? []).filter(({ from }) => from > now && from <= due);
    const all = [
      ...(holds ?? []),
      ...coming.map(({ until, text }) => ({
        until,
        detail: `KEYTURN_FREEZE holds all secrets: ${text}.`,
      })),
    ].filter(({ until }) => until > due);
    return {
      found: all.map(({ detail }) =>
        problem('hold', `${detail} It is due on ${due.toISOString()}.`),
      ),
      until: latest(...all.map(({ until }) => until)),
    };
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return { found: [untold('hold', error.detail, error.reason)], until: undefined };
  }
}

function ofVersions({ bound }: Looked): readonly Symptom[] {
  const { length } = bound.versions;
  const left = VERSIONS_MAX - length;
  if (left <= 0) return [problem('too-many-versions', `It has ${length} versions.`)];
  if (left <= VERSIONS_NEAR)
    return [problem('versions-near', `It has ${length} versions: ${left} more are stored.`)];
  return [well('versions', `${left} versions are left.`)];
}

/** Neighbours on the slots, and what the slot and the vault would make of the next credential. */
function ofSlot(seen: Observation, deps: Deps): readonly Symptom[] {
  const { observed } = seen;
  const { source, indexGap } = observed;
  const gap = indexGap === undefined ? well('index') : untold('index', indexGap, 'index');
  if (source.kind === 'blocked') {
    const { step } = source;
    const passes =
      step.reason === 'grace' || (step.kind === 'wait' && isOver(step.owedUntil, observed.dueOn));
    return [gap, passes ? well('slot', step.detail) : problem(step.reason, step.detail)];
  }
  const step: Rotate = { kind: 'rotate', reason: 'due', rotation: observed.rotation, source };
  try {
    preflight(step, { seen, deps });
    return [gap, well('slot'), well('size')];
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return [gap, well('slot'), problem(error.reason, error.detail)];
  }
}

const isOver = (until: Date | undefined, due: Date): boolean => until !== undefined && until <= due;

/** What is remembered of rotations that went wrong. */
function ofFailures({ bound, seen }: Looked, deps: Deps): readonly Symptom[] {
  const { row, policy, current } = bound;
  const terms = termsOf(policy, current.contentType, deps.config.capDays);
  const { termsRefused, refusedBy } =
    seen?.observed ?? refusalIn(row, terms, policy, deps.clock.now());
  const found = termsRefused
    ? [problem(refusedBy ?? 'vault-policy', row?.lastFailure?.detail)]
    : [well('policy')];
  const failure = row?.lastFailure;
  const isNew =
    failure && isReason(failure.reason) && !(termsRefused && failure.reason === found[0]?.reason);
  if (isNew && isReason(failure.reason))
    return [
      ...found,
      {
        ...problem(
          failure.reason,
          `The last rotation failed on ${failure.on.toISOString()}: ${failure.detail}`,
        ),
        check: 'rotations',
      },
    ];
  const braked =
    seen?.observed.braked === true && seen.observed.dueOn <= addHours(deps.clock.now(), 24);
  return [...found, braked ? problem('brake') : well('rotations')];
}
