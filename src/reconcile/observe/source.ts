/** Which slot the next credential takes, or what keeps it from any. */
import { addMinutes } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import { BusyError, KeyturnError } from '../../core/errors.ts';
import { type Handle, rotationId, type VersionId } from '../../core/ids.ts';
import type { Rotator, TargetFacts, Verdict } from '../../ports/rotator.ts';
import { keptBesideDrift, type NamedOlder } from '../../tags/owed.ts';
import type { Claim, Source, Wait } from '../step.ts';
import { claimOn, type Neighbour, sureOf } from './neighbours.ts';
import { type ObservedSources, proves } from './observed.ts';
import type { BoundSecret } from './observeVault.ts';
import { oldForm } from './older.ts';
import type { TargetRead } from './targetRead.ts';

const SKEW_MINUTES = 5;

/** Where the next credential of a secret comes from, beside all of `keep`. */
export function sourceFor(
  own: {
    readonly createdOn: Date;
    readonly keep: readonly Handle[];
    readonly joinsFirst?: boolean;
    readonly keptUntil?: Date;
  },
  {
    overlap,
    readable,
  }: {
    readonly overlap: Rotator['overlap'] /** Values can be read again. */;
    readonly readable: boolean;
  },
  handles: readonly Handle[],
  neighbours: readonly Neighbour[],
  now: Date,
): Source {
  if (overlap === 'many') return { kind: 'issue', keep: own.keep };
  const taken = (handle: Handle) => claimOn(handle, now, neighbours);
  // The one there is: who else reads it would be locked out, and could not be healed from here.
  if (overlap === 'none') {
    return handles.some(taken)
      ? blockedBy(handles, taken, neighbours)
      : { kind: 'issue', keep: own.keep };
  }
  const free = handles.filter((handle) => !own.keep.includes(handle));
  if (free.length === 0) return blocked('grace', own.keptUntil);
  const join = readable ? joined(own, free, neighbours) : undefined;
  if (own.joinsFirst && join) return join;
  const chosen = free.find((handle) => taken(handle) === undefined);
  if (chosen !== undefined)
    return { kind: 'issue', slot: chosen, keep: handles.filter((handle) => handle !== chosen) };
  return join ?? blockedBy(free, taken, neighbours);
}

/** A slot that another secret's rotation issued after this secret's version was made: its value is the next one. */
function joined(
  own: { readonly createdOn: Date },
  free: readonly Handle[],
  neighbours: readonly Neighbour[],
): Source | undefined {
  const younger = addMinutes(own.createdOn, SKEW_MINUTES);
  const handle = free.find(
    (slot) =>
      neighbours.some(
        (neighbour) =>
          neighbour.handle === slot &&
          neighbour.issuedOn !== undefined &&
          neighbour.issuedOn > younger,
      ) && neighbours.every((neighbour) => neighbour.handle !== undefined),
  );
  return handle === undefined ? undefined : { kind: 'join', handle };
}

function blockedBy(
  free: readonly Handle[],
  taken: (handle: Handle) => Claim | undefined,
  neighbours: readonly Neighbour[],
): Source {
  const claims = free.map(taken).filter((claim) => claim !== undefined);
  // One that only may keep a slot is what a person can set aside; it is named where there is one.
  const claim = claims.find(({ unsure }) => unsure !== undefined) ?? (claims[0] as Claim);
  const kept = free.every((slot) => neighbours.some((neighbour) => neighbour.handle === slot));
  if (kept)
    return {
      kind: 'blocked',
      step: { kind: 'refuse', reason: 'slots-held', detail: claim.detail },
    };
  return { kind: 'blocked', step: { kind: 'wait', reason: 'slot-held', ...claim } };
}

function blocked(reason: Wait['reason'], until?: Date): Source {
  return { kind: 'blocked', step: compact({ kind: 'wait', reason, until }) };
}

interface SourceFacts extends TargetRead {
  readonly neighbours: readonly Neighbour[];
  readonly live: Handle | undefined;
  readonly older: readonly NamedOlder[];
  readonly newest: NamedOlder | undefined;
  readonly ours: boolean;
  readonly verdict: Verdict | undefined;
}

/** A heal keeps all that is owed, or the broken slot where nothing is; any other rotation keeps what may be in use. */
export async function observedSources(
  bound: BoundSecret,
  facts: SourceFacts,
  now: Date,
): Promise<ObservedSources> {
  const { optIn, current, policy } = bound;
  const { live, older, newest, ours, target, neighbours, placeholder } = facts;
  // A broken value joins any slot that a rotation issued; a working one only what is younger than itself.
  const source = (
    keep: readonly (Handle | undefined)[],
    keptUntil?: Date,
    joins?: 'any' | 'first',
  ): Source => {
    const among = (others: readonly Neighbour[]) =>
      sourceFor(
        compact({
          // Of an undone one the age of its credential: what others have gone on to since is what it goes on to.
          createdOn: joins === undefined ? (bound.state?.since ?? current.createdOn) : new Date(0),
          joinsFirst: joins === 'first',
          keep: [...new Set(keep.filter((each) => each !== undefined))],
          keptUntil,
        }),
        { overlap: optIn.rotator.overlap, readable: optIn.target.read !== undefined },
        target.handles,
        others,
        now,
      );
    const found = among(neighbours);
    const unsure =
      found.kind === 'blocked' && found.step.kind === 'wait' && found.step.unsure !== undefined;
    return unsure ? { ...found, aside: among(sureOf(neighbours)) } : found;
  };
  const owedHandles = older.map(({ handle }) => handle);
  // Where many fit, what is owed lives on beside the next one: of a value that cannot be tried nobody knows whether it works.
  const beside = optIn.rotator.overlap === 'many' ? owedHandles : [];
  const waiting = keptBesideDrift(
    older,
    newest,
    { createdOn: current.createdOn, graceHours: policy.graceHours },
    now,
  );
  const heal = source(owedHandles.length > 0 ? owedHandles : [live], waiting.until, 'any');
  const healSource = (await storedAgain(bound, facts, heal)) ?? heal;
  // A first credential joins what another secret's rotation has issued there, so that one slot stays free.
  const joins = placeholder ? 'first' : undefined;
  const first = live ?? newest?.handle;
  const written = ours && bound.state?.rot !== undefined;
  return {
    rotation: rotationId(bound.secret, current.id),
    overlap: optIn.rotator.overlap,
    healSource,
    source: written
      ? source([live, ...beside])
      : source([first, ...waiting.keep], waiting.until, joins),
    nowSource: source([first], undefined, joins),
  };
}

/**
 * What heals without touching the target: a value of ours that it accepts stands in an older version. So it is where a PUT of
 * a pass long dead or frozen came in behind a later one (finding PRF-01): every slot is live and owed, or the only password
 * is the one that the later one set. Undefined where the heal has a credential of its own to take.
 */
async function storedAgain(
  bound: BoundSecret,
  { older, newest, verdict, target }: SourceFacts,
  heal: Source,
): Promise<Source | undefined> {
  const { optIn, state, secret } = bound;
  if (verdict !== 'refused' || newest === undefined) return undefined;
  const isBlocked = heal.kind === 'blocked' && heal.step.reason === 'grace';
  if (isBlocked && optIn.target.read) return { kind: 'join', handle: newest.handle };
  // Only a late one replaced another version than the newest: where a server went back to what it had, an old password may
  // have been replaced for a reason.
  const isLate =
    optIn.rotator.overlap === 'none' && state?.rot !== rotationId(secret, newest.version);
  if (!isBlocked && !isLate) return undefined;
  const others = older.filter(({ version }) => version !== newest.version);
  const newestFirst = [
    newest,
    ...others.sort((one, other) => other.createdOn.getTime() - one.createdOn.getTime()),
  ];
  for (const { version, handle } of isLate ? [newest] : newestFirst)
    if (await isAccepted(version, bound, target)) return { kind: 'again', handle, version };
  return undefined;
}

/** Of an older version whose credential was named in this pass. One that a person switched off lets nobody in. */
async function isAccepted(
  version: VersionId,
  bound: BoundSecret,
  target: TargetFacts,
): Promise<boolean> {
  const old = await oldForm(bound, version, target);
  if (!old) return false;
  try {
    return proves(await bound.optIn.target.check(old.bare, old.login));
  } catch (error) {
    if (error instanceof KeyturnError && !(error instanceof BusyError)) return false;
    throw error;
  }
}
