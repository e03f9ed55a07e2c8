/**
 * Two teams under one Keyturn, one of them hostile. The other's secrets are judged by time: what is due is stored, what is owed
 * is revoked, what is broken is healed and what is refused is alerted, each within its bound (invariants 9 and 10); and no
 * target is changed for a secret that its owner did not name for this kind (invariant 7).
 */
import { readState } from '../../src/tags/state.ts';
import { type HostileSecret, hostileActs } from './adversary.ts';
import { type Director, random } from './director.ts';
import { storage } from './kinds.ts';
import { app, logins, onePassword } from './otherKinds.ts';
import { type Kind, Sim, type SimOptions } from './sim.ts';
import { DAY, HOUR, MINUTE, START, type StoredVersion } from './world.ts';

/** Until then the hostile team acts. */
const HOSTILE_HOURS = 84;
const END_HOURS = 132;
/** Due to stored, owed to revoked, refused to alerted: a sweep and its looks, a probe of a braked kind, an hour of the rate. */
const BOUND = 3 * HOUR;
/** A value that a person breaks shows in no list: it is seen by the daily look (design section 10.3). */
const HEAL_BOUND = 40 * HOUR;
/** Who shares a slot waits; the one that is waited for is told after a day, by a look that comes every six hours. */
const SHARED_BOUND = 33 * HOUR;
/** What is due beside a neighbour that surely owes the slot is told with what is overdue: after three days. */
const SHARED_DUE_BOUND = 80 * HOUR;

interface Innocent {
  readonly vault: string;
  readonly name: string;
  readonly account: string;
  /** Shares its target with a hostile secret. */
  readonly shared?: true;
}

interface Obligation {
  readonly what: 'due' | 'owed' | 'broken';
  /** The version it is about. */
  readonly id: string;
  readonly since: number;
}

/** Of the state that its team may have replaced by anything. */
function stateOf(tags: Record<string, string>): ReturnType<typeof readState> {
  try {
    return readState(tags);
  } catch {
    return undefined;
  }
}

const key = ({ vault, name }: { readonly vault: string; readonly name: string }): string =>
  `${vault}/${name}`;

const KINDS = [storage, storage, storage, logins, onePassword, app] as const;

/** Whose targets the two teams have, unless said otherwise. */
export const kindOfSeed = (seed: number): (typeof KINDS)[number] =>
  KINDS[Math.floor(random(seed * 7919)() * KINDS.length)] as (typeof KINDS)[number];

interface TeamsOptions extends Pick<SimOptions, 'wrap'> {
  readonly kind?: Kind;
  /** Called with the world before anything happens in it. */
  listen?(sim: Sim): void;
}

/** Walks the path of a seed; `told` gets the world, for a path that ends in a violation. */
export async function teams(
  seed: number,
  told: { sim?: Sim } = {},
  { kind: named, listen, wrap }: TeamsOptions = {},
): Promise<Sim> {
  const dice = random(seed * 7919);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(dice() * from.length)] as T;
  const kind = named ?? kindOfSeed(seed);
  pick([kind]); // the dice have chosen the kind
  const acts = Array.from({ length: 8 + Math.floor(dice() * 25) }, () => ({
    on: START + dice() * HOSTILE_HOURS * HOUR,
  }));
  let sim: Sim | undefined;
  let act = (_: string): void => {};
  const director: Director = {
    fate: () => 'ok',
    person: () => {
      for (const each of acts.filter(({ on }) => sim && on <= sim.world.now)) {
        acts.splice(acts.indexOf(each), 1);
        act(pick(Object.keys(hostileActs)));
      }
    },
  };
  const rate = pick([
    { perVault: 5, overall: 50 },
    { perVault: 5, overall: 8 },
    { perVault: 20, overall: 20 },
  ]);
  sim = new Sim(kind, director, { ...(wrap ? { wrap } : {}), config: { rate } });
  told.sim = sim;
  listen?.(sim);
  const world = new Teams(sim, kind, dice);
  act = (title) => world.act(title, pick);
  await sim.settle(START + END_HOURS * HOUR, { turns: 100_000 });
  world.atEnd();
  return sim;
}

class Teams {
  readonly #sim: Sim;
  readonly #kind: Kind;
  readonly #innocents: Innocent[] = [];
  readonly #hostile: HostileSecret[] = [];
  /** Whom each account's owner named for the kind, and only they may bring a change there. */
  readonly #consented = new Map<string, Set<string>>();
  #accounts = '';
  /** Since when a person's version is due, whatever happens to its tags. */
  readonly #refused: Innocent = { vault: 'kv1', name: 'i-refused', account: 'acct12' };

  constructor(sim: Sim, kind: Kind, dice: () => number) {
    this.#sim = sim;
    this.#kind = kind;
    const slot = kind.slots[0] as string;
    const ages = () => 60 - dice() * 2.5;
    for (const [at, vault] of ['kv1', 'kv1', 'kv3'].entries()) {
      const innocent = { vault, name: `i-${at}`, account: `acct${at + 1}` };
      this.#innocents.push(innocent);
      this.#consent(innocent);
      sim.secret(vault, innocent.name, innocent.account, slot, { ageDays: ages() });
    }
    const own = ['kv2', 'kv2', 'kv2', 'kv2', 'kv2', 'kv1'].map((vault, at) => ({
      ...{ vault, name: `h-${at}`, account: `acct${at + 5}` },
    }));
    // A value that can be read again has room for two secrets at one target.
    if (kind === storage) {
      const innocent = { vault: 'kv1', name: 'i-shared', account: 'acct4', shared: true } as const;
      this.#innocents.push(innocent);
      this.#consent(innocent);
      sim.secret(innocent.vault, innocent.name, innocent.account, slot, { ageDays: ages() });
      own.push({ vault: 'kv2', name: 'h-shared', account: 'acct4' });
    }
    for (const secret of own) {
      this.#hostile.push(secret);
      this.#consent(secret);
      sim.secret(secret.vault, secret.name, secret.account, slot, { ageDays: 50 + dice() * 10 });
    }
    const { vault, name, account } = this.#refused;
    sim.secret(vault, name, account, slot, { ageDays: 61 });
    sim.consents.delete(kind.owner(account));
    const hostile = new Set(this.#hostile.map(key));
    const isHostile = (each: { vault: string; name: string }) =>
      hostile.has(key(each)) || key(each) === key(this.#refused);
    const watched = sim.invariants.watched.filter((each) => !isHostile(each));
    sim.invariants.watched.splice(0, Number.POSITIVE_INFINITY, ...watched);
    // Somebody of the hostile team got a Cosmos account in the group of all these accounts, and a consent for it.
    sim.groupConsent = `keyturn cosmos-db-key: ${this.#hostile.map(key).join(', ')}`;
    this.#breakLater(START + (30 + dice() * 40) * HOUR);
    sim.invariants.progress.on = false;
    sim.afterTurn = () => this.#judge();
    sim.afterCall = ({ kind: verb, name: call, process }) => {
      if (verb === 'write' && call.startsWith('target.'))
        this.#judgeChange(sim.world.looksAt.get(process) ?? '');
      else this.#accounts = this.#snapshot();
    };
    this.#accounts = this.#snapshot();
  }

  act(title: string, pick: <T>(from: readonly T[]) => T): void {
    const sim = this.#sim;
    const secret = pick(this.#hostile);
    sim.world.trace.push(`${new Date(sim.world.now).toISOString()} ${key(secret)}: ${title}`);
    const strangers = [...this.#innocents.map(({ account }) => account), this.#refused.account];
    const accounts = this.#hostile
      .map(({ account }) => account)
      .filter((account) => !strangers.includes(account));
    hostileActs[title]?.({
      sim,
      secret,
      pick,
      team: { secrets: this.#hostile, vaults: ['kv2'], accounts, strangers },
    });
    this.#accounts = this.#snapshot();
  }

  /** Everything that is promised for the end. */
  atEnd(): void {
    const { invariants, own, world } = this.#sim;
    this.#judge();
    for (const innocent of this.#innocents) {
      const made = new Set(
        this.#versions(innocent).flatMap(({ by, value }) => (by === 'keyturn' ? [value] : [])),
      ).size;
      if (made === 0 && innocent.shared === undefined)
        invariants.fail(10, `${key(innocent)} was never rotated`);
      // One is due within these days, and one breaks by hand.
      const most = this.#innocents.indexOf(innocent) === 1 ? 2 : 1;
      if (made > most)
        invariants.fail(6, `${key(innocent)}: ${made} new values instead of ${most}`);
    }
    for (const watched of invariants.watched) {
      invariants.noFalseMark(watched);
      if (!this.#hostile.some(({ account }) => account === watched.account))
        invariants.noOrphan(watched);
    }
    const innocents = new Set(this.#innocents.map(key));
    invariants.oneAlertPerCause((secret) => innocents.has(secret) || secret === key(this.#refused));
    // What goes on for the hostile team goes on; no lock is held between two turns, and nothing was printed.
    for (const [name, { until }] of own.locks)
      if (until > world.now) invariants.fail(8, `the lock ${name} is held`);
    invariants.throwFirst();
    invariants.nothingLeaked(own);
  }

  #consent(secret: { vault: string; name: string; account: string }): void {
    const of = this.#consented.get(secret.account) ?? new Set<string>();
    this.#consented.set(secret.account, of.add(key(secret)));
  }

  /** A person of the innocent team regenerates what its second secret holds by then, if Keyturn wrote it. */
  #breakLater(on: number): void {
    const sim = this.#sim;
    sim.world.late.push({
      on,
      apply: () => {
        const innocent = this.#innocents[1] as Innocent;
        const target = sim.world.accounts.get(innocent.account) ?? {};
        const current = this.#versions(innocent).at(-1);
        const slot = Object.keys(target).find(
          (each) => this.#kind.stored(each, target[each] as string) === current?.value,
        );
        if (current?.by !== 'keyturn' || slot === undefined) return;
        sim.world.trace.push(
          `${new Date(on).toISOString()} ${key(innocent)}: ${slot} is broken by hand`,
        );
        if (this.#kind.overlap === 'many') delete target[slot];
        else target[slot] = sim.world.fresh('byhand');
        this.#accounts = this.#snapshot();
      },
    });
  }

  #versions({ vault, name }: Innocent): StoredVersion[] {
    return this.#sim.world.versions(vault, name);
  }

  #snapshot(): string {
    return JSON.stringify([...this.#sim.world.accounts]);
  }

  /** Invariant 7: an account changed, for a secret that its owner named. */
  #judgeChange(secret: string): void {
    const now = this.#snapshot();
    if (now === this.#accounts) return;
    const before = new Map<string, unknown>(JSON.parse(this.#accounts));
    this.#accounts = now;
    for (const [account, held] of this.#sim.world.accounts) {
      if (JSON.stringify(before.get(account)) === JSON.stringify(held)) continue;
      if (!this.#consented.get(account)?.has(secret))
        this.#sim.invariants.fail(
          7,
          `${account} was changed for ${secret}, whom its owner did not name for this kind`,
        );
    }
  }

  #judge(): void {
    const { world, invariants } = this.#sim;
    for (const innocent of this.#innocents) {
      for (const obligation of this.#open(innocent)) {
        const late = world.now - obligation.since;
        const bound = obligation.what === 'broken' ? HEAL_BOUND : BOUND;
        if (late <= bound) continue;
        if (innocent.shared) {
          const patience =
            obligation.what === 'due' ? SHARED_DUE_BOUND : this.#patience(obligation.since);
          if (late <= patience || this.#blames(obligation.since)) continue;
          invariants.fail(
            9,
            `${key(innocent)} waits for its neighbour (${obligation.what}), and nobody is told`,
          );
        }
        invariants.fail(
          10,
          `${key(innocent)}: ${obligation.what} for ${Math.round(late / MINUTE)} minutes`,
        );
      }
    }
    const told = invariants.alerts.some(
      ({ secret, reason }) => secret === key(this.#refused) && reason === 'no-consent',
    );
    const counted = [...this.#sim.own.counted.values()].some(
      (each) => key(each) === key(this.#refused),
    );
    if (world.now > START + BOUND && !told && !counted)
      invariants.fail(10, `${key(this.#refused)} is refused, and nobody is told`);
  }

  /** A neighbour whose readers have their own grace is waited for until that is over, and for three days at most. */
  #patience(since: number): number {
    const neighbour = this.#sim.world
      .versions('kv2', 'h-shared')
      .filter(({ by }) => by === 'keyturn');
    const ends = neighbour.flatMap(({ tags }) => stateOf(tags)?.after?.getTime() ?? []);
    return Math.min(SHARED_DUE_BOUND, Math.max(since, ...ends) - since + SHARED_BOUND);
  }

  /** An alert by the name of the hostile neighbour or of its vault, or with its name in it. */
  #blames(since: number): boolean {
    return this.#sim.invariants.alerts.some(
      ({ on, secret, detail }) =>
        secret === 'kv2/undefined' ||
        (on >= since && (secret === 'kv2/h-shared' || detail.includes('kv2/h-shared'))),
    );
  }

  /** What waits to be done for a secret, and since when. */
  *#open(innocent: Innocent): Generator<Obligation> {
    const { world } = this.#sim;
    const versions = this.#versions(innocent);
    const current = versions.at(-1);
    if (!current) return;
    const { id, createdOn } = current;
    const works = world.accepts(innocent.account, current.value);
    const brokenOn = this.#brokenOn(id, works);
    if (brokenOn !== undefined) yield { what: 'broken', id, since: brokenOn };
    const dueOn = createdOn + 60 * DAY;
    if (current.by === 'person' && world.now > dueOn)
      yield { what: 'due', id, since: Math.max(dueOn, START) };
    const after = readState(current.tags)?.after?.getTime();
    if (after === undefined || brokenOn !== undefined) return;
    const alive = versions.some(
      (each) =>
        each.value !== current.value &&
        (this.#kind.overlap !== 'many' || each.by === 'keyturn') &&
        world.accepts(innocent.account, each.value),
    );
    if (alive) yield { what: 'owed', id, since: after };
  }

  readonly #broken = new Map<string, number>();
  #brokenOn(id: string, works: boolean): number | undefined {
    if (works) this.#broken.delete(id);
    else if (!this.#broken.has(id)) this.#broken.set(id, this.#sim.world.now);
    return this.#broken.get(id);
  }
}
