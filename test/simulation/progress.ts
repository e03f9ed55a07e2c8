/**
 * Invariant 10, it goes on: what is due is stored, what is owed is revoked, what is broken is healed and what is refused is
 * told, each within its bound. Judged by what the world shows, before each sweep and at rest. A bound runs from the last thing
 * that went wrong, or that a person did, at the latest; sweeps have to come in it.
 */

import { hoursIn, title, type Watched } from './facts.ts';
import type { Invariants, Tenant } from './invariants.ts';
import { DAY, HOUR, MINUTE, type StoredVersion, type World } from './world.ts';

interface Obligation {
  readonly what: 'due' | 'owed' | 'broken';
  /** The version it is about. */
  readonly id: string;
  readonly since: number;
  /** What stands in its way, in words: then somebody is told instead. */
  readonly obstacle: string | undefined;
}

/** A sweep and its looks, an hour of the rate, a probe of a braked kind. */
const BOUND = 3 * HOUR;
/** After a failure the pauses grow, and what was refused is looked at after a day (design section 3). */
const DISTURBED_BOUND = 30 * HOUR;
/** A value that a person breaks shows in no list: it is seen by the daily look. */
const HEAL_BOUND = 40 * HOUR;
/** What waits for a neighbour is told when it has been overdue for three days (design section 3). */
const SHARED_BOUND = 80 * HOUR;
const SHARED = 'holds, or may';
/** Sweeps that came in time to bring it about: the first may find a lock held, or complete the index. */
const SWEEPS = 2;
const SETTLES = 10 * MINUTE;
const EVERY = 60 * DAY;
const YOUNG = 2 * DAY;
const VERSIONS_MAX = 480;
const POLICY_KEYS = ['every', 'grace', 'window', 'paused', 'approve'];
const PLACEHOLDER = 'keyturn:new';

export class Progress {
  /** Teams are judged by their own, tighter bounds (`teams.ts`). */
  on = true;
  readonly #invariants: Invariants;
  readonly #world: World;
  readonly #tenant: () => Tenant;
  readonly #sweeps: number[] = [];
  /** Since when the current version of a secret opens nothing. */
  readonly #broken = new Map<string, number>();

  constructor(invariants: Invariants, world: World, tenant: () => Tenant) {
    this.#invariants = invariants;
    this.#world = world;
    this.#tenant = tenant;
  }

  /** Before a sweep: those before it have had their time. */
  beforeSweep(): void {
    this.#invariants.afterCall();
    this.judge();
    this.#sweeps.push(this.#world.now);
  }

  judge(): void {
    if (!this.on) return;
    for (const watched of this.#invariants.watched)
      for (const obligation of this.#open(watched)) this.#judgeOne(watched, obligation);
  }

  /** At rest nothing is open but what was told. */
  atRest(): void {
    if (!this.on) return;
    for (const watched of this.#invariants.watched)
      for (const { what, obstacle, since } of this.#open(watched)) {
        const disturbedOn = this.#invariants.facts.disturbedOn.get(title(watched));
        const bound = disturbedOn === undefined ? BOUND : DISTURBED_BOUND;
        if (
          what === 'due' ||
          this.#world.now - Math.max(since, disturbedOn ?? 0, this.#heldUntil(what)) <= bound
        )
          continue;
        if (obstacle !== undefined && this.#isTold(watched, since)) continue;
        const words = `${title(watched)}: ${what} at rest${obstacle ? `, for ${obstacle}, and nobody was told` : ''}`;
        this.#invariants.fail(what === 'broken' ? 1 : 3, words);
      }
  }

  /** Holds by scope put off what is due and owed, and heals alone where they say so. */
  #heldUntil(what: Obligation['what']): number {
    const { heldUntil, healsHeldUntil } = this.#invariants.facts;
    return what === 'broken' ? healsHeldUntil : heldUntil;
  }

  #judgeOne(watched: Watched, { what, since, obstacle }: Obligation): void {
    const { now } = this.#world;
    const disturbedOn = this.#invariants.facts.disturbedOn.get(title(watched));
    const usual = disturbedOn === undefined ? BOUND : DISTURBED_BOUND;
    const from = Math.max(since, disturbedOn ?? 0, this.#heldUntil(what));
    const bound = Math.max(
      usual,
      what === 'broken' ? HEAL_BOUND : 0,
      obstacle?.endsWith(SHARED) ? SHARED_BOUND : 0,
    );
    if (now - from <= bound) return;
    const sweeps = this.#sweeps.filter((on) => on >= from + SETTLES);
    if (sweeps.length < SWEEPS || !sweeps.some((on) => on >= from + bound - BOUND)) return;
    if (obstacle !== undefined && this.#isTold(watched, since)) return;
    const hours = Math.round((now - from) / HOUR);
    const why = obstacle === undefined ? '' : `, for ${obstacle}, and nobody is told`;
    this.#invariants.fail(10, `${title(watched)}: ${what} for ${hours} hours${why}`);
  }

  /** What waits to be done for a secret. */
  *#open(watched: Watched): Generator<Obligation> {
    const current = this.#world.current(watched.vault, watched.name);
    if (!current || this.#isLeftAlone(watched, current)) return;
    const { id } = current;
    const isIn = isOptedIn(current);
    const works = this.#world.accepts(watched.account, current.value);
    const obstacle = this.#obstacleOf(watched, current);
    const brokenOn = this.#brokenOn(title(watched), works);
    if (!works) {
      const mendable = current.by === 'keyturn' || current.value.includes(PLACEHOLDER);
      const why = obstacle ?? (mendable ? undefined : 'a value that a person wrote');
      const drains = current.value.includes(PLACEHOLDER) && this.#tenant().config.mode === 'drain';
      // The first credential of a placeholder is no heal: it waits for the end of a hold.
      const heldUntil = current.value.includes(PLACEHOLDER) ? this.#invariants.facts.heldUntil : 0;
      if (isIn && !drains)
        yield { what: 'broken', id, since: Math.max(brokenOn ?? 0, heldUntil), obstacle: why };
      return;
    }
    const { config } = this.#tenant();
    const dueOn = this.#dueOn(watched, current);
    const graceEnds = this.#graceEnds(watched);
    if (isIn && config.mode !== 'drain' && this.#world.now > dueOn)
      yield { what: 'due', id, since: Math.max(dueOn, graceEnds), obstacle };
    if (this.#tenant().kind.overlap === 'none') return;
    const alive = this.#invariants.olderAlive(watched);
    // What may be waited for whoever uses it, and no longer: from then on it is late as anything else.
    const mayEnd = graceEnds + this.#limitIn(watched, current);
    if (alive.some((each) => !this.#isForgotten(watched, each)) && this.#world.now > mayEnd)
      yield { what: 'owed', id, since: mayEnd, obstacle: obstacle ?? this.#drift(current) };
  }

  /** Another grace for consumers that have not followed; the limit of `revoke=when-unused`, where the policy says both. */
  #limitIn(watched: Watched, current: StoredVersion): number {
    if (this.#tenant().readers) return watched.graceHours * HOUR;
    const said = [this.#policyOf(watched, current), this.#tenant().config.policy].join(';');
    return /revoke=when-unused/.test(said) ? Math.max(0, ...hoursIn('unused-limit', said)) : 0;
  }

  /** Where its people, or those of its vault or its instance, want nothing done, or Keyturn has never seen it. */
  #isLeftAlone(watched: Watched, current: StoredVersion): boolean {
    const { config } = this.#tenant();
    const vaultTags = this.#tenant().tagsOf(watched.vault);
    if (!current.enabled || config.mode === 'observe') return true;
    if ((vaultTags.keyturn ?? 'keyturn') !== 'keyturn') return true;
    const policies = [
      this.#policyOf(watched, current),
      vaultTags['keyturn-policy'],
      config.policy,
    ].join(';');
    if (/paused=true|window=|approve=yes/.test(policies)) return true;
    return this.#invariants.isUnknown(watched, current);
  }

  /** Opted out without a policy of its own, what it owes is revoked by the one that it had. */
  #policyOf(watched: Watched, current: StoredVersion): string | undefined {
    const own = current.tags['rotator-policy'];
    if (own !== undefined || isOptedIn(current)) return own;
    return this.#versions(watched).findLast(isOptedIn)?.tags['rotator-policy'];
  }

  /** What a person has to mend: Keyturn cannot go on before. */
  #obstacleOf(watched: Watched, current: StoredVersion): string | undefined {
    const { kind } = this.#tenant();
    const { vault, account } = watched;
    if (!this.#tenant().isNamed(title(watched), account)) return 'want of consent';
    if (
      isOptedIn(current) &&
      current.tags['rotator-target'] !== kind.tags(account)['rotator-target']
    )
      return 'another target in its tags';
    const keys = (current.tags['rotator-policy'] ?? '')
      .split(';')
      .flatMap((each) => each.split('=')[0] || []);
    if (keys.some((key) => !POLICY_KEYS.includes(key))) return 'tags that do not parse';
    if (isOptedIn(current) && current.tags['rotator-target'] === undefined)
      return 'tags that name no target';
    if (this.#world.troubles.has(vault) || this.#world.troubles.has(account))
      return 'a refusal that lasts';
    if (this.#versions(watched).length >= VERSIONS_MAX) return 'too many versions';
    for (const other of this.#sharersOf(watched)) {
      const theirs = this.#world.current(other.vault, other.name);
      const differs = theirs?.value !== current.value;
      if (
        other !== watched &&
        theirs &&
        (differs || this.#isUncertain(other, theirs) || kind.overlap === 'none')
      )
        return `what ${title(other)} ${SHARED}`;
    }
    return undefined;
  }

  /** A neighbour of which nobody can say what it holds, or that goes its own way. */
  #isUncertain(other: Watched, theirs: StoredVersion): boolean {
    if (!theirs.enabled || theirs.by === 'person' || this.#isLeftAlone(other, theirs)) return true;
    return !this.#world.accepts(other.account, theirs.value) || !isOptedIn(theirs);
  }

  /** A person's version is current: that what it replaced is in nobody's use any more is known by the next rotation. */
  #drift(current: StoredVersion): string | undefined {
    return current.by === 'person' ? 'the version of a person' : this.#wiped(current);
  }

  /** A person took the state away, and with the table went the memory of it. */
  #wiped(current: StoredVersion): string | undefined {
    const unknown = this.#invariants.tablesLost > 0 || this.#invariants.storedUnseen(current);
    return !hasState(current) && unknown ? 'a state that is lost' : undefined;
  }

  /** An older version whose state a person took away, before the memory of it went with the table. */
  #isForgotten(watched: Watched, { tags, value }: StoredVersion): boolean {
    if (this.#invariants.tablesLost === 0 || tags['rotator-state'] !== undefined) return false;
    const { excuses } = this.#invariants;
    const secret = title(watched);
    excuses.grant({
      id: 'state and table lost',
      invariant: 10,
      secret,
      value,
      until: this.#world.now + DAY,
    });
    return excuses.holdsOff(10, secret, value);
  }

  #dueOn(watched: Watched, current: StoredVersion): number {
    if (current.value.includes(PLACEHOLDER)) return current.createdOn;
    // Unbroken, for whoever holds it: an apply that writes the same value makes nobody younger.
    let since = current.createdOn;
    for (const { value, createdOn } of [...this.#versions(watched)].reverse()) {
      if (value !== current.value) break;
      since = createdOn;
    }
    // What comes back is taken over anew.
    if (current.by === 'person')
      since = Math.max(since, this.#invariants.facts.takenOverOn.get(title(watched)) ?? 0);
    const isFirst = this.#versions(watched).length === 1;
    return Math.max(since + EVERY, isFirst ? 0 : current.createdOn + YOUNG);
  }

  /** When the last grace ends of what the secret, or one that shares its target, does not use any more. */
  #graceEnds(watched: Watched): number {
    const spells = this.#sharersOf(watched).flatMap((each) =>
      (this.#invariants.spells.get(title(each)) ?? []).map((spell) => ({
        ...spell,
        hours: this.#graceOf(each),
      })),
    );
    const ends = spells.flatMap(({ until, hours, movedTo }) =>
      until === undefined ? [] : Math.max(until + hours * HOUR, movedTo ?? 0),
    );
    // What a person stores gives the readers of what it replaced, or repeats, a whole grace.
    const copied = this.#sharersOf(watched).map((each) => {
      const current = this.#world.current(each.vault, each.name);
      return current?.by === 'person' ? current.createdOn + this.#graceOf(each) * HOUR : 0;
    });
    return Math.max(0, ...copied, ...ends);
  }

  #graceOf(watched: Watched): number {
    const policy = this.#world.current(watched.vault, watched.name)?.tags['rotator-policy'] ?? '';
    const ofVault = this.#tenant().tagsOf(watched.vault)['keyturn-policy'] ?? '';
    const named = [policy, ofVault]
      .flatMap((text) => hoursIn('grace', text))
      .map((grace) => grace / HOUR);
    return Math.max(watched.graceHours, ...named);
  }

  #isTold(watched: Watched, since: number): boolean {
    const { own } = this.#tenant();
    const names = this.#sharersOf(watched).map(title);
    const open = this.#invariants.alerts.some(
      ({ secret, on, incident, reason }) =>
        reason !== 'opt-in-lost' &&
        (names.includes(secret) || secret === `${watched.vault}/undefined`) &&
        (on >= since || incident === this.#invariants.incidentOf(secret)),
    );
    return open || [...own.counted.values()].some((each) => names.includes(title(each)));
  }

  #brokenOn(key: string, works: boolean): number | undefined {
    if (works) this.#broken.delete(key);
    else if (!this.#broken.has(key)) this.#broken.set(key, this.#world.now);
    return this.#broken.get(key);
  }

  #sharersOf({ account }: Watched): readonly Watched[] {
    return this.#invariants.watched.filter((each) => each.account === account);
  }

  #versions({ vault, name }: Watched): readonly StoredVersion[] {
    return this.#world.versions(vault, name);
  }
}

const isOptedIn = ({ tags }: StoredVersion): boolean => (tags.rotator ?? 'none') !== 'none';
const hasState = ({ tags }: StoredVersion): boolean => tags['rotator-state'] !== undefined;
