/** What people and their tools do to secrets and targets while Keyturn works (cases IAC-01 to IAC-05, KV-09). */
import { STATE_TAG } from '../../src/reconcile/state.ts';
import type { Operation } from '../../src/store/store.ts';
import type { Sim } from './sim.ts';
import { HOUR, type StoredVersion } from './world.ts';

/** Whose value a person changes, and at which target. */
export interface Whose {
  readonly vault: string;
  readonly name: string;
  readonly account: string;
}

/** The secret that every scenario has. */
export const FIRST_SECRET: Whose = { vault: 'kv1', name: 'st-a', account: 'acct1' };

export type Person = (sim: Sim, whose?: Whose) => void;

interface Hand extends Whose {
  readonly sim: Sim;
}

const versions = ({ sim, vault, name }: Hand): StoredVersion[] => sim.world.versions(vault, name);
const current = (hand: Hand): StoredVersion => versions(hand).at(-1) as StoredVersion;
const keyOf = ({ vault, name }: Whose): string => `${vault}/${name}`;

function touch({ sim }: Hand, version: StoredVersion, tags: Record<string, string>): void {
  version.tags = { ...tags };
  version.updatedOn = sim.world.now;
}

/** A version by hand, or by a tool that knows nothing of Keyturn. */
function write(hand: Hand, value: string, tags: Record<string, string>): void {
  const { sim, account } = hand;
  const { now } = sim.world;
  const on = { createdOn: now, updatedOn: now };
  versions(hand).push({
    id: sim.world.versionId(),
    value,
    tags: { ...tags },
    contentType: 'text/plain',
    enabled: true,
    expiresOn: undefined,
    by: 'person',
    ...on,
  });
  // A value that is dead when it is written locks readers out at once, and Keyturn did not do it.
  if (!sim.world.accepts(account, value)) {
    sim.invariants.broken.add(keyOf(hand));
    sim.invariants.hopeless.add(value);
  }
}

/** Out for good. One that Keyturn has never seen is a copy of which it knows nothing (design section 8, limits). */
function leaves(hand: Hand, act: () => void): void {
  const { sim } = hand;
  const isKnown = sim.own.secrets.has(keyOf(hand)) || versions(hand).some(({ tags }) => tags[STATE_TAG] !== undefined);
  const { watched } = sim.invariants;
  const at = watched.findIndex((each) => keyOf(each) === keyOf(hand));
  if (!isKnown && at >= 0) watched.splice(at, 1);
  act();
}

/** Everything stays but what the tag `rotator` says. */
const optOut = (hand: Hand): void =>
  leaves(hand, () => touch(hand, current(hand), { ...current(hand).tags, rotator: 'none' }));

const ownersTags = (version: StoredVersion): Record<string, string> =>
  Object.fromEntries(Object.entries(version.tags).filter(([name]) => name !== STATE_TAG));

/** The first or the second slot of the target; where it holds many, the credential itself goes. */
function regenerate({ sim, account }: Hand, at: 0 | 1): void {
  const { kind } = sim;
  const keys = sim.world.accounts.get(account) as Record<string, string>;
  const slot = kind.overlap === 'many' ? Object.keys(keys)[at] : kind.slots[at];
  if (slot === undefined) return;
  const old = kind.stored(slot, keys[slot] as string);
  if (kind.overlap === 'many') delete keys[slot];
  else keys[slot] = sim.world.fresh('byhand');
  sim.invariants.excused.add(old);
  for (const { vault, name } of sim.invariants.watched) {
    const now = sim.world.current(vault, name);
    if (now?.value !== old) continue;
    sim.invariants.broken.add(`${vault}/${name}`);
    // Keyturn heals what it wrote; what a person wrote is refused until a person mends it.
    if (now.by === 'person') sim.invariants.hopeless.add(old);
  }
}

function ask(hand: Hand, changes: Partial<Operation>): void {
  const { sim, vault, name } = hand;
  const id = sim.world.uuid();
  const on = new Date(sim.world.now);
  sim.own.operations.set(id, {
    id,
    vault,
    name,
    version: current(hand).id,
    caller: 'somebody',
    phase: 'accepted',
    done: false,
    override: [],
    revoke: 'after-grace',
    createdOn: on,
    updatedOn: on,
    steps: [],
    ...changes,
  });
  sim.send({ vault, name, cause: 'http', operation: id });
}

const later = ({ sim }: Hand, minutes: number, act: () => void): void =>
  void sim.world.late.push({ on: sim.world.now + minutes * 60_000, apply: act });

const acts: Record<string, (hand: Hand) => void> = {
  'an apply replaces all tags': (hand) => touch(hand, current(hand), { ...ownersTags(current(hand)), cost: '42' }),
  'a saved plan writes older tags': (hand) =>
    touch(hand, current(hand), versions(hand).at(-2)?.tags ?? ownersTags(current(hand))),
  'the old value is written back': (hand) =>
    write(hand, (versions(hand).at(-2) ?? current(hand)).value, ownersTags(current(hand))),
  'the old value is written back with the newest tags': (hand) =>
    write(hand, (versions(hand).at(-2) ?? current(hand)).value, current(hand).tags),
  'an old version is written back with its own tags': (hand) => {
    const { value, tags } = versions(hand).at(-2) ?? current(hand);
    write(hand, value, tags);
  },
  'the current version is copied': (hand) => write(hand, current(hand).value, current(hand).tags),
  'key1 is regenerated by hand': (hand) => regenerate(hand, 0),
  'key2 is regenerated by hand': (hand) => regenerate(hand, 1),
  'the target is changed and changed back': (hand) => {
    const version = current(hand);
    const { tags } = version;
    touch(hand, version, { ...tags, ...hand.sim.kind.tags('acct2') });
    later(hand, 90, () => touch(hand, version, tags));
  },
  'the opt-in is removed and comes back': (hand) => {
    const version = current(hand);
    const { rotator, ...rest } = version.tags;
    touch(hand, version, rest);
    later(hand, 90, () => touch(hand, version, { ...version.tags, rotator: rotator ?? hand.sim.kind.type }));
  },
  // Opting out, for good or for a while: what is owed is worked off all the same (OPS-05).
  'the tag rotator says none': optOut,
  'the tag rotator says none, and opts in again after two days': (hand) => {
    optOut(hand);
    later(hand, 50 * 60, () =>
      touch(hand, current(hand), {
        ...current(hand).tags,
        ...hand.sim.kind.tags(hand.account),
        rotator: hand.sim.kind.type,
      }),
    );
  },
  'the opt-in is removed for good': (hand) => {
    const { rotator: _, ...rest } = current(hand).tags;
    leaves(hand, () => touch(hand, current(hand), rest));
  },
  'all tags of Keyturn are removed for good': (hand) =>
    leaves(hand, () => touch(hand, current(hand), { owner: 'team-a' })),
  'the value is written again without tags, for good': (hand) =>
    leaves(hand, () => write(hand, current(hand).value, { owner: 'team-a' })),
  'the old value is written back without tags, for good': (hand) =>
    leaves(hand, () => write(hand, (versions(hand).at(-2) ?? current(hand)).value, { owner: 'team-a' })),
  'the secret is exempt': (hand) => {
    const tags = { ...current(hand).tags, rotator: 'none' };
    const exempt = 'reason=vendor;until=2027-12-31;ticket=CHG-1';
    leaves(hand, () => touch(hand, current(hand), { ...tags, 'rotator-exempt': exempt }));
  },
  // Tags of the vault, by people without a right to its secrets (ATK-06).
  'the vault is given to another instance for a day': (hand) => {
    hand.sim.vaultTags.set(hand.vault, { keyturn: 'other' });
    later(hand, 24 * 60, () => void hand.sim.vaultTags.delete(hand.vault));
  },
  'a policy of the vault wants no grace': (hand) =>
    void hand.sim.vaultTags.set(hand.vault, { 'keyturn-policy': 'every=30d;grace=0h' }),
  'a policy of the vault wants a rotation an hour, for a day': (hand) => {
    hand.sim.vaultTags.set(hand.vault, { 'keyturn-policy': 'every=1h;grace=0h' });
    later(hand, 24 * 60, () => void hand.sim.vaultTags.delete(hand.vault));
  },
  'the secret is disabled for a while': (hand) => {
    const version = current(hand);
    version.enabled = false;
    later(hand, 90, () => {
      version.enabled = true;
      version.updatedOn = hand.sim.world.now;
    });
  },
  'consent is withdrawn and given back': (hand) => {
    const owner = hand.sim.kind.owner(hand.account);
    const before = hand.sim.consents.get(owner) as string;
    hand.sim.consents.set(owner, '');
    later(hand, 90, () => void hand.sim.consents.set(owner, before));
  },
  'a rotation is requested': (hand) => ask(hand, { override: ['too-soon'] }),
  'a rotation is requested, revoke now': (hand) => {
    hand.sim.invariants.revokedNow.add(keyOf(hand));
    ask(hand, { revoke: 'now' });
  },
  'a rotation is requested again, revoke now': (hand) => {
    hand.sim.invariants.revokedNow.add(keyOf(hand));
    ask(hand, { revoke: 'now', rotateAgain: true });
  },
  'a rotation is requested, revoke in 12 hours': (hand) => {
    hand.sim.invariants.revokedNow.add(keyOf(hand));
    ask(hand, { revoke: '12h', override: ['too-soon'] });
  },
  'what is owed is revoked at once': (hand) => {
    hand.sim.invariants.revokedNow.add(keyOf(hand));
    ask(hand, { at: 'now' });
  },
  'the grace is moved': (hand) => ask(hand, { at: new Date(hand.sim.world.now + 70 * HOUR) }),
  // Both end in time by themselves, so that all comes to rest: whatever becomes of the request that lifts the first.
  'a hold is put on and lifted': (hand) => {
    ask(hand, { hold: new Date(hand.sim.world.now + 20 * HOUR) });
    later(hand, 90, () => ask(hand, { hold: null }));
  },
  'a hold stands until it is over': (hand) => ask(hand, { hold: new Date(hand.sim.world.now + 30 * HOUR) }),
  'the table is lost': (hand) => hand.sim.loseTable(),
};

/** By what they do. On the first secret unless said otherwise. */
export const people: Readonly<Record<string, Person>> = Object.fromEntries(
  Object.entries(acts).map(([title, act]): [string, Person] => [
    title,
    (sim, whose = FIRST_SECRET) => act({ sim, ...whose }),
  ]),
);
