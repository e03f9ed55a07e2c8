/** The second half of a look: reads the target and names what is there. Changes nothing. */
import { addHours, addMinutes, latest } from '../../core/clock.ts';
import { BusyError, KeyturnError } from '../../core/errors.ts';
import type { Grant } from '../../core/grants.ts';
import { type Handle, type RotationId, rotationId, type VersionId } from '../../core/ids.ts';
import { Secret } from '../../core/secret.ts';
import type { Form } from '../../form/form.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Said, TargetState, Verdict } from '../../ports/rotator.ts';
import type { Begun, SecretRow } from '../../ports/rows.ts';
import {
  keptBesideDrift,
  type NamedOlder,
  newestOf,
  type OlderOurs,
  olderOurs,
  rotationsSince,
  stateOrNone,
} from '../../tags/owed.ts';
import { dueOn, planOf } from '../../tags/policy.ts';
import { parseState, type State } from '../../tags/state.ts';
import type { Source } from '../step.ts';
import { type Age, ageOf } from './age.ts';
import { begunBefore, begunOn } from './begun.ts';
import { brakeOf, isRateUsedUp } from './brake.ts';
import { indexGap } from './indexGap.ts';
import { type Claim, type Holder, heldBy, otherHolders, sureOf } from './neighbours.ts';
import { type Observed, proves } from './observed.ts';
import type { Bound } from './observeVault.ts';
import { adoptForm, openAt, refuseOtherKeys, usesDoor } from './opened.ts';
import { refusalIn } from './refusedPlan.ts';
import { sourceFor } from './source.ts';
import { straysOf, strayUntil } from './strays.ts';

/** The word that infrastructure code stores before there is a value (case IAC-04). */
const PLACEHOLDER = 'keyturn:new';
/** A write whose outcome was unknown may still arrive this long after (design section 3, case SDK-01). */
export const SETTLING_MINUTES = 10;
/** A rotation that took longer than this from its mark to the store marks again: a PUT goes out at most so long after its mark. */
export const SLOW_MINUTES = 2;

/** All that acting needs beside what was decided. */
export interface Seen extends Bound {
  readonly observed: Observed;
  readonly target: TargetState;
  readonly opened: Form;
  readonly older: readonly NamedOlder[];
  /** The handle of the current value, told from the value for certain. */
  readonly named?: Handle;
}

/** Reads the target and names the credentials. The target's lock is held. */
export async function observeTarget(bound: Bound, grants: readonly Grant[], deps: Deps): Promise<Seen> {
  const { current, optIn, policy } = bound;
  let target = await optIn.target.inspect();
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
  const holders = () => otherHolders(bound.secret, { ...optIn, state: target }, grants, deps);
  const said = placeholder ? undefined : optIn.target.said?.();
  const found = { target, opened, placeholder, handle, grants, ...(said ? { said } : {}) };
  const { observed, older } = await nameWhatIsThere(bound, found, holders, deps);
  return { ...bound, observed, target, opened, older, ...(handle === undefined ? {} : { named: handle }) };
}

interface Found {
  readonly target: TargetState;
  readonly opened: Form;
  readonly placeholder: boolean;
  readonly handle: Handle | undefined;
  readonly grants: readonly Grant[];
  /** Of the current value. */
  readonly said?: Said;
}

async function nameWhatIsThere(
  bound: Bound,
  found: Found,
  askHolders: () => Promise<readonly Holder[]>,
  deps: Deps,
): Promise<{ observed: Observed; older: readonly NamedOlder[] }> {
  const { secret, current, versions, tgt, policy, row, optIn } = bound;
  const { handle, placeholder } = found;
  const now = deps.clock.now();
  // A state that contradicts the value counts as none; a value that the target no longer knows is ours and broken.
  const ours = !placeholder && stateFits(bound.state, tgt, handle);
  const state = ours ? bound.state : undefined;
  const live = handle ?? state?.cred;
  const { leaving } = bound;
  const candidates = olderOurs(versions, current.id, { secret, tgt, currentRot: state?.rot });
  const named = await nameOlder(candidates, { bound, found, live });
  // What a person made at a target that holds many is never Keyturn's to revoke (case GR-10).
  const isPersonal = ({ handle: each }: NamedOlder) => found.target.personal?.includes(each) === true;
  const older = named.filter((each) => !isPersonal(each));
  // Where many fit, others matter to what is revoked alone; to ask them is a read of each.
  const holders = optIn.rotator.overlap === 'many' && older.length === 0 ? [] : await askHolders();
  const written = state?.rot !== undefined;
  const proved = state?.proved === current.id.slice(0, 8);
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
  const newest = newestOf(older, secret);
  const age = await ageIn(bound, found, state);
  const begun = await begunIn(bound, found, ours);
  const issuedBy = await issuedNowhere(bound, found);
  const observed: Observed = {
    secret,
    version: current.id,
    createdOn: current.createdOn,
    policy,
    ours,
    written,
    begun: begun !== undefined,
    placeholder,
    proved,
    wiped: leaving === undefined && row?.wroteVersion === current.id && !ours && wroteFor(row, tgt),
    ...(live === undefined ? {} : { live }),
    known: handle !== undefined || (oneOfMany && verdict !== undefined && proves(verdict)),
    ...(verdict === undefined ? {} : { verdict }),
    ...(said === undefined ? {} : { said }),
    ...(found.said?.expired ? { expired: true } : {}),
    ...(handle === undefined && found.said?.doubt
      ? { doubt: { reason: found.said.doubt, detail: found.said.detail } }
      : {}),
    owed: older.map(({ version, handle: owedHandle }) => ({ version, handle: owedHandle })),
    left: named.filter(isPersonal).map(({ handle: each }) => each),
    held: new Map(older.flatMap((each) => entry(each.version, heldBy(each.handle, now, holders)))),
    ...(leaving !== undefined
      ? leavingFacts(bound, { target: found.target, state, live, older, handle, placeholder, issuedBy })
      : {}),
    ...(leaving === undefined && state?.after ? { after: afterOf(state, bound) } : {}),
    ...(bound.state?.hold ? { hold: bound.state.hold } : {}),
    dueOn: dueOn(current, written, policy, {
      ...{ since: age.since, currentSince: age.currentSince, takenOverOn: takenOverOn(bound) },
      everyMaxHours: deps.config.limits?.everyMaxHours,
      ends: live === undefined ? undefined : { on: found.target.endsOn?.get(live), since: age.currentSince },
    }),
    age,
    ...(await sources(bound, { ...found, holders, live, older, newest, ours, verdict }, now)),
    rotation: rotationId(secret, current.id),
    issuedBy,
    overlap: optIn.rotator.overlap,
    recentRotations: rotationsSince(versions, addHours(now, -24)),
    versionCount: versions.length,
    ...(await brakes(bound, { grants: found.grants, begun }, deps)),
  };
  return { observed, older };
}

/** Of the credential that the current value is; older values are read once for each version that Keyturn did not write. */
const ageIn = (bound: Bound, { target, opened, handle }: Found, state: State | undefined): Promise<Age> => {
  const { current, versions, tgt, row } = bound;
  const valueIn = async (version: string) => (await oldForm(bound, version, target))?.bare;
  return ageOf({ ...{ current, versions, tgt, state, handle, row }, value: opened.bare, valueIn });
};

/**
 * When the secret was opted in: remembered from the first look, which takes the last change of its tags for it. Undefined
 * where the row is lost and a state tells that it was taken over long ago: then the version's creation counts.
 */
export function takenOverOn({ row, current, versions }: Pick<Bound, 'row' | 'current' | 'versions'>): Date | undefined {
  const isKnown = versions.some(({ tags }) => stateOrNone(tags)?.tgt !== undefined);
  return row?.takenOverOn ?? (isKnown ? undefined : current.updatedOn);
}

/** A copy of our newest version is ours, but what was current before it has its whole grace from the copy on. */
function afterOf({ rot, after }: State, { versions, current, policy }: Bound): Date {
  const copied = versions.some(({ id, tags }) => id !== current.id && stateOrNone(tags)?.rot === rot);
  return latest(after, copied ? addHours(current.createdOn, policy.graceHours) : undefined) as Date;
}

interface LeavingFacts {
  readonly target: TargetState;
  readonly state: State | undefined;
  readonly live: Handle | undefined;
  readonly older: readonly NamedOlder[];
  readonly handle: Handle | undefined;
  readonly placeholder: boolean;
  readonly issuedBy: readonly RotationId[];
}

/**
 * What ends for a secret that was opted out, and when. Where its current version is Keyturn's, the time is the one that
 * stands on it; where a person has stored another one since, what that one replaced has its whole grace from then on.
 */
function leavingFacts(bound: Bound, facts: LeavingFacts): Pick<Observed, 'leaving' | 'after' | 'strayUntil'> {
  const { leaving, current, versions, policy } = bound;
  const { target, state, live, older, handle, placeholder, issuedBy } = facts;
  const graceEnds = addHours(current.createdOn, policy.graceHours);
  const others = versions.map(({ tags }) => stateOrNone(tags)?.after);
  const after = state?.rot === undefined ? latest(graceEnds, ...others) : state.after && afterOf(state, bound);
  const held = [live, ...older.map((each) => each.handle)];
  const told = handle !== undefined || placeholder;
  const strays = straysOf({ target, versions, current: current.id, held, told, issuedBy });
  const until = strayUntil(strays, policy.graceHours);
  const owes = older.length > 0 || stateOrNone(current.tags)?.after !== undefined;
  return {
    ...(leaving === undefined ? {} : { leaving }),
    ...(after && owes ? { after } : {}),
    ...(until ? { strayUntil: until } : {}),
  };
}

const entry = (version: string, claim: Claim | undefined): [string, Claim][] =>
  claim === undefined ? [] : [[version, claim]];

function stateFits(state: State | undefined, tgt: string, handle: Handle | undefined): boolean {
  if (!state || state.tgt !== tgt || state.revoked) return false;
  return handle === undefined ? state.rot !== undefined : state.cred === handle;
}

/** The row's state is of this target: a state of another one is never written back. */
const wroteFor = (row: SecretRow, tgt: string): boolean =>
  row.wroteState !== undefined && parseState(row.wroteState)?.tgt === tgt;

/** Older versions whose values one pass reads, the newest first: whoever writes a secret makes up to 480 (finding ATK-08). */
const VALUES_MAX = 20;

/**
 * The older versions that still hold a credential of their own. Their handles stand in their states, which nobody
 * rewrites; where a state is gone, or the current value names no credential, they are named from their values. Of more than
 * can be read the state counts: what it names stays owed, and the others are named once these are settled.
 */
async function nameOlder(
  candidates: readonly OlderOurs[],
  { bound, found, live }: { bound: Bound; found: Found; live: Handle | undefined },
): Promise<readonly NamedOlder[]> {
  const copied = statesTwice(bound.versions);
  const isTold = ({ handle, state }: OlderOurs) => handle !== undefined && !copied.has(wordsOf(state));
  const unnamed = found.handle === undefined ? candidates : candidates.filter((each) => !isTold(each));
  const newestFirst = [...unnamed].sort((one, other) => other.createdOn.getTime() - one.createdOn.getTime());
  const read = new Set(newestFirst.slice(0, VALUES_MAX));
  const named = await Promise.all(
    candidates.map(async (each): Promise<NamedOlder[]> => {
      const handle = read.has(each) ? await handleOfOld(each, bound, found) : each.handle;
      const current = found.handle !== undefined && handle === live;
      return handle === undefined || current ? [] : [{ ...each, handle }];
    }),
  );
  return named.flat();
}

/** What a rotation wrote that stands on several versions: somebody has copied tags, to whichever value (finding PRF-03). */
function statesTwice(versions: Bound['versions']): ReadonlySet<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { tags } of versions) {
    const state = stateOrNone(tags);
    if (state?.rot === undefined) continue;
    const words = wordsOf(state);
    (seen.has(words) ? twice : seen).add(words);
  }
  return twice;
}

const wordsOf = ({ rot, cred }: State): string => `${rot} ${cred}`;

/** By its value; where the target does not know that any more, or it can't be read, as its state says. */
async function handleOfOld({ version, handle }: OlderOurs, bound: Bound, found: Found): Promise<Handle | undefined> {
  const old = await oldForm(bound, version, found.target);
  const asItSays = found.handle === undefined ? undefined : handle;
  if (!old) return asItSays;
  return (await adoptForm(old, (value, login) => bound.optIn.target.adopt(value, login))).handle ?? asItSays;
}

/** The value of an older version, opened; undefined where it is disabled or no longer has the form. */
export async function oldForm(
  { vault, secret, optIn }: Bound,
  version: string,
  target: TargetState,
): Promise<Form | undefined> {
  const old = await vault.version(secret.name, version);
  if (!old) return undefined;
  try {
    return await openAt(old.value, optIn.wanted, optIn.target, target);
  } catch (error) {
    if (error instanceof KeyturnError && !(error instanceof BusyError)) return undefined;
    throw error;
  }
}

interface SourceFacts extends Found {
  readonly holders: readonly Holder[];
  readonly live: Handle | undefined;
  readonly older: readonly NamedOlder[];
  readonly newest: NamedOlder | undefined;
  readonly ours: boolean;
  readonly verdict: Verdict | undefined;
}

/** A heal keeps all that is owed, or the broken slot where nothing is; any other rotation keeps what may be in use. */
async function sources(
  bound: Bound,
  facts: SourceFacts,
  now: Date,
): Promise<Pick<Observed, 'healSource' | 'source' | 'nowSource'>> {
  const { optIn, current, policy } = bound;
  const { live, older, newest, ours, target, holders, placeholder } = facts;
  // A broken value joins any slot that a rotation issued; a working one only what is younger than itself.
  const source = (keep: readonly (Handle | undefined)[], keptUntil?: Date, joins?: 'any' | 'first'): Source => {
    const among = (others: readonly Holder[]) =>
      sourceFor(
        {
          createdOn: joins === undefined ? current.createdOn : new Date(0),
          joinsFirst: joins === 'first',
          keep: [...new Set(keep.filter((each) => each !== undefined))],
          ...(keptUntil ? { keptUntil } : {}),
        },
        { overlap: optIn.rotator.overlap, readable: optIn.target.read !== undefined },
        target.handles,
        others,
        now,
      );
    const found = among(holders);
    const unsure = found.kind === 'blocked' && found.step.kind === 'wait' && found.step.unsure !== undefined;
    return unsure ? { ...found, aside: among(sureOf(holders)) } : found;
  };
  const owedHandles = older.map(({ handle }) => handle);
  // Where many fit, what is owed lives on beside the next one: of a value that cannot be tried nobody knows whether it works.
  const beside = optIn.rotator.overlap === 'many' ? owedHandles : [];
  const waiting = keptBesideDrift(older, newest, { createdOn: current.createdOn, graceHours: policy.graceHours }, now);
  const heal = source(owedHandles.length > 0 ? owedHandles : [live], waiting.until, 'any');
  const healSource = (await storedAgain(bound, facts, heal)) ?? heal;
  // A first credential joins what another secret's rotation has issued there, so that one slot stays free.
  const joins = placeholder ? 'first' : undefined;
  const first = live ?? newest?.handle;
  const written = ours && bound.state?.rot !== undefined;
  return {
    healSource,
    source: written ? source([live, ...beside]) : source([first, ...waiting.keep], waiting.until, joins),
    nowSource: source([first], undefined, joins),
  };
}

/**
 * What heals without touching the target: a value of ours that it accepts stands in an older version. So it is where a PUT of
 * a pass long dead or frozen came in behind a later one (finding PRF-01): every slot is live and owed, or the only password
 * is the one that the later one set. Undefined where the heal has a credential of its own to take.
 */
async function storedAgain(
  bound: Bound,
  { older, newest, verdict, target }: SourceFacts,
  heal: Source,
): Promise<Source | undefined> {
  const { optIn, state, secret } = bound;
  if (verdict !== 'refused' || newest === undefined) return undefined;
  const isBlocked = heal.kind === 'blocked' && heal.step.reason === 'grace';
  if (isBlocked && optIn.target.read) return { kind: 'join', handle: newest.handle };
  // Only a late one replaced another version than the newest: where a server went back to what it had, an old password may
  // have been replaced for a reason.
  const isLate = optIn.rotator.overlap === 'none' && state?.rot !== rotationId(secret, newest.version);
  if (!isBlocked && !isLate) return undefined;
  const others = older.filter(({ version }) => version !== newest.version);
  const newestFirst = [newest, ...others.sort((one, other) => other.createdOn.getTime() - one.createdOn.getTime())];
  for (const { version, handle } of isLate ? [newest] : newestFirst)
    if (await isAccepted(version, bound, target)) return { kind: 'again', handle, version };
  return undefined;
}

/** Of an older version whose credential was named in this pass. One that a person switched off lets nobody in. */
async function isAccepted(version: VersionId, bound: Bound, target: TargetState): Promise<boolean> {
  const old = await oldForm(bound, version, target);
  if (!old) return false;
  try {
    return proves(await bound.optIn.target.check(old.bare, old.login));
  } catch (error) {
    if (error instanceof KeyturnError && !(error instanceof BusyError)) return false;
    throw error;
  }
}

/** By the tags or the row; of a value that the target does not know, also by what had begun when it was current before. */
async function begunIn(
  bound: Bound,
  { handle, placeholder, opened, target }: Found,
  ours: boolean,
): Promise<Begun | undefined> {
  const begun = begunOn(bound);
  // Where the old one lives beside the new, no rotation of ours has made the value unknown.
  const isOnly = bound.optIn.rotator.overlap === 'none';
  if (begun || !isOnly || handle !== undefined || placeholder || ours) return begun;
  return begunBefore(bound, opened.bare, async (version) => (await oldForm(bound, version, target))?.bare);
}

/**
 * Rotations whose credentials stand in no version and never were current: the one that would replace the current version, and,
 * where its owner has stored the same dead value again, the one that had begun to replace it before. Reads values only then.
 */
async function issuedNowhere(
  bound: Bound,
  { handle, placeholder, opened, target }: Found,
): Promise<readonly RotationId[]> {
  const { secret, current, versions, leaving } = bound;
  const own = rotationId(secret, current.id);
  if (leaving === undefined || handle !== undefined || placeholder || !target.labelled) return [own];
  const begun = await begunBefore(bound, opened.bare, async (version) => (await oldForm(bound, version, target))?.bare);
  const replaced = begun && versions.find(({ id }) => rotationId(secret, id) === begun.rotation);
  // Something stored in between may have been what it issued, whatever its tags say by now.
  const isLast =
    replaced && versions.every(({ id, createdOn }) => id === current.id || createdOn <= replaced.createdOn);
  return begun && isLast ? [own, begun.rotation] : [own];
}

async function brakes(
  { secret, current, policy, row, optIn }: Bound,
  { grants, begun }: { readonly grants: readonly Grant[]; readonly begun: Begun | undefined },
  deps: Deps,
) {
  const { mode, rate, capDays } = deps.config;
  const now = deps.clock.now();
  const lately = await deps.rows.rotationsSince(addHours(now, -1));
  // A pass that died after `started` may have a write under way that nobody has heard of.
  const begunUntil = begun && addMinutes(begun.on, SLOW_MINUTES + SETTLING_MINUTES);
  const settlingUntil = latest(row?.settlingUntil, begunUntil);
  const gap = await indexGap(grants, deps);
  return {
    ...(settlingUntil ? { settlingUntil } : {}),
    ...refusalIn(row, planOf(policy, current.contentType, capDays), policy, now),
    ...(gap === undefined ? {} : { indexGap: gap }),
    rateUsedUp: isRateUsedUp(lately, secret.vault, rate, deps.vaults.names),
    ...(await brakeOf(optIn.rotator.type, secret, deps)),
    mode,
  };
}

/** The state of the current version to build on: what Keyturn wrote there, or none but a person's hold. */
export const baseState = ({ observed, state }: Pick<Seen, 'observed' | 'state'>): State => {
  if (observed.ours && state) return state;
  return observed.hold ? { hold: observed.hold } : {};
};
