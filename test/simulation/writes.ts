/**
 * What each single write of Keyturn's may do, judged when it takes effect: the whole of what people wrote survives it
 * (invariant 4), somebody wanted it (6), the target's owner consents and the secret's tags say so (7).
 */
import type { Op } from './director.ts';
import { type Ask, hoursIn, title, type Watched } from './facts.ts';
import { type Invariants, stateOf, type Tenant } from './invariants.ts';
import { DAY, HOUR, MINUTE, type Process, type StoredVersion, type World } from './world.ts';

type Tags = Record<string, string>;

/** A version as it stood before a write. */
interface Before extends Pick<StoredVersion, 'id' | 'value' | 'tags' | 'contentType' | 'enabled'> {
  readonly version: StoredVersion;
}

/** What a worker was shown of a version. */
interface Served {
  readonly tags: Tags;
  readonly contentType: string | undefined;
  /** The worker's own call. */
  readonly call: number;
}

/** One pass, as the world saw it. */
interface Seen {
  readonly versions: Map<string, Served>;
  /** By the id that a consent is about: the worker's last read, and what the world's owner said then. */
  readonly consents: Map<string, { readonly call: number; readonly given: boolean }>;
  /** It has set the mark of a rotation: its target writes make a credential. */
  rotates?: true;
  readonly reached: Set<string>;
  /** Targets that it has changed: what it made there it may take away again. */
  readonly changed: Set<string>;
  /** The current version as it was shown last. */
  current?: Served;
}

const TARGET = 'rotator-target';
const PLACEHOLDER = 'keyturn:new';
/** Own calls of a pass from the last look at a version to the write of its tags; nothing fences them (design section 8, limits). */
const UNFENCED_CALLS = 3;
/** Own calls from the second read of consent to the revocation that it allows: what is looked at in between is looked at once. */
const CONSENT_CALLS = 24;
/** The time of those that look at the value, its neighbours and the slot before it is revoked. */
const UNFENCED = 480;
/** Clocks are off by five minutes, states are written to the minute. */
const CLOCKS = 6 * MINUTE;
const EVERY = 60 * DAY;
const YOUNG = DAY;
const ROTATIONS_MAX = 3;

export class Writes {
  readonly #invariants: Invariants;
  readonly #world: World;
  readonly #tenant: () => Tenant;
  readonly #seen = new WeakMap<Process, Seen>();
  /** Versions whose rotation somebody wanted, when it was begun. */
  readonly #wanted = new Set<string>();
  /** The target that a hash in a state stands for, by what the tags said when it was first written. */
  readonly #hashes = new Map<string, string>();
  /** Who stored a version. */
  readonly storedBy = new Map<string, Process>();
  #versions = new Map<Watched, readonly Before[]>();
  #accounts = new Map<string, Tags>();
  #account: string | undefined;

  constructor(invariants: Invariants, world: World, tenant: () => Tenant) {
    this.#invariants = invariants;
    this.#world = world;
    this.#tenant = tenant;
  }

  before(op: Op, _process: Process): void {
    this.#account = undefined;
    if (op.name.startsWith('vault.')) {
      this.#versions = new Map(this.#invariants.watched.map((each) => [each, this.#copyOf(each)]));
      return;
    }
    this.#accounts = new Map(
      [...this.#world.accounts].map(([account, held]) => [account, { ...held }]),
    );
  }

  after(op: Op, process: Process): void {
    if (op.name.startsWith('vault.')) {
      for (const [watched, before] of this.#versions) this.#judgeVault(watched, before, process);
      return;
    }
    for (const [account, before] of this.#accounts) this.#judgeTarget(account, before, process);
  }

  answered({ name }: Op, process: Process, answer: unknown): void {
    if (name !== 'vault.current' && name !== 'vault.versions') return;
    const pass = this.#passOf(process);
    for (const each of [answer].flat() as readonly (string | Before | undefined)[]) {
      if (typeof each !== 'object') continue;
      const served = { tags: each.tags, contentType: each.contentType, call: process.calls };
      pass.versions.set(each.id, served);
      if (name === 'vault.current') pass.current = served;
    }
  }

  consentRead(target: string, process: Process): void {
    const tenant = this.#tenant();
    const account = [...this.#world.accounts.keys()].find(
      (each) => tenant.kind.owner(each) === target,
    );
    const secret = this.#secretOf(process);
    const given = account !== undefined && secret !== undefined && tenant.isNamed(secret, account);
    this.#passOf(process).consents.set(target, { call: process.calls, given });
  }

  /** Invariant 7: a call to a target comes from a pass over a secret whose tags name it, a write after its owner's consent. */
  reached(place: string, op: Op, process: Process): void {
    if (!op.name.startsWith('target.')) return;
    const pass = this.#passOf(process);
    if (op.write > 0) {
      this.#account = place;
      this.#judgeConsent(place, process, pass);
    } else if (pass.reached.has(place)) return;
    pass.reached.add(place);
    const secret = this.#secretOf(process);
    if (secret === undefined)
      this.#invariants.fail(7, `${place} is reached (${op.name}) for no secret`);
    const named = this.#targetsNamed(secret, pass, op.write > 0);
    const text = this.#tenant().kind.tags(place)[TARGET];
    if (pass.changed.has(place)) return;
    if (op.write > 0) pass.changed.add(place);
    if (text === undefined || !named.has(text.toLowerCase()))
      this.#invariants.fail(
        7,
        `${place} is reached (${op.name}) for ${secret}, whose tags name another target`,
      );
  }

  #judgeConsent(account: string, process: Process, { consents }: Seen): void {
    const secret = this.#secretOf(process);
    const read = consents.get(this.#tenant().kind.owner(account));
    if (read === undefined)
      this.#invariants.fail(7, `${account} is changed for ${secret}, and no consent was read`);
    if (!read.given)
      this.#invariants.fail(7, `${account} is changed for ${secret}, without its owner's consent`);
  }

  /** What a secret's tags name: as they are, as this pass was last shown them, and for a read what they ever named. */
  #targetsNamed(secret: string, pass: Seen, writes: boolean): ReadonlySet<string> {
    const [vault = '', name = ''] = secret.split('/');
    const versions = this.#world.versions(vault, name);
    const current = versions.at(-1);
    const shown = [...pass.versions.values()].map(({ tags }) => tags);
    const now = current ? [current.tags, pass.versions.get(current.id)?.tags] : [];
    // Of a secret that left, an older version tells where what it owes lies.
    const isIn = (now.at(-1)?.rotator ?? 'none') !== 'none';
    const all = writes && isIn ? now : [...now, ...shown, ...versions.map(({ tags }) => tags)];
    const ever = writes && isIn ? [] : (this.#invariants.facts.named.get(secret) ?? []);
    return new Set([...all.map((tags) => (tags?.[TARGET] ?? '').toLowerCase()), ...ever]);
  }

  #judgeTarget(account: string, before: Tags, process: Process): void {
    const held = this.#world.accounts.get(account) ?? {};
    if (same(before, held)) return;
    const secret = this.#secretOf(process) ?? '';
    const { kind } = this.#tenant();
    if (account !== this.#account && this.#account !== undefined)
      this.#invariants.fail(7, `${account} is changed by a call to ${this.#account}`);
    if (kind.overlap === 'many')
      for (const [handle, value] of this.#invariants.facts.personsAt(account))
        if (held[handle] !== value && !this.#invariants.excuses.holdsOff(4, secret, value))
          this.#invariants.fail(
            4,
            `${account}: a credential that a person made is gone, for ${secret}`,
          );
    const pass = this.#passOf(process);
    if (pass.rotates) return;
    const watched = this.#invariants.watched.find((each) => title(each) === secret);
    if (!watched) return;
    // What stands in a version and opened the target was revoked: right after consent was read again.
    const revoked = this.#world
      .versions(watched.vault, watched.name)
      .some(({ value }) => this.#world.opens(before, value) && !this.#world.opens(held, value));
    if (revoked) this.#judgeRevocation(account, before, { watched, process, pass });
  }

  /** What is revoked goes right after a look at consent and at the value that readers are to use instead. */
  #judgeRevocation(
    account: string,
    before: Tags,
    {
      watched,
      process,
      pass,
    }: { readonly watched: Watched; readonly process: Process; readonly pass: Seen },
  ): void {
    const key = title(watched);
    const read = pass.consents.get(this.#tenant().kind.owner(account));
    // One whose answer was lost is sent again.
    if (read && process.faults === 0 && process.calls - read.call > CONSENT_CALLS)
      this.#invariants.fail(
        7,
        `${account}: revoked for ${key}, ${process.calls - read.call} calls after consent was read`,
      );
    const current = this.#world.current(watched.vault, watched.name);
    if (!current?.enabled || this.#world.opens(before, current.value)) return;
    // Nothing fences the last calls: who breaks the value in them is healed, not prevented.
    const unfenced = this.#invariants.facts.undone(
      account,
      current.value,
      this.#world.now - UNFENCED,
    );
    if (!unfenced && !this.#invariants.excuses.holdsOff(1, key, current.value))
      this.#invariants.fail(
        1,
        `${key}: what still worked is revoked, and the current value does not`,
      );
  }

  #judgeVault(watched: Watched, before: readonly Before[], process: Process): void {
    const key = title(watched);
    const now = this.#world.versions(watched.vault, watched.name);
    const more = now.length - before.length;
    for (const [at, each] of before.entries()) {
      const { version } = each;
      if (now[at] !== version) this.#invariants.fail(4, `${key}: version ${at + 1} is gone`);
      if (
        version.tags === each.tags &&
        version.enabled === each.enabled &&
        version.contentType === each.contentType
      )
        continue;
      this.#isOwnSecret(key, process);
      this.#judgeRetag(watched, each, { isCurrent: at === before.length - 1, process });
    }
    if (more <= 0) return;
    this.#isOwnSecret(key, process);
    if (more > 1) this.#invariants.fail(6, `${key}: ${more} versions by one call`);
    this.#judgeStore(watched, before.at(-1), now.at(-1) as StoredVersion, process);
  }

  #isOwnSecret(key: string, process: Process): void {
    const secret = this.#secretOf(process);
    if (secret !== key) this.#invariants.fail(7, `${key} is written by a pass over ${secret}`);
  }

  /** A PATCH changes nothing but Keyturn's own tag; only what is revoked is switched off, and never the current version. */
  #judgeRetag(
    watched: Watched,
    before: Before,
    { isCurrent, process }: { readonly isCurrent: boolean; readonly process: Process },
  ): void {
    const key = title(watched);
    const { version } = before;
    const served = this.#passOf(process).versions.get(before.id);
    this.#ownersSurvive(key, version, {
      before,
      served: isCurrent ? this.#fresh(served, process) : served,
    });
    const [was, is] = [stateOf(before), stateOf(version)];
    if (
      version.enabled !== before.enabled &&
      (version.enabled || isCurrent || is?.revoked !== true)
    )
      this.#invariants.fail(
        4,
        `${key}: version ${version.id} is ${version.enabled ? 'switched on' : 'switched off'}`,
      );
    if (is?.revoked && !was?.revoked) this.#invariants.noFalseMark(watched);
    this.#fitsTarget(key, version);
    if (is?.started !== undefined && is.started !== was?.started && isCurrent) {
      this.#passOf(process).rotates = true;
      this.#judgeWanted(watched, version);
    }
  }

  #judgeStore(
    watched: Watched,
    replaced: Before | undefined,
    made: StoredVersion,
    process: Process,
  ): void {
    const key = title(watched);
    this.storedBy.set(made.id, process);
    if (!replaced) this.#invariants.fail(4, `${key}: a version of a secret that is not there`);
    this.#ownersSurvive(key, made, {
      before: replaced,
      served: this.#fresh(this.#passOf(process).current, process),
    });
    this.#fitsTarget(key, made);
    // A late twin of one value is harmless; with another one somebody's readers have to change again.
    if (made.value === replaced.value) return;
    if (!this.#wanted.has(replaced.id)) this.#judgeWanted(watched, replaced.version);
    const day = this.#world
      .versions(watched.vault, watched.name)
      .filter(({ by, createdOn }) => by === 'keyturn' && createdOn > this.#world.now - DAY);
    const values = new Set(day.map(({ value }) => value)).size;
    // A leak is not put off for having been rotated often.
    const leaks = this.#invariants.facts.asked.filter(
      (each) => each.leaked && title(each) === key,
    ).length;
    if (values > ROTATIONS_MAX + leaks && !this.#invariants.excuses.holdsOff(6, key, made.value))
      this.#invariants.fail(6, `${key}: ${values} new values in a day`);
  }

  /** What a pass was shown right before; after an answer that went wrong the same write is sent again. */
  #fresh(served: Served | undefined, process: Process): Served | undefined {
    const old = served !== undefined && process.calls - served.call > UNFENCED_CALLS;
    return old && process.faults === 0 ? undefined : served;
  }

  /** Invariant 4: every tag that is not Keyturn's own state, and the content type; an edit during the call may be lost. */
  #ownersSurvive(
    key: string,
    now: Pick<StoredVersion, 'tags' | 'contentType'>,
    { before, served }: { readonly before: Before; readonly served: Served | undefined },
  ): void {
    const own = this.#tenant().ownTags;
    const survives = [before, served].some(
      (each) =>
        each !== undefined &&
        each.contentType === now.contentType &&
        same(ownersOf(each.tags, own), ownersOf(now.tags, own)),
    );
    if (!survives && !this.#invariants.excuses.holdsOff(4, key))
      this.#invariants.fail(4, `${key}: the owner's tags or content type are gone`);
  }

  /** Invariant 7: a state is about the target that the tags beside it name, as long as they name one. */
  #fitsTarget(key: string, { tags }: Pick<StoredVersion, 'tags'>): void {
    if ((tags.rotator ?? 'none') === 'none') return; // what is left goes by its state alone
    const hash = stateOf({ tags })?.tgt;
    const named = tags[TARGET]?.toLowerCase();
    if (hash === undefined || named === undefined) return;
    const known = this.#hashes.get(hash) ?? named;
    this.#hashes.set(hash, known);
    if (known !== named && !this.#invariants.excuses.holdsOff(7, key))
      this.#invariants.fail(7, `${key}: the state of a former target is written`);
  }

  /** Invariant 6: one due secret, one request, one value that opens nothing gets one new version. */
  #judgeWanted(watched: Watched, version: StoredVersion): void {
    const key = title(watched);
    const why = this.#whoWants(watched, version);
    if (why === undefined && !this.#invariants.excuses.holdsOff(6, key))
      this.#invariants.fail(6, `${key}: a rotation is begun that nobody wants`);
    this.#wanted.add(version.id);
  }

  #whoWants(watched: Watched, version: StoredVersion): string | undefined {
    const { vault, name } = watched;
    if (version.value === PLACEHOLDER) return 'placeholder';
    if (!this.#world.accepts(watched.account, version.value)) return 'broken';
    const asks = (each: Ask) =>
      title(each) === title(watched) &&
      each.version === version.id &&
      !each.at &&
      each.hold === undefined;
    if (this.#invariants.facts.asked.some(asks)) return 'asked';
    const first = this.#firstOf(this.#world.versions(vault, name), version);
    const own = version.tags['rotator-policy'] ?? '';
    const { config } = this.#tenant();
    const others = [this.#tenant().tagsOf(vault)['keyturn-policy'], config.policy].map(
      (each) => each ?? '',
    );
    const every = Math.min(
      EVERY,
      ...[own, ...others].flatMap((policy) => hoursIn('every', policy)),
    );
    const young = Math.max(YOUNG, Math.min(...hoursIn('grace', own), watched.graceHours * HOUR));
    return this.#world.now >= first + Math.max(every, young) - CLOCKS ? 'due' : undefined;
  }

  /** Since when the value has been in use, by its oldest version. */
  #firstOf(versions: readonly StoredVersion[], { value }: StoredVersion): number {
    return Math.min(
      ...versions.filter((each) => each.value === value).map(({ createdOn }) => createdOn),
    );
  }

  #copyOf({ vault, name }: Watched): readonly Before[] {
    return this.#world.versions(vault, name).map((version) => ({ ...version, version }));
  }

  #passOf(process: Process): Seen {
    const known = this.#seen.get(process);
    if (known) return known;
    const fresh: Seen = {
      versions: new Map(),
      consents: new Map(),
      reached: new Set(),
      changed: new Set(),
    };
    this.#seen.set(process, fresh);
    return fresh;
  }

  #secretOf(process: Process): string | undefined {
    return this.#world.looksAt.get(process.id);
  }
}

const ownersOf = (tags: Tags, own: readonly string[]): Tags =>
  Object.fromEntries(Object.entries(tags).filter(([tag]) => !own.includes(tag)));

function same(one: Tags, other: Tags): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  );
}
