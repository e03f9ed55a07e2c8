/** The second half of a look: reads the target and names what is there. Changes nothing. */
import { addHours, addMinutes, latest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import { KeyturnError } from '../../core/errors.ts';
import type { Grant } from '../../core/grants.ts';
import { type Handle, type RotationId, rotationId } from '../../core/ids.ts';
import { Secret } from '../../core/secret.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Begun, SecretRow } from '../../ports/rows.ts';
import {
  type NamedOlder,
  newestOf,
  olderOurs,
  rotationsSince,
  stateOrNone,
} from '../../tags/owed.ts';
import { dueOn, termsOf } from '../../tags/policy.ts';
import { parseState, type RotatorState } from '../../tags/state.ts';
import type { Claim } from '../step.ts';
import { type Age, ageOf } from './age.ts';
import { begunBefore, begunOn } from './begun.ts';
import { brakeOf, isRateUsedUp } from './brake.ts';
import { followingOf } from './following.ts';
import { indexGap } from './indexGap.ts';
import { afterOf, leavingFacts } from './leavingFacts.ts';
import { claimOn, type Neighbour, neighboursAt } from './neighbours.ts';
import { type Observation, SETTLING_MINUTES, SLOW_MINUTES } from './observation.ts';
import {
  type Observed,
  type ObservedBrakes,
  type ObservedOwed,
  type ObservedOwnership,
  type ObservedVersion,
  proves,
} from './observed.ts';
import type { BoundSecret, Trail } from './observeVault.ts';
import { nameOlder, oldForm } from './older.ts';
import { onHold } from './onHold.ts';
import { adoptForm, openAt, refuseOtherKeys, usesDoor } from './opened.ts';
import { refusalIn } from './refusedTerms.ts';
import { observedSources } from './source.ts';
import type { TargetRead } from './targetRead.ts';

/** The word that infrastructure code stores before there is a value (case IAC-04). */
const PLACEHOLDER = 'keyturn:new';

/**
 * Reads the target and names the credentials. The target's lock is taken.
 *
 * @param trail what was read before something ended the look, for whoever wants to know all that is in the way
 */
export async function observeTarget(
  bound: BoundSecret,
  grants: readonly Grant[],
  deps: Deps,
  trail: Pick<Trail, 'inspected'> = {},
): Promise<Observation> {
  const { current, optIn, policy } = bound;
  let target = await optIn.target.inspect();
  trail.inspected = target;
  const [obstacle] = target.obstacles;
  if (obstacle) throw new KeyturnError(obstacle.reason, { detail: obstacle.detail });
  // What a person opted out keeps the grace that was fixed when it was stored.
  if (target.graceMin && bound.leaving === undefined && policy.graceHours < target.graceMin.hours) {
    throw new KeyturnError('short-grace', {
      detail: `grace is ${policy.graceHours} h, but ${target.graceMin.because} is ${target.graceMin.hours} h.`,
    });
  }
  const read = await openAt(current.value, optIn.wanted, optIn.target, target);
  refuseOtherKeys(read, target);
  const placeholder = read.bare.equals(new Secret(PLACEHOLDER));
  if (optIn.target.through && (await usesDoor(current.value, optIn.wanted, optIn.target, target)))
    target = { ...target, notes: [...(target.notes ?? []), optIn.target.through()] };
  optIn.target.wrong?.recall(bound.row?.wrong ?? [], current.createdOn);
  const { opened, handle } = placeholder
    ? { opened: read, handle: undefined }
    : await adoptForm(read, (value, login) => optIn.target.adopt(value, login));
  const neighbours = () => neighboursAt(bound.secret, { ...optIn, facts: target }, grants, deps);
  const said = placeholder ? undefined : optIn.target.said?.();
  const found = { target, opened, placeholder, handle, grants, ...compact({ said }) };
  const { observed: seen, older } = await nameWhatIsThere(bound, found, neighbours, deps);
  const observed = compact({ ...seen, following: followingOf(seen, bound.row, deps) });
  return compact({ ...bound, observed, target, opened, older, named: handle });
}

/** The credentials of a secret, by their handles. */
interface Named {
  /** Of the current version, where it fits its value. */
  readonly state: RotatorState | undefined;
  readonly ours: boolean;
  readonly written: boolean;
  readonly proved: boolean;
  readonly live: Handle | undefined;
  /** What older versions keep, but for what a person made. */
  readonly older: readonly NamedOlder[];
  readonly personal: readonly NamedOlder[];
}

/** Group by group, and every question to vault, target and table in this order. */
async function nameWhatIsThere(
  bound: BoundSecret,
  found: TargetRead,
  askNeighbours: () => Promise<readonly Neighbour[]>,
  deps: Deps,
): Promise<{ observed: Observed; older: readonly NamedOlder[] }> {
  const now = deps.clock.now();
  const named = await namesIn(bound, found);
  const { older, ours, live } = named;
  // Where many fit, others matter to what is revoked alone; to ask them is a read of each.
  const neighbours =
    bound.optIn.rotator.overlap === 'many' && older.length === 0 ? [] : await askNeighbours();
  const version = await observedVersion(bound, found, named, deps);
  const begun = await begunIn(bound, found, ours);
  const issuedBy = await issuedNowhere(bound, found);
  const { verdict } = version;
  const newest = newestOf(older, bound.secret);
  const observed: Observed = {
    ...version,
    ...observedOwnership(bound, named, begun),
    ...observedOwed(bound, found, named, { neighbours, issuedBy, now }),
    ...(await observedSources(
      bound,
      { ...found, neighbours, live, older, newest, ours, verdict },
      now,
    )),
    ...(await observedBrakes(bound, { grants: found.grants, begun }, deps)),
    ...(await onHold(bound, deps)),
  };
  return { observed, older };
}

async function namesIn(bound: BoundSecret, found: TargetRead): Promise<Named> {
  const { secret, current, versions, tgt } = bound;
  const { handle, placeholder, target } = found;
  // A state that contradicts the value counts as none; a value that the target no longer knows is ours and broken.
  const ours = !placeholder && stateFits(bound.state, tgt, handle);
  const state = ours ? bound.state : undefined;
  const live = handle ?? state?.cred;
  const candidates = olderOurs(versions, current.id, { secret, tgt, currentRot: state?.rot });
  const all = await nameOlder(candidates, { bound, found, live });
  // What a person made at a target that takes many is never Keyturn's to revoke (case GR-10).
  const isPersonal = ({ handle: each }: NamedOlder) => target.personal?.includes(each) === true;
  const older = all.filter((each) => !isPersonal(each));
  const written = state?.rot !== undefined;
  const proved = state?.proved === current.id.slice(0, 8);
  return { state, ours, written, proved, live, older, personal: all.filter(isPersonal) };
}

/** Asks the target about the current value, where anything hangs on the answer. */
async function observedVersion(
  bound: BoundSecret,
  found: TargetRead,
  { state, live, older, written, proved }: Named,
  deps: Deps,
): Promise<ObservedVersion> {
  const { secret, current, versions, policy, optIn, leaving } = bound;
  const { handle, placeholder } = found;
  // Where many fit, a value may work without being told from its neighbours: two with one hint (case GR-10).
  const oneOfMany = optIn.rotator.overlap === 'many' && handle === undefined && !placeholder;
  const verdict =
    oneOfMany ||
    (leaving !== undefined && older.length > 0) ||
    (written && (!proved || older.length > 0 || handle === undefined)) ||
    found.said?.expired
      ? await optIn.target.check(found.opened.bare, found.opened.login)
      : undefined;
  const said = verdict === undefined ? undefined : optIn.target.said?.()?.detail;
  const age = await ageIn(bound, found, state);
  return compact({
    secret,
    version: current.id,
    createdOn: current.createdOn,
    versionCount: versions.length,
    policy,
    hold: bound.state?.hold,
    dueOn: dueOn(current, written, policy, {
      since: age.since,
      currentSince: age.currentSince,
      takenOverOn: takenOverOn(bound),
      everyMaxHours: deps.config.limits?.everyMaxHours,
      ends:
        live === undefined
          ? undefined
          : { on: found.target.endsOn?.get(live), since: age.currentSince },
    }),
    age,
    placeholder,
    live,
    known: handle !== undefined || (oneOfMany && verdict !== undefined && proves(verdict)),
    verdict,
    said,
    expired: found.said?.expired ? true : undefined,
    doubt:
      handle === undefined && found.said?.doubt
        ? { reason: found.said.doubt, detail: found.said.detail }
        : undefined,
  });
}

const observedOwnership = (
  { current, tgt, row, leaving }: BoundSecret,
  { ours, written, proved }: Named,
  begun: Begun | undefined,
): ObservedOwnership =>
  compact({
    ours,
    written,
    begun: begun !== undefined,
    proved,
    wiped: leaving === undefined && row?.wroteVersion === current.id && !ours && wroteFor(row, tgt),
    leaving,
  });

function observedOwed(
  bound: BoundSecret,
  { target, handle, placeholder }: TargetRead,
  { state, live, older, personal }: Named,
  {
    neighbours,
    issuedBy,
    now,
  }: {
    readonly neighbours: readonly Neighbour[];
    readonly issuedBy: readonly RotationId[];
    readonly now: Date;
  },
): ObservedOwed {
  const ends =
    bound.leaving === undefined
      ? compact({ after: state?.after && afterOf(state, bound) })
      : leavingFacts(bound, { target, state, live, older, handle, placeholder, issuedBy });
  return {
    owed: older.map(({ version, handle: owedHandle }) => ({ version, handle: owedHandle })),
    left: personal.map(({ handle: each }) => each),
    blocked: new Map(
      older.flatMap((each) => entry(each.version, claimOn(each.handle, now, neighbours))),
    ),
    ...ends,
    issuedBy,
  };
}

/** Of the credential that the current value is; older values are read once for each version that Keyturn did not write. */
const ageIn = (
  bound: BoundSecret,
  { target, opened, handle }: TargetRead,
  state: RotatorState | undefined,
): Promise<Age> => {
  const { current, versions, tgt, row } = bound;
  const valueIn = async (version: string) => (await oldForm(bound, version, target))?.bare;
  return ageOf({ current, versions, tgt, state, handle, row, value: opened.bare, valueIn });
};

/**
 * When the secret was opted in: remembered from the first look, which takes the last change of its tags for it. Undefined
 * where the row is lost and a state tells that it was taken over long ago: then the version's creation counts.
 */
export function takenOverOn({
  row,
  current,
  versions,
}: Pick<BoundSecret, 'row' | 'current' | 'versions'>): Date | undefined {
  const isKnown = versions.some(({ tags }) => stateOrNone(tags)?.tgt !== undefined);
  return row?.takenOverOn ?? (isKnown ? undefined : current.updatedOn);
}

const entry = (version: string, claim: Claim | undefined): [string, Claim][] =>
  claim === undefined ? [] : [[version, claim]];

function stateFits(
  state: RotatorState | undefined,
  tgt: string,
  handle: Handle | undefined,
): boolean {
  if (!state || state.tgt !== tgt || state.revoked) return false;
  return handle === undefined ? state.rot !== undefined : state.cred === handle;
}

/** The row's state is of this target: a state of another one is never written back. */
const wroteFor = (row: SecretRow, tgt: string): boolean =>
  row.wroteState !== undefined && parseState(row.wroteState)?.tgt === tgt;

/** By the tags or the row; of a value that the target does not know, also by what had begun when it was current before. */
async function begunIn(
  bound: BoundSecret,
  { handle, placeholder, opened, target }: TargetRead,
  ours: boolean,
): Promise<Begun | undefined> {
  const begun = begunOn(bound);
  // Where the old one lives beside the new, no rotation of ours has made the value unknown.
  const isOnly = bound.optIn.rotator.overlap === 'none';
  if (begun || !isOnly || handle !== undefined || placeholder || ours) return begun;
  return begunBefore(
    bound,
    opened.bare,
    async (version) => (await oldForm(bound, version, target))?.bare,
  );
}

/**
 * Rotations whose credentials stand in no version and never were current: the one that would replace the current version, and,
 * where its owner has stored the same dead value again, the one that had begun to replace it before. Reads values only then.
 */
async function issuedNowhere(
  bound: BoundSecret,
  { handle, placeholder, opened, target }: TargetRead,
): Promise<readonly RotationId[]> {
  const { secret, current, versions, leaving } = bound;
  const own = rotationId(secret, current.id);
  if (leaving === undefined || handle !== undefined || placeholder || !target.labelled)
    return [own];
  const begun = await begunBefore(
    bound,
    opened.bare,
    async (version) => (await oldForm(bound, version, target))?.bare,
  );
  const replaced = begun && versions.find(({ id }) => rotationId(secret, id) === begun.rotation);
  // Something stored in between may have been what it issued, whatever its tags say by now.
  const isLast =
    replaced &&
    versions.every(({ id, createdOn }) => id === current.id || createdOn <= replaced.createdOn);
  return begun && isLast ? [own, begun.rotation] : [own];
}

async function observedBrakes(
  { secret, current, versions, policy, row, optIn }: BoundSecret,
  { grants, begun }: { readonly grants: readonly Grant[]; readonly begun: Begun | undefined },
  deps: Deps,
): Promise<ObservedBrakes> {
  const { mode, rate, capDays } = deps.config;
  const now = deps.clock.now();
  const lately = await deps.rows.rotationsSince(addHours(now, -1));
  // A pass that died after `started` may have a write under way that nobody has heard of.
  const begunUntil = begun && addMinutes(begun.on, SLOW_MINUTES + SETTLING_MINUTES);
  const settlingUntil = latest(row?.settlingUntil, begunUntil);
  const gap = await indexGap(grants, deps);
  return compact({
    mode,
    recentRotations: rotationsSince(versions, addHours(now, -24), row?.wrote),
    settlingUntil,
    ...refusalIn(row, termsOf(policy, current.contentType, capDays), policy, now),
    indexGap: gap,
    rateUsedUp: isRateUsedUp(lately, secret.vault, rate, deps.vaults.names),
    ...(await brakeOf(optIn.rotator.type, secret, deps)),
  });
}
