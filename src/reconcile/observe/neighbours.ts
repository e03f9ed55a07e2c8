/**
 * Which credentials of a target other secrets keep. The index in the table says who shares a target; what each of them really
 * keeps is read from its own current value, since an edit by hand is not in the index yet.
 */
import { latest } from '../../core/clock.ts';
import { compact } from '../../core/compact.ts';
import { KeyturnError } from '../../core/errors.ts';
import { type Grant, isSharer } from '../../core/grants.ts';
import { type Handle, type SecretRef, targetHash } from '../../core/ids.ts';
import type { Reason } from '../../core/reasons.ts';
import type { Deps } from '../../ports/deps.ts';
import type { Rotator, Target, TargetFacts } from '../../ports/rotator.ts';
import type { SharerRow } from '../../ports/rows.ts';
import type { Version } from '../../ports/vault.ts';
import { hashedTarget } from '../../tags/formerTarget.ts';
import { isOptedIn, optInTags, wantedOf } from '../../tags/optIn.ts';
import { readState } from '../../tags/state.ts';
import type { Claim } from '../step.ts';
import { adoptForm, openAt, otherKeyIn } from './opened.ts';

/** Another secret on the same target. Without a handle it counts as keeping every slot. */
export interface Neighbour extends SecretRef {
  readonly handle?: Handle;
  /** What is wrong with it, so that only its owner can say what it keeps; absent where its next look will tell. */
  readonly why?: Reason;
  /** Since when its credential has been in use, where a rotation wrote its current version. */
  readonly issuedOn?: Date;
  readonly owes: SharerRow['owes'];
}

/** In the index: looked at, and its value is no key of the target. */
export const KEEPS_NONE = '-';
const title = ({ vault, name }: SecretRef): string => `${vault}/${name}`;

/**
 * The ids by which tags can name a target that several resources share, such as failover partners: with each of them in front.
 * The same for all who name the same resources; the first is the one that is locked.
 */
export const namesOf = ({ id, owners }: Pick<Target, 'id' | 'owners'>): readonly string[] => {
  const [first] = owners;
  return first !== undefined && id.startsWith(first)
    ? owners.map((owner) => owner + id.slice(first.length)).sort()
    : [id];
};

/** The other consenting secrets on a target, each named from its own current value. */
export async function neighboursAt(
  self: SecretRef,
  bound: { rotator: Rotator; target: Target; facts: TargetFacts },
  grants: readonly Grant[],
  deps: Deps,
): Promise<readonly Neighbour[]> {
  const rows = await sharers(bound, deps);
  // Whoever writes a secret could name any target in its tags: only those that the target's owner named count.
  const others = rows.filter(
    (row) => title(row) !== title(self) && isSharer(grants, row, row.handle !== undefined),
  );
  const neighbours = await Promise.all(others.map((row) => neighbourNow(row, bound, deps)));
  return neighbours.filter((neighbour) => neighbour !== undefined);
}

/** Those at the target, and those whose state is about it while their tags are not. */
async function sharers(
  { rotator, target }: { rotator: Rotator; target: Target },
  { rows }: Deps,
): Promise<SharerRow[]> {
  const names = namesOf(target);
  const known = (await Promise.all(names.map((id) => rows.sharers(id)))).flat();
  const hashes = names.map((id) => hashedTarget(targetHash(rotator.type, id)));
  const former = (await Promise.all(hashes.map((hash) => rows.sharers(hash)))).flat();
  return [...known, ...former.filter((row) => known.every((each) => title(each) !== title(row)))];
}

/**
 * What another secret keeps now, by its current value, whatever its tags have come to say: its readers use that value.
 * Where the row has not caught up with the value, what the secret owes is not known either: it counts as keeping all. So does
 * one of which anything is wrong, whatever that is: it ends there, with the name of that secret (finding ATK-05).
 */
async function neighbourNow(
  row: SharerRow,
  { rotator, target, facts }: { rotator: Rotator; target: Target; facts: TargetFacts },
  deps: Deps,
): Promise<Neighbour | undefined> {
  const { vault, name, owes } = row;
  const unknown: Neighbour = { vault, name, owes };
  // Never looked at since the index was made, or in the middle of a rotation.
  if (row.handle === undefined) return unknown;
  try {
    const current = await deps.vaults.open(vault)?.current(name);
    if (current === undefined) return { ...unknown, why: 'not-allowed' };
    if (current === 'disabled') return { ...unknown, why: 'disabled' };
    if (current === 'gone') return undefined;
    const form = await openAt(current.value, wantedOf(current.tags, rotator), target, facts);
    // Its readers use another slot, too: it counts as keeping all.
    if (otherKeyIn(form, facts)) return { ...unknown, why: 'bad-value' };
    // What its own looks have tried is not tried again by its neighbours.
    if (target.wrong)
      target.wrong.recall((await deps.rows.secret(row))?.wrong ?? [], current.createdOn);
    const named = await adoptForm(form, (value, login) => target.adopt(value, login));
    const handle = named.handle ?? KEEPS_NONE;
    if (handle !== row.handle && !(await isLeft(row, current, deps))) return unknown;
    const tags = readState(current.tags);
    const issued =
      tags?.rot !== undefined &&
      tags.cred === handle &&
      tags.tgt === targetHash(rotator.type, target.id);
    return { ...unknown, handle, ...(issued ? { issuedOn: tags.since ?? current.createdOn } : {}) };
  } catch (error) {
    // Also what nobody thought of: a neighbour's value or tags must not end this pass.
    return { ...unknown, why: error instanceof KeyturnError ? error.reason : 'failed' };
  }
}

/** It was opted out, owed nothing at its last look and has not been changed since: nobody looks again, and its value tells all. */
async function isLeft(
  row: SharerRow,
  { tags, updatedOn }: Version,
  { rows, config, clock }: Deps,
): Promise<boolean> {
  if (isOptedIn(optInTags(tags, row, config)) || row.owes.some(({ after }) => after > clock.now()))
    return false;
  const known = await rows.secret(row);
  const wasLeft = known?.step === 'skip' && LEFT.includes(known.reason ?? '');
  return wasLeft && known.seenUpdatedOn?.getTime() === updatedOn.getTime();
}

const LEFT: readonly string[] = ['not-opted-in', 'opted-out', 'exempt'];

/** Who else keeps a slot, or owes it beyond `after`. Who surely does goes before who only may. */
export function claimOn(
  handle: Handle,
  after: Date,
  neighbours: readonly Neighbour[],
): Claim | undefined {
  for (const neighbour of neighbours) {
    if (neighbour.handle === handle) return { detail: `${title(neighbour)} keeps ${handle}.` };
    // One that is not known may have come to owe less; what its row says it owes counts all the same.
    const owed = neighbour.owes.filter((each) => each.handle === handle && each.after > after);
    if (owed.length > 0)
      return {
        detail: `${title(neighbour)} owes ${handle} later.`,
        owedUntil: latest(...owed.map((each) => each.after)),
      };
  }
  const unknown = neighbours.find((neighbour) => neighbour.handle === undefined);
  if (unknown === undefined) return undefined;
  const { vault, name, why } = unknown;
  const because = why === undefined ? '' : ` (${why})`;
  return {
    detail: `${title(unknown)} may keep ${handle}${because}.`,
    unsure: compact({ vault, name, why }),
  };
}

/** The neighbours without those of which it is not known what they keep: for a person who set `slot-held` aside. */
export const sureOf = (neighbours: readonly Neighbour[]): readonly Neighbour[] =>
  neighbours.flatMap((neighbour) => {
    if (neighbour.handle !== undefined) return [neighbour];
    // What it owes by its row is known, and nothing else of it.
    return neighbour.owes.length > 0 ? [{ ...neighbour, handle: KEEPS_NONE }] : [];
  });
