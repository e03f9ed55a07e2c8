/** Looks at vault, consent and target, in this order, and names what is there. Changes nothing. */
import { addHours, addMinutes, latest } from '../core/clock.ts';
import { type Grant, grantFor } from '../core/consent.ts';
import { KeyturnError } from '../core/errors.ts';
import { type Handle, rotationId, type SecretRef, type Tags, tagOf, targetHash } from '../core/ids.ts';
import { Secret } from '../core/secret.ts';
import type { TargetState } from '../rotators/rotator.ts';
import type { SecretRow } from '../store/store.ts';
import { type Form, openForm } from '../vault/form.ts';
import type { Vault, Version, VersionInfo } from '../vault/vault.ts';
import type { Deps } from './deps.ts';
import { indexGap } from './holderIndex.ts';
import { isOptedIn, type OptIn, readOptIn } from './optIn.ts';
import { keptBesideDrift, newestOf, type OlderOurs, olderOurs, owedElsewhere, rotationsSince } from './owed.ts';
import { dueOn, mergePolicy, type Policy, planOf } from './policy.ts';
import { type Holder, heldBy, otherHolders, sourceFor } from './slots.ts';
import { parseState, readState, type State } from './state.ts';
import type { Observed, Source } from './types.ts';

/** The word that infrastructure code stores before there is a value (case IAC-04). */
const PLACEHOLDER = 'keyturn:new';
/** A write whose outcome was unknown may still arrive this long after (design section 3, case SDK-01). */
export const SETTLING_MINUTES = 10;

/** What the vault holds, bound to rotator and target: known before the target is asked anything. */
export interface Bound {
  readonly secret: SecretRef;
  readonly vault: Vault;
  readonly current: Version;
  readonly versions: readonly VersionInfo[];
  readonly optIn: OptIn;
  readonly policy: Policy;
  readonly tgt: string;
  /** The state of the current version, as its tag has it; undefined where there is none or it belongs to no target. */
  readonly state?: State;
  readonly row?: SecretRow;
}

/** All that acting needs beside what was decided. */
export interface Seen extends Bound {
  readonly observed: Observed;
  readonly target: TargetState;
  readonly opened: Form;
  readonly older: readonly OlderOurs[];
}

/** A pass that ends before the rules: not ours to look at, or nothing that a rule could decide. */
export class Stopped extends KeyturnError {
  readonly kind: 'skip' | 'refuse';

  constructor(kind: 'skip' | 'refuse', ...options: ConstructorParameters<typeof KeyturnError>) {
    super(...options);
    this.kind = kind;
  }
}

const skip = (reason: Stopped['reason']) => new Stopped('skip', reason);

/** Reads the vault. Throws `Stopped` for what is skipped, `KeyturnError` for what a person must mend. */
export async function observeVault(
  secret: SecretRef,
  version: string | undefined,
  row: SecretRow | undefined,
  deps: Deps,
): Promise<Bound> {
  const vault = deps.vaults.open(secret.vault);
  if (!vault) throw skip('not-allowed');
  const current = await vault.current(secret.name);
  if (current === 'gone' || current === 'disabled') throw skip(current);
  if (current.managed) throw skip('managed');
  if (version !== undefined && version !== current.id) throw skip('superseded');
  if (!isOptedIn(current.tags)) throw skip('not-opted-in');
  const vaultTags = await deps.vaultTags(secret.vault);
  const instance = tagOf(vaultTags, 'keyturn');
  if (instance !== undefined && instance.toLowerCase() !== deps.config.instance.toLowerCase())
    throw skip('other-instance');
  const state = readState(current.tags);
  const optIn = readOptIn(current.tags, deps.rotators, deps.config.enabled);
  const tgt = targetHash(optIn.rotator.type, optIn.target.id);
  const policy = policyFor(current.tags, vaultTags, deps);
  const versions = await vault.versions(secret.name);
  refuseChangedTarget(state, versions, current, tgt);
  return { secret, vault, current, versions, optIn, policy, tgt, ...(state ? { state } : {}), ...(row ? { row } : {}) };
}

export function policyFor(tags: Tags, vaultTags: Tags, deps: Deps): Policy {
  return mergePolicy([
    { where: 'The tag rotator-policy', text: tagOf(tags, 'rotator-policy') },
    { where: 'The tag keyturn-policy of the vault', text: tagOf(vaultTags, 'keyturn-policy') },
    { where: 'The setting KEYTURN_POLICY', text: deps.config.policy },
  ]);
}

function refuseChangedTarget(
  state: State | undefined,
  versions: readonly VersionInfo[],
  current: Version,
  tgt: string,
): void {
  const elsewhere = owedElsewhere(versions, current.id, tgt);
  if (state?.tgt !== undefined && state.tgt !== tgt) elsewhere.length || throwChanged([current.id]);
  if (elsewhere.length > 0) throwChanged(elsewhere);
}

function throwChanged(versions: readonly string[]): never {
  throw new KeyturnError('target-changed', {
    detail: `The tags rotator and rotator-target name another target than the state of version ${versions.join(', ')}.`,
  });
}

/** Consent of the bound target; without it no lock on the target and no fact about it (case SEC-09). */
export async function readConsent({ secret, optIn }: Bound, deps: Deps): Promise<readonly Grant[]> {
  const grants = await deps.consent.of(optIn.target.id);
  if (!grantFor(grants, secret)) throw new KeyturnError('no-consent');
  return grants;
}

/** Reads the target and names the credentials. The target's lock is held. */
export async function observeTarget(bound: Bound, grants: readonly Grant[], deps: Deps): Promise<Seen> {
  const { current, optIn, policy } = bound;
  const target = await optIn.target.inspect();
  const [obstacle] = target.obstacles;
  if (obstacle) throw new KeyturnError(obstacle.reason, { detail: obstacle.detail });
  if (target.graceMin && policy.graceHours < target.graceMin.hours) {
    throw new KeyturnError('short-grace', {
      detail: `grace is ${policy.graceHours} h, but ${target.graceMin.because} is ${target.graceMin.hours} h.`,
    });
  }
  const opened = openForm(current.value, optIn.field, target.hosts);
  const placeholder = opened.bare.equals(new Secret(PLACEHOLDER));
  const handle = placeholder ? undefined : await optIn.target.adopt(opened.bare);
  const holders =
    optIn.rotator.overlap === 'two-slots'
      ? await otherHolders(bound.secret, { ...optIn, state: target }, grants, deps)
      : [];
  const { observed, older } = await nameWhatIsThere(bound, { target, opened, placeholder, handle, holders }, deps);
  return { ...bound, observed, target, opened, older };
}

interface Found {
  readonly target: TargetState;
  readonly opened: Form;
  readonly placeholder: boolean;
  readonly handle: Handle | undefined;
  readonly holders: readonly Holder[];
}

async function nameWhatIsThere(
  bound: Bound,
  found: Found,
  deps: Deps,
): Promise<{ observed: Observed; older: readonly OlderOurs[] }> {
  const { secret, current, versions, tgt, policy, row, optIn } = bound;
  const { handle, placeholder } = found;
  const now = deps.clock.now();
  // A state that contradicts the value counts as none; a value that the target no longer knows is ours and broken.
  const ours = !placeholder && stateFits(bound.state, tgt, handle);
  const state = ours ? bound.state : undefined;
  const live = handle ?? state?.cred;
  const candidates = olderOurs(versions, current.id, tgt);
  const older =
    handle === undefined
      ? await stillLive(candidates, bound, found)
      : candidates.filter((each) => each.handle !== live);
  const written = state?.rot !== undefined;
  const proved = state?.proved === current.id.slice(0, 8);
  const verdict =
    written && (!proved || older.length > 0 || handle === undefined)
      ? await optIn.target.check(found.opened.bare)
      : undefined;
  const newest = newestOf(older, secret);
  const observed: Observed = {
    secret,
    version: current.id,
    createdOn: current.createdOn,
    policy,
    ours,
    written,
    begun: bound.state?.tgt === tgt && bound.state.started === rotationId(secret, current.id),
    placeholder,
    proved,
    wiped: row?.wroteVersion === current.id && !ours && wroteFor(row, tgt),
    ...(live === undefined ? {} : { live }),
    known: handle !== undefined,
    ...(verdict === undefined ? {} : { verdict }),
    owed: older.map(({ version, handle: owedHandle }) => ({ version, handle: owedHandle })),
    held: new Map(older.flatMap((each) => entry(each.version, heldBy(each.handle, now, found.holders)))),
    ...(state?.after ? { after: state.after } : {}),
    ...(bound.state?.hold ? { hold: bound.state.hold } : {}),
    dueOn: dueOn(current, written, policy),
    ...sources(bound, { ...found, live, older, newest, ours }, now),
    rotation: rotationId(secret, current.id),
    recentRotations: rotationsSince(versions, addHours(now, -24)),
    versionCount: versions.length,
    ...(await brakes(bound, deps)),
  };
  return { observed, older };
}

const entry = (version: string, words: string | undefined): [string, string][] =>
  words === undefined ? [] : [[version, words]];

function stateFits(state: State | undefined, tgt: string, handle: Handle | undefined): boolean {
  if (!state || state.tgt !== tgt || state.revoked) return false;
  return handle === undefined ? state.rot !== undefined : state.cred === handle;
}

/** The row's state is of this target: a state of another one is never written back. */
const wroteFor = (row: SecretRow, tgt: string): boolean =>
  row.wroteState !== undefined && parseState(row.wroteState)?.tgt === tgt;

/** Where the current value names no credential, the older ones are named by theirs, not by their tags. */
async function stillLive(candidates: readonly OlderOurs[], bound: Bound, found: Found): Promise<readonly OlderOurs[]> {
  const named = await Promise.all(
    candidates.map(async (each) => {
      const value = await oldValue(bound, each.version, found.target);
      const handle = value && (await bound.optIn.target.adopt(value));
      return handle === undefined ? [] : [{ ...each, handle }];
    }),
  );
  return named.flat();
}

/** The bare value of an older version; undefined where it is disabled or no longer has the form. */
export async function oldValue(
  { vault, secret, optIn }: Bound,
  version: string,
  target: TargetState,
): Promise<Secret | undefined> {
  const old = await vault.version(secret.name, version);
  if (!old) return undefined;
  try {
    return openForm(old.value, optIn.field, target.hosts).bare;
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

interface SourceFacts extends Found {
  readonly live: Handle | undefined;
  readonly older: readonly OlderOurs[];
  readonly newest: OlderOurs | undefined;
  readonly ours: boolean;
}

/** A heal keeps all that is owed, or the broken slot where nothing is; any other rotation keeps what may be in use. */
function sources(bound: Bound, facts: SourceFacts, now: Date): { healSource: Source; source: Source } {
  const { optIn, current, policy } = bound;
  const { live, older, newest, ours, target, holders } = facts;
  const source = (keep: readonly (Handle | undefined)[], keptUntil?: Date) =>
    sourceFor(
      {
        createdOn: current.createdOn,
        keep: [...new Set(keep.filter((each) => each !== undefined))],
        ...(keptUntil ? { keptUntil } : {}),
      },
      optIn.rotator,
      target.handles,
      holders,
      now,
    );
  const owedHandles = older.map(({ handle }) => handle);
  const waiting = keptBesideDrift(older, newest, { createdOn: current.createdOn, graceHours: policy.graceHours }, now);
  return {
    healSource: source(owedHandles.length > 0 ? owedHandles : [live], waiting.until),
    source:
      ours && bound.state?.rot !== undefined
        ? source([live])
        : source([live ?? newest?.handle, ...waiting.keep], waiting.until),
  };
}

async function brakes({ secret, current, policy, row, optIn, state }: Bound, deps: Deps) {
  const { mode, rate, capDays } = deps.config;
  const now = deps.clock.now();
  const lately = await deps.rows.rotationsSince(addHours(now, -1));
  const inVault = lately.filter(({ vault }) => vault === secret.vault).length;
  // A pass that died after `started` may have a write under way that nobody has heard of.
  const begunUntil =
    state?.started === rotationId(secret, current.id) ? addMinutes(current.updatedOn, SETTLING_MINUTES) : undefined;
  const settlingUntil = latest(row?.settlingUntil, begunUntil);
  const gap = optIn.rotator.overlap === 'two-slots' ? await indexGap(deps) : undefined;
  return {
    ...(settlingUntil ? { settlingUntil } : {}),
    ...(row?.retryOn ? { retryOn: row.retryOn } : {}),
    planRefused: row?.refusedPlan !== undefined && row.refusedPlan === planOf(policy, current.contentType, capDays),
    ...(gap === undefined ? {} : { indexGap: gap }),
    rateUsedUp: inVault >= rate.perVault || lately.length >= rate.overall,
    braked: (await deps.rows.failuresOf(optIn.rotator.type)) >= FAILURES_MAX,
    mode,
  };
}

const FAILURES_MAX = 5;

/** The state of the current version to build on: what Keyturn wrote there, or none. */
export const baseState = ({ observed, state }: Pick<Seen, 'observed' | 'state'>): State =>
  observed.ours && state ? state : {};
