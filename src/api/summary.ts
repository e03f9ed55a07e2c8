/**
 * All secrets in numbers: who watches what, how old it is, when it expires, and what a first week in `run` would do. From the
 * rows of the last looks and the last sweep; shows and decides nothing.
 */
import { addDays } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { SECRET_STATUSES, type SecretStatus } from '../core/statuses.ts';
import type { Deps } from '../ports/deps.ts';
import { type Caller, requireRole } from './auth.ts';
import { type InventoryItem, itemsOf, sinceOf } from './inventory.ts';

export const AGES = ['under-30d', '30d-90d', '90d-1y', 'over-1y', 'unknown'] as const;
export const EXPIRIES = ['expired', '7d', '30d', '90d', 'later', 'never'] as const;

/** How many secrets, by who watches them. */
export interface Counted {
  readonly managed: number;
  readonly unmanaged: number;
}

export interface Summary extends Counted {
  readonly on: Date;
  readonly vaults: number;
  readonly secrets: number;
  readonly states: readonly { readonly state: SecretStatus; readonly secrets: number }[];
  readonly byVault: readonly ({ readonly vault: string } & Counted)[];
  /** Without a name: those whose owner no tag tells. */
  readonly byOwner: readonly ({ readonly owner?: string } & Counted)[];
  /** Of those that have not opted in, as it seems. Without a name: nobody can tell. */
  readonly byKind: readonly ({ readonly kind?: string } & Counted)[];
  readonly ages: readonly ({ readonly age: (typeof AGES)[number] } & Counted)[];
  readonly expiries: readonly ({ readonly expires: (typeof EXPIRIES)[number] } & Counted)[];
  /** Expires within 30 days, and nobody watches: enabled, of no certificate, not opted in. */
  readonly unwatched: {
    readonly expiring: number;
    readonly expired: number;
    readonly first: readonly Unwatched[];
  };
  readonly firstWeek: FirstWeek;
}

export interface Unwatched {
  readonly vault: string;
  readonly name: string;
  readonly expiresOn: Date;
  readonly owner?: string;
}

/** What seven days in `run` would do, by what was due at the last looks. */
export interface FirstWeek {
  readonly rotations: number;
  /** Due within the week; what the rate does not let through in that time comes after it. */
  readonly due: number;
  readonly byKind: readonly { readonly kind: string; readonly rotations: number }[];
  /** So many hours the rate needs for all of them. */
  readonly hours: number;
  /** A person has to act before these go on: refused, in conflict, at risk, or waiting for an approval. */
  readonly blocked: number;
}

/** Lists of vaults and owners name so many; the rest is one row. */
const NAMED_MAX = 200;
const FIRST_MAX = 20;
const EXPIRING_DAYS = 30;
const WEEK_HOURS = 7 * 24;
const SIDE_BY_SIDE = 8;

/** Over every vault of this instance. Needs `Keyturn.Read`. Rejects with `storage-busy` where the table did not answer. */
export async function summary(
  caller: Caller,
  deps: Pick<Deps, 'rows' | 'unmanaged' | 'vaults' | 'clock' | 'config'>,
): Promise<Summary> {
  requireRole(caller, 'Keyturn.Read');
  const tally = new Tally(deps.clock.now());
  const names = [...deps.vaults.names].sort();
  for (let at = 0; at < names.length; at += SIDE_BY_SIDE) {
    const some = names.slice(at, at + SIDE_BY_SIDE);
    const read = await Promise.all(
      some.map((vault) => itemsOf(vault, { states: ['unmanaged'] }, deps)),
    );
    for (const items of read) for (const item of items) tally.add(item);
  }
  return tally.summary(names.length, deps.config.rate);
}

class Counts<Key> {
  readonly #counts = new Map<Key, { managed: number; unmanaged: number }>();

  constructor(keys: readonly Key[] = []) {
    for (const key of keys) this.#counts.set(key, { managed: 0, unmanaged: 0 });
  }

  add(key: Key, isManaged: boolean): void {
    const count = this.#counts.get(key) ?? { managed: 0, unmanaged: 0 };
    count[isManaged ? 'managed' : 'unmanaged'] += 1;
    this.#counts.set(key, count);
  }

  all(): (readonly [Key, Counted])[] {
    return [...this.#counts];
  }

  /** The greatest first, beyond a number in one. */
  greatest(rest: Key): (readonly [Key, Counted])[] {
    const sum = ([, { managed, unmanaged }]: readonly [Key, Counted]) => managed + unmanaged;
    const sorted = this.all().sort(
      (one, other) => sum(other) - sum(one) || (String(one[0]) < String(other[0]) ? -1 : 1),
    );
    const [named, others] = [sorted.slice(0, NAMED_MAX), sorted.slice(NAMED_MAX)];
    if (others.length === 0) return named;
    const add = (of: keyof Counted) => others.reduce((total, [, count]) => total + count[of], 0);
    return [...named, [rest, { managed: add('managed'), unmanaged: add('unmanaged') }]];
  }
}

const OTHERS = '(others)';

class Tally {
  readonly #now: Date;
  readonly #states = new Map<SecretStatus, number>();
  readonly #vaults = new Counts<string>();
  readonly #owners = new Counts<string | undefined>();
  readonly #kinds = new Counts<string | undefined>();
  readonly #ages = new Counts<(typeof AGES)[number]>(AGES);
  readonly #expiries = new Counts<(typeof EXPIRIES)[number]>(EXPIRIES);
  readonly #week = new Week();
  #managed = 0;
  #unmanaged = 0;
  #expiring = 0;
  #expired = 0;
  /** The soonest ones. */
  #first: Unwatched[] = [];

  constructor(now: Date) {
    this.#now = now;
  }

  add(item: InventoryItem): void {
    const { vault, view, found } = item;
    const isManaged = found === undefined;
    if (isManaged) this.#managed += 1;
    else this.#unmanaged += 1;
    this.#states.set(view.state, (this.#states.get(view.state) ?? 0) + 1);
    this.#vaults.add(vault, isManaged);
    this.#owners.add(view.owner, isManaged);
    this.#kinds.add(
      isManaged ? view.rotator : found.certificate ? 'certificate' : found.likelyKind,
      isManaged,
    );
    this.#ages.add(ageOf(sinceOf(view), this.#now), isManaged);
    this.#expiries.add(expiryOf(view.expiresOn, this.#now), isManaged);
    if (found?.enabled && !found.certificate) this.#unwatched(item);
    if (isManaged) this.#week.add(item, this.#now);
  }

  #unwatched({ vault, name, view: { expiresOn, owner } }: InventoryItem): void {
    if (expiresOn === undefined || expiresOn > addDays(this.#now, EXPIRING_DAYS)) return;
    if (expiresOn <= this.#now) {
      this.#expired += 1;
      return;
    }
    this.#expiring += 1;
    this.#first.push(compact({ vault, name, expiresOn, owner }));
    this.#first.sort((one, other) => one.expiresOn.getTime() - other.expiresOn.getTime());
    this.#first = this.#first.slice(0, FIRST_MAX);
  }

  summary(vaults: number, rate: Deps['config']['rate']): Summary {
    return {
      on: this.#now,
      vaults,
      secrets: this.#managed + this.#unmanaged,
      managed: this.#managed,
      unmanaged: this.#unmanaged,
      states: SECRET_STATUSES.flatMap((state) => {
        const secrets = this.#states.get(state);
        return secrets === undefined ? [] : [{ state, secrets }];
      }),
      byVault: this.#vaults.greatest(OTHERS).map(([vault, count]) => ({ vault, ...count })),
      byOwner: this.#owners
        .greatest(OTHERS)
        .map(([owner, count]) => (owner === undefined ? count : { owner, ...count })),
      byKind: this.#kinds
        .greatest(OTHERS)
        .map(([kind, count]) => (kind === undefined ? count : { kind, ...count })),
      ages: this.#ages.all().map(([age, count]) => ({ age, ...count })),
      expiries: this.#expiries.all().map(([expires, count]) => ({ expires, ...count })),
      unwatched: { expiring: this.#expiring, expired: this.#expired, first: this.#first },
      firstWeek: this.#week.ends(rate),
    };
  }
}

const BLOCKED: readonly SecretStatus[] = ['refused', 'conflict', 'at-risk', 'approval'];
/** In these nothing is rotated, whatever is due. */
const STANDS: readonly SecretStatus[] = [
  ...BLOCKED,
  'held',
  'leaving',
  'exempt',
  'opt-in-lost',
  'gone',
  'not-served',
  'certificate',
  'unmanaged',
];

class Week {
  #blocked = 0;
  #due = 0;
  readonly #byVault = new Map<string, Map<string, number>>();

  add({ vault, view: { state, dueOn, rotator = 'unknown' } }: InventoryItem, now: Date): void {
    if (BLOCKED.includes(state)) this.#blocked += 1;
    if (STANDS.includes(state) || dueOn === undefined || dueOn > addDays(now, 7)) return;
    this.#due += 1;
    const kinds = this.#byVault.get(vault) ?? new Map<string, number>();
    this.#byVault.set(vault, kinds.set(rotator, (kinds.get(rotator) ?? 0) + 1));
  }

  /** Each vault has its rate, and all together theirs; of what does not fit every kind gives up its part. */
  ends({ perVault, overall }: Deps['config']['rate']): FirstWeek {
    const kinds = new Map<string, number>();
    let hours = Math.ceil(this.#due / overall);
    for (const found of this.#byVault.values()) {
      const due = [...found.values()].reduce((sum, each) => sum + each, 0);
      hours = Math.max(hours, Math.ceil(due / perVault));
      for (const [kind, count] of bounded(found, perVault * WEEK_HOURS))
        kinds.set(kind, (kinds.get(kind) ?? 0) + count);
    }
    const byKind = bounded(kinds, overall * WEEK_HOURS).map(([kind, rotations]) => ({
      kind,
      rotations,
    }));
    const rotations = byKind.reduce((sum, each) => sum + each.rotations, 0);
    return {
      rotations,
      due: this.#due,
      byKind: byKind.sort((a, b) => b.rotations - a.rotations),
      hours,
      blocked: this.#blocked,
    };
  }
}

/** At most so many in all, each key by its part. */
function bounded(counts: ReadonlyMap<string, number>, most: number): [string, number][] {
  let left = [...counts.values()].reduce((sum, each) => sum + each, 0);
  let room = Math.min(most, left);
  return [...counts].map(([key, count]) => {
    const part = left === 0 ? 0 : Math.round((count * room) / left);
    left -= count;
    room -= part;
    return [key, part];
  });
}

function ageOf(since: Date | undefined, now: Date): (typeof AGES)[number] {
  if (since === undefined) return 'unknown';
  if (since > addDays(now, -30)) return 'under-30d';
  if (since > addDays(now, -90)) return '30d-90d';
  return since > addDays(now, -365) ? '90d-1y' : 'over-1y';
}

function expiryOf(on: Date | undefined, now: Date): (typeof EXPIRIES)[number] {
  if (on === undefined) return 'never';
  if (on <= now) return 'expired';
  if (on <= addDays(now, 7)) return '7d';
  if (on <= addDays(now, 30)) return '30d';
  return on <= addDays(now, 90) ? '90d' : 'later';
}
