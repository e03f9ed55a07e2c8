/**
 * What happened in a path, as the world shows it, whoever described the path: what people did to secrets and targets and what
 * they asked for. Against these acts some promises are not made; what is promised instead is in `invariants.ts`.
 */
import type { Operation } from '../../src/ports/operations.ts';
import type { OwnStorage } from './ports.ts';
import { DAY, HOUR, type World } from './world.ts';

/** A secret that the checker watches. */
export interface Watched {
  readonly vault: string;
  readonly name: string;
  readonly account: string;
  readonly graceHours: number;
}

export const title = ({ vault, name }: { readonly vault: string; readonly name: string }): string =>
  `${vault}/${name}`;

/** What a person asked for, kept though the table may be lost. */
export type Ask = Pick<
  Operation,
  | 'vault'
  | 'name'
  | 'version'
  | 'revoke'
  | 'rotateAgain'
  | 'at'
  | 'hold'
  | 'undo'
  | 'leaked'
  | 'override'
> & {
  readonly on: number;
};

/** What else people write that a secret depends on. */
interface Around {
  readonly vaultTags: Record<string, string>;
  readonly consented: boolean;
}

/** A secret at one moment, to be compared with the next. */
interface Look {
  readonly words: string;
  readonly vault: string;
  readonly turn: string;
  readonly isIn: boolean;
  readonly count: number;
}

/** Told apart from what Keyturn did by looking right before and right after each of its writes. */
export class Facts {
  /** Values that opened their target until a person changed it, and when that was. */
  readonly destroyed = new Map<string, number>();
  /** What people changed at targets: what had opened one before does not any more. */
  readonly #undone: {
    readonly account: string;
    readonly before: Record<string, string>;
    readonly on: number;
  }[] = [];
  /** Every credential that a target ever held. */
  readonly credentials = new Set<string>();
  /** By secret, in lower case: the targets that the tags of any of its versions ever named. */
  readonly named = new Map<string, Set<string>>();
  /** Versions that a person wrote with a value that opened nothing. */
  readonly deadOnArrival = new Set<string>();
  /** When something last went wrong, or a person last did something, that the secret has to do with. */
  readonly disturbedOn = new Map<string, number>();
  readonly asked: Ask[] = [];
  /** Until when holds by scope put everything off, and until when heals as well. */
  heldUntil = 0;
  healsHeldUntil = 0;
  /**
   * By secret: how often a person stored another version, opted in or out, changed the target or its consent, of it or of one that shares its
   * target: what is wrong then is another matter.
   */
  readonly turns = new Map<string, number>();
  /** By secret: when a person last did something from which on it counts as taken over. */
  readonly takenOverOn = new Map<string, number>();
  /** How often the tags of a vault were changed. */
  readonly vaultChanges = new Map<string, number>();
  /** By account: what people made there, by its handle. */
  readonly #persons = new Map<string, Map<string, string>>();
  readonly #accounts = new Map<string, Record<string, string>>();
  readonly #secrets = new Map<string, Look>();
  readonly #seen = new Set<string>();
  readonly #world: World;
  readonly #own: () => OwnStorage;
  readonly #watched: readonly Watched[];
  readonly #around: (watched: Watched) => Around;

  constructor(
    world: World,
    own: () => OwnStorage,
    watched: readonly Watched[],
    around: (watched: Watched) => Around,
  ) {
    this.#world = world;
    this.#own = own;
    this.#watched = watched;
    this.#around = around;
  }

  /** Called right before a write of Keyturn's, and wherever somebody may have acted: what has changed since was no write of its own. */
  note(): readonly Ask[] {
    for (const [account, held] of this.#world.accounts) this.#noteAccount(account, held);
    for (const watched of this.#watched) this.#noteSecret(watched);
    return this.#noteAsked();
  }

  /** Called right after a write of Keyturn's: what stands there now is the new beginning. */
  settle(): void {
    for (const [account, held] of this.#world.accounts) this.#keep(account, held);
    for (const watched of this.#watched) this.#secrets.set(title(watched), this.#lookOf(watched));
  }

  /** Whether a person changed the target after `since` so that a value opens it no more. */
  undone(account: string, value: string, since: number): boolean {
    return this.#undone.some(
      (each) =>
        each.account === account && each.on >= since && this.#world.opens(each.before, value),
    );
  }

  /** What people made at an account, by its handle: as long as they leave it there. */
  personsAt(account: string): ReadonlyMap<string, string> {
    return this.#persons.get(account) ?? new Map();
  }

  /** Something that delays whatever is to be done for the secret, and for those that share its target. */
  disturb(secret: string, until = this.#world.now): void {
    const account = this.#watched.find((each) => title(each) === secret)?.account;
    for (const each of this.#watched)
      if (each.account === account)
        this.disturbedOn.set(title(each), Math.max(until, this.disturbedOn.get(title(each)) ?? 0));
  }

  hold(until: number, heals: boolean): void {
    this.heldUntil = Math.max(this.heldUntil, until);
    if (!heals) this.healsHeldUntil = Math.max(this.healsHeldUntil, until);
  }

  disturbAll(): void {
    for (const each of this.#watched) this.disturb(title(each));
  }

  #noteAccount(account: string, held: Record<string, string>): void {
    const before = this.#accounts.get(account);
    if (before && sameText(before, held)) return;
    this.#keep(account, held);
    const made = Object.entries(held).filter(([handle]) => !this.#world.made.has(handle));
    this.#persons.set(account, new Map(made));
    if (!before) return;
    this.#undone.push({ account, before, on: this.#world.now });
    for (const watched of this.#watched.filter((each) => each.account === account)) {
      for (const { value } of this.#world.versions(watched.vault, watched.name))
        if (this.#world.opens(before, value) && !this.#world.opens(held, value))
          this.destroyed.set(value, this.#world.now);
      this.disturb(title(watched));
    }
    this.#turn(account);
  }

  #turn(account: string): void {
    for (const each of this.#watched)
      if (each.account === account)
        this.turns.set(title(each), 1 + (this.turns.get(title(each)) ?? 0));
  }

  #keep(account: string, held: Record<string, string>): void {
    this.#accounts.set(account, { ...held });
    for (const credential of Object.values(held)) this.credentials.add(credential);
  }

  #noteSecret(watched: Watched): void {
    const key = title(watched);
    const before = this.#secrets.get(key);
    const now = this.#lookOf(watched);
    if (before && before.words === now.words) return;
    this.#secrets.set(key, now);
    const versions = this.#world.versions(watched.vault, watched.name);
    const named = this.named.get(key) ?? new Set();
    this.named.set(key, named);
    for (const { tags } of versions.slice(-2))
      named.add((tags['rotator-target'] ?? '').toLowerCase());
    for (const { id, by, value } of versions.slice(before?.count ?? 0))
      if (by === 'person' && !this.#world.accepts(watched.account, value))
        this.deadOnArrival.add(id);
    if (before?.vault !== undefined && before.vault !== now.vault)
      this.vaultChanges.set(watched.vault, 1 + (this.vaultChanges.get(watched.vault) ?? 0));
    if (before && before.turn !== now.turn) this.#turn(watched.account);
    // What comes back is taken over anew; and what was changed before the first look, from that change on.
    const isNew =
      !this.#own().secrets.has(key) &&
      versions.every(({ tags }) => tags['rotator-state'] === undefined);
    if (before && (isNew || (!before.isIn && now.isIn))) this.takenOverOn.set(key, this.#world.now);
    if (before) this.disturb(key);
  }

  #lookOf(watched: Watched): Look {
    const versions = this.#world.versions(watched.vault, watched.name);
    const { id, enabled, tags, contentType } = versions.at(-1) ?? {};
    const { vaultTags, consented } = this.#around(watched);
    const vault = JSON.stringify(vaultTags);
    const words = JSON.stringify([id, enabled, tags, contentType, vault, consented]);
    const turn = JSON.stringify([id, tags?.rotator, tags?.['rotator-target'], vault, consented]);
    const isIn = (tags?.rotator ?? 'none') !== 'none';
    return { words, vault, turn, isIn, count: versions.length };
  }

  #noteAsked(): readonly Ask[] {
    const { operations } = this.#own();
    if (operations.size === 0) return [];
    const fresh = [...operations.values()].filter(({ id }) => !this.#seen.has(id));
    const asked = fresh.map((each): Ask => ({ ...each, on: this.#world.now }));
    for (const { id } of fresh) this.#seen.add(id);
    for (const each of asked) {
      const ends = [each.hold, each.at].map((on) => (on instanceof Date ? on.getTime() : 0));
      // An undo puts a hold on the secret, as a person would.
      if (each.undo) ends.push(this.#world.now + 7 * DAY);
      this.disturb(title(each), Math.max(this.#world.now, ...ends));
    }
    this.asked.push(...asked);
    return asked;
  }
}

const sameText = (one: Record<string, string>, other: Record<string, string>): boolean => {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  );
};

/** `every=30d` or `grace=12h` in a policy, in milliseconds. */
export function hoursIn(key: string, policy: string): number[] {
  const [, count, unit] = new RegExp(`(?:^|;)${key}=(\\d+)([hd])`).exec(policy) ?? [];
  return count === undefined ? [] : [Number(count) * (unit === 'd' ? DAY : HOUR)];
}
