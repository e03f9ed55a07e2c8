/**
 * The invariants of design section 8, asked of the world: what a write of Keyturn's may not do right after each of them, what
 * holds at any time after every call that may have changed something, the rest at rest. Invariant 10 is in `progress.ts`.
 */

import { spellings } from '../../src/core/scrub.ts';
import type { Config } from '../../src/ports/deps.ts';
import { readState } from '../../src/tags/state.ts';
import type { Op } from './director.ts';
import { Excuses, type Invariant } from './excuses.ts';
import { type Ask, Facts, title, type Watched } from './facts.ts';
import type { OwnStorage } from './ports.ts';
import { Progress } from './progress.ts';
import type { Kind } from './sim.ts';
import type { SimReaders } from './simConsumers.ts';
import { HOUR, MINUTE, type Process, type StoredVersion, type World } from './world.ts';
import { Writes } from './writes.ts';

export type { Watched } from './facts.ts';

export class Violation extends Error {}

/** What the checker knows of the tenant around the secrets: independent of what the product has read of it. */
export interface Tenant {
  readonly kind: Kind;
  readonly own: OwnStorage;
  /** Whether the owner of an account names the secret for this kind, at this moment. */
  readonly config: Partial<Config>;
  /** Consumers keep what is owed alive for another grace. */
  readonly readers?: SimReaders | undefined;
  /** Tags that the protocol writes for itself; all others are the owner's. */
  readonly ownTags: readonly string[];
  isNamed(secret: string, account: string): boolean;
  /** Tags of a vault, which people write who have no right to its secrets. */
  tagsOf(vault: string): Record<string, string>;
}

/** The time for which a value was the current one. */
export interface Spell {
  readonly value: string;
  readonly from: number;
  until?: number;
  /** Whether it ever opened the target while it was current: what never did is owed no grace. */
  worked: boolean;
  /** Where a person named another grace than the policy's. */
  graceHours?: number;
  /** A person ended its grace then. */
  endsOn?: number;
  /** A person moved the end of its grace to then. */
  movedTo?: number;
  /** It went before its grace was over, and was allowed to: nothing more is owed to it. */
  lost?: true;
}

export interface Alert {
  readonly secret: string;
  readonly reason: string;
  readonly incident: number;
  /** How often a person had changed what the secret is by then. */
  readonly turn: number;
  readonly on: number;
  readonly detail: string;
  readonly process: Process;
  /** How often the table, or its row there, had been lost by then, and with it the memory of alerts. */
  readonly memory: number;
}

/** Clocks are at most five minutes off and states are written to the minute. */
const TOLERANCE = 12 * MINUTE;
/** How long after a person destroyed a value a pass may still store it: it was accepted right before. */
const UNDER_WAY = 5 * MINUTE;

export interface Rest {
  /** New values by secret, where a path says how many it is to make. */
  readonly newVersions?: Map<string, number>;
  /** All has come to its end: nothing old is left alive. */
  readonly settled?: boolean;
  /** No person touched anything. */
  readonly alone?: boolean;
}

/** Watches the secrets of one world. */
export class Invariants {
  readonly watched: Watched[] = [];
  readonly excuses: Excuses;
  readonly facts: Facts;
  readonly alerts: Alert[] = [];
  /** Leaks that were found to be over. */
  private readonly endedLeaks = new Set<string>();
  readonly texts: string[] = [];
  /** Passes that ended before they could remember what they had told. */
  readonly cutShort = new Set<Process>();
  /** A secret that was at rest in between has a new incident, which is told anew. */
  private readonly incidents = new Map<string, number>();
  /** By secret: how often an old row came in over a newer one, and with it what had been told by then. */
  private readonly rowsLost = new Map<string, number>();
  readonly spells = new Map<string, Spell[]>();
  /** How often the table was lost: with it the memory of alerts is, too. */
  tablesLost = 0;
  readonly progress: Progress;
  private readonly writes: Writes;
  private readonly world: World;
  private readonly tenant: () => Tenant;
  /** By secret: the version that opens nothing, for a reason that the checker has accepted. */
  private readonly locked = new Map<string, string>();

  constructor(world: World, tenant: () => Tenant) {
    this.world = world;
    this.tenant = tenant;
    this.excuses = new Excuses(() => world.now);
    const around = ({ vault, name, account }: Watched) => ({
      vaultTags: tenant().tagsOf(vault),
      consented: tenant().isNamed(`${vault}/${name}`, account),
    });
    this.facts = new Facts(world, () => tenant().own, this.watched, around);
    this.writes = new Writes(this, world, tenant);
    this.progress = new Progress(this, world, tenant);
  }

  /** Right before a write of Keyturn's takes effect: what has happened since the last one was somebody else's doing. */
  before(op: Op, process: Process): void {
    this.look();
    this.writes.before(op, process);
  }

  after(op: Op, process: Process): void {
    this.writes.after(op, process);
    this.facts.settle();
  }

  answered(op: Op, process: Process, answer: unknown): void {
    this.writes.answered(op, process, answer);
  }

  reached(place: string, op: Op, process: Process): void {
    this.writes.reached(place, op, process);
  }

  /** The world's own read of consent, when a pass asks for it. */
  consentRead(target: string, process: Process): void {
    this.writes.consentRead(target, process);
  }

  /** After every call that may have changed something. */
  afterCall(): void {
    this.look();
  }

  private look(): void {
    const asked = this.facts.note();
    for (const watched of this.watched) this.follow(watched);
    for (const each of asked) this.narrow(each);
    this.leaksAreOver();
    for (const watched of this.watched) {
      this.readersGetIn(watched);
      this.graceHolds(watched);
    }
  }

  /** What leaked opens nothing once its operation says that it is over: at its own target, whoever else keeps it. */
  private leaksAreOver(): void {
    for (const {
      id,
      leaked,
      phase,
      vault,
      name,
      version,
    } of this.tenant().own.operations.values()) {
      if (!leaked || phase !== 'settled' || this.endedLeaks.has(id)) continue;
      this.endedLeaks.add(id);
      const account = this.watched.find(
        (each) => each.vault === vault && each.name === name,
      )?.account;
      const value = this.world.versions(vault, name).find((each) => each.id === version)?.value;
      if (account !== undefined && value !== undefined && this.world.accepts(account, value))
        this.fail(3, `${vault}/${name}: a leak is settled, and what leaked still works`);
    }
  }

  alert(secret: string, reason: string, detail: string, process: Process): void {
    const incident = this.incidentOf(secret);
    const turn = this.facts.turns.get(secret) ?? 0;
    const memory = this.tablesLost + (this.rowsLost.get(secret) ?? 0);
    this.alerts.push({
      secret,
      reason,
      incident,
      turn,
      on: this.world.now,
      detail,
      process,
      memory,
    });
  }

  /** Of a vault as a whole: what its tags say is another matter after each change of them. */
  incidentOf(secret: string): number {
    return (
      this.incidents.get(secret) ?? this.facts.vaultChanges.get(secret.split('/')[0] ?? '') ?? 0
    );
  }

  /** A pass found nothing to wait for but time, or a secret that is not Keyturn's to look at. */
  atEase(secret: string): void {
    this.incidents.set(secret, (this.incidents.get(secret) ?? 0) + 1);
  }

  /** A pass, or a sweep, has come to its end. */
  ended(process: Process, end: 'done' | 'thrown' | 'killed'): void {
    const hurt = end !== 'done' || process.faults > 0;
    if (hurt) this.cutShort.add(process);
    const secret = this.world.looksAt.get(process.id);
    if (hurt && secret !== undefined) this.facts.disturb(secret);
    if (hurt && secret === undefined) this.facts.disturbAll();
    if (hurt) return;
    for (const [name, { holder, until }] of this.tenant().own.locks)
      if (holder.startsWith(`${process.id}-`) && until > this.world.now)
        this.fail(8, `a pass that is over keeps the lock ${name}`);
  }

  /** A message that was given up: only what went wrong in every one of its deliveries explains that. */
  poisoned(look: string, explained: boolean): void {
    if (!explained) this.fail(8, `a message is poisoned, and nothing went wrong: ${look}`);
  }

  /** Stored by a pass that came to no good end: it may stand in no row. */
  storedUnseen({ id }: StoredVersion): boolean {
    const process = this.writes.storedBy.get(id);
    return process !== undefined && this.cutShort.has(process);
  }

  /** A write to Keyturn's own table arrives late: what was written there since is lost. */
  lostRow(process: Process): void {
    const secret = this.world.looksAt.get(process.id);
    if (secret !== undefined) this.rowsLost.set(secret, 1 + (this.rowsLost.get(secret) ?? 0));
  }

  lostTable(): void {
    this.tablesLost++;
    this.facts.disturbAll();
  }

  /** After everything has settled, `settled` also asks that nothing old is left alive. */
  atRest(own: OwnStorage, options: Rest = {}): void {
    this.afterCall();
    for (const watched of this.watched) {
      const key = title(watched);
      if (options.settled) this.noOrphan(watched);
      this.noFalseMark(watched);
      const expected = options.newVersions?.get(key);
      const made = new Set(
        this.world
          .versions(watched.vault, watched.name)
          .filter((each) => each.by === 'keyturn')
          .map((each) => each.value),
      ).size;
      if (expected !== undefined && made !== expected)
        this.fail(6, `${key}: ${made} new values instead of ${expected}`);
    }
    this.progress.judge();
    if (options.settled) this.progress.atRest();
    this.nothingLeaked(own);
    const drift = this.alerts.find(({ reason }) => reason === 'drift');
    if (options.alone && drift) this.fail(3, `${drift.secret} drifted, and no person touched it`);
    // Undone alone, or held past its time, a secret may have begun to wait for its neighbour lately: its looks come rarer and rarer.
    const waits = ({ look }: { look: string }) => {
      const { vault, name } = JSON.parse(look) as { vault: string; name: string };
      const moved = this.facts.heldUntil > 0 || this.facts.asked.some(({ undo }) => undo);
      return moved && own.secrets.get(`${vault}/${name}`)?.reason === 'slot-held';
    };
    if (own.messages.some((each) => !waits(each)))
      this.fail(8, `messages left: ${own.messages.map(({ look }) => look).join(' ')}`);
    const held = [...own.locks.values()].filter(({ until }) => until > this.world.now);
    if (held.length > 0) this.fail(8, 'a lock is held at rest');
    this.oneAlertPerCause();
  }

  /** An alert whose pass died, or was hurt, before it could remember it may be told again; so may all with the table lost. */
  oneAlertPerCause(isMeant: (secret: string) => boolean = () => true): void {
    const counted = new Map<string, number>();
    for (const { secret, reason, incident, turn, process, memory } of this.alerts) {
      if (!isMeant(secret) || this.cutShort.has(process)) continue;
      const alert = `${secret} ${reason} (${incident}.${turn}${memory > 0 ? `, table ${memory}` : ''})`;
      counted.set(alert, (counted.get(alert) ?? 0) + 1);
    }
    for (const [alert, count] of counted) if (count > 1) this.fail(8, `${count} alerts: ${alert}`);
  }

  private follow({ vault, name, account }: Watched): void {
    const current = this.world.current(vault, name);
    const spells = this.spells.get(`${vault}/${name}`) ?? [];
    this.spells.set(`${vault}/${name}`, spells);
    const last = spells.at(-1);
    if (!current) return;
    const works = this.world.accepts(account, current.value);
    if (last?.value === current.value) {
      last.worked ||= works;
      return;
    }
    if (last) last.until = this.world.now;
    spells.push({ value: current.value, from: this.world.now, worked: works });
  }

  /** Of one credential nothing can be promised between its change at the target and the store (design section 8). */
  private get overlaps(): boolean {
    return this.tenant().kind.overlap !== 'none';
  }

  private readersGetIn(watched: Watched): void {
    if (!this.overlaps) return;
    const key = title(watched);
    const current = this.world.current(watched.vault, watched.name);
    if (!current?.enabled) return;
    if (this.world.accepts(watched.account, current.value)) {
      this.locked.delete(key);
      return;
    }
    if (this.locked.get(key) === current.id) return;
    if (
      !this.isTheirDoing(watched, current) &&
      !this.isUnknown(watched, current) &&
      !this.excuses.holdsOff(1, key, current.value)
    )
      this.fail(1, `${key}: the current value is refused`);
    // From here on it is to be healed or told in time (invariant 10), and what is refused has no grace to lose.
    this.locked.set(key, current.id);
    const spell = this.spells.get(key)?.at(-1);
    if (spell) spell.lost = true;
  }

  /** A person wrote it dead, or killed it: while it was current, or while a pass was about to store it. */
  private isTheirDoing({ account }: Watched, { id, value, createdOn }: StoredVersion): boolean {
    return (
      this.facts.deadOnArrival.has(id) || this.facts.undone(account, value, createdOn - UNDER_WAY)
    );
  }

  /** Copies of a value outside of opted-in secrets are unknown (design section 8, limits). */
  isUnknown({ vault, name }: Watched, { tags }: StoredVersion): boolean {
    const isIn = (tags.rotator ?? 'none') !== 'none';
    // A look that saw its target while it was opted in; one that found it opted out knows no more than that.
    const isSeen = this.tenant().own.secrets.get(`${vault}/${name}`)?.age !== undefined;
    return (
      !isIn &&
      !isSeen &&
      this.world.versions(vault, name).every((each) => stateOf(each) === undefined)
    );
  }

  private graceHolds(watched: Watched): void {
    if (!this.overlaps) return;
    const key = title(watched);
    for (const spell of this.spells.get(key) ?? []) {
      const { value, until, worked } = spell;
      if (until === undefined || !worked || spell.lost) continue;
      const end = Math.min(
        until + (spell.graceHours ?? watched.graceHours) * HOUR,
        spell.endsOn ?? Number.POSITIVE_INFINITY,
      );
      if (this.world.now >= end - TOLERANCE || this.world.accepts(watched.account, value)) continue;
      const current = this.world.current(watched.vault, watched.name);
      const isUnknown = current !== undefined && this.isUnknown(watched, current);
      if (!this.facts.destroyed.has(value) && !isUnknown && !this.excuses.holdsOff(2, key, value)) {
        const minutes = Math.round((this.world.now - until) / MINUTE);
        this.fail(2, `${key}: a value that was current ${minutes} minutes ago is refused`);
      }
      spell.lost = true;
    }
  }

  /** A person may end the grace of what is not current any more, or name that of what is about to be replaced. */
  private narrow({ vault, name, version, revoke, rotateAgain, at, hold, leaked, on }: Ask): void {
    if (leaked) this.narrowBeside(`${vault}/${name}`, version, on);
    const spells = this.spells.get(`${vault}/${name}`) ?? [];
    if (hold !== undefined || this.world.current(vault, name)?.id !== version) return;
    const older = spells.filter(({ until }) => until !== undefined);
    const graceHours =
      revoke === 'now' ? 0 : Number.parseInt(revoke, 10) * (revoke.endsWith('d') ? 24 : 1);
    const named = revoke === 'after-grace' ? undefined : on + graceHours * HOUR;
    // What the new version owes is all that lives on beside it, until the time that the request names.
    const ends = at === 'now' || rotateAgain ? on : (at?.getTime() ?? named);
    for (const spell of ends === undefined ? [] : older) {
      spell.endsOn = Math.min(ends as number, spell.endsOn ?? Number.POSITIVE_INFINITY);
      if (at instanceof Date) spell.movedTo = at.getTime();
    }
    const last = spells.at(-1);
    // Of two people who ask, whoever wants the sooner end may get it: one of them knows that it is burnt.
    if (last && at === undefined && revoke !== 'after-grace')
      last.graceHours = Math.min(graceHours, last.graceHours ?? Number.POSITIVE_INFINITY);
  }

  /** What leaked goes for everybody who keeps it, and so does what they merely owe at that target. */
  private narrowBeside(key: string, version: string, on: number): void {
    const asked = this.watched.find((each) => title(each) === key);
    const value =
      asked && this.world.versions(asked.vault, asked.name).find(({ id }) => id === version)?.value;
    for (const each of this.watched.filter(({ account }) => account === asked?.account))
      for (const spell of this.spells.get(title(each)) ?? []) {
        if (spell.until !== undefined) spell.endsOn = Math.min(on, spell.endsOn ?? on);
        else if (spell.value === value) spell.graceHours = 0;
      }
  }

  /** Older versions that still open the target, and that nobody else uses: what is owed, or was. */
  olderAlive(watched: Watched): readonly StoredVersion[] {
    const current = this.world.current(watched.vault, watched.name);
    return this.world.versions(watched.vault, watched.name).filter(
      (each) =>
        each.value !== current?.value &&
        // Where many fit, a person's stays with the person.
        (this.tenant().kind.overlap !== 'many' || each.by === 'keyturn') &&
        this.world.accepts(watched.account, each.value) &&
        !this.sharedElsewhere(each, watched),
    );
  }

  /**
   * Where many fit: nothing that Keyturn made lives without a version that holds it. What a killed pass left goes with a rotation
   * or a revocation once it is older than the grace, and in any case when the secret is opted out.
   */
  noOrphan(watched: Watched): void {
    const { kind } = this.tenant();
    if (kind.overlap !== 'many') return;
    const { account, graceHours } = watched;
    const sharers = this.watched.filter((each) => each.account === account);
    const versions = sharers.flatMap((each) => this.world.versions(each.vault, each.name));
    const stored = new Set(versions.map(({ value }) => value));
    if (this.isLeftOwing(watched)) return;
    const isOut =
      (this.world.current(watched.vault, watched.name)?.tags.rotator ?? 'none') === 'none';
    // Whoever takes away the tags that name the target, while a rotation is under way, is told that something may be left there.
    const isTold = (secret: string) =>
      this.alerts.some(
        (each) =>
          each.secret === secret &&
          each.reason === 'opt-in-lost' &&
          each.detail.startsWith('A rotation had begun.'),
      );
    if (isOut && sharers.some((each) => isTold(title(each)))) return;
    const passes = versions.map((each) =>
      stateOf(each)?.revoked ? each.updatedOn : each.by === 'keyturn' ? each.createdOn : 0,
    );
    const gone = isOut ? this.world.now : Math.max(0, ...passes);
    const orphans = Object.entries(this.world.accounts.get(account) ?? {}).filter(
      ([handle, value]) => {
        const made = this.world.made.get(handle);
        return (
          made &&
          !stored.has(kind.stored(handle, value)) &&
          made.on + (graceHours + 1) * HOUR < gone
        );
      },
    );
    if (orphans.length > 0)
      this.fail(3, `${title(watched)}: ${orphans.length} credentials stand in no version`);
  }

  /** Opted out with a value that opens nothing: what is owed may be all that its readers have, so nothing goes, and that is told. */
  private isLeftOwing(watched: Watched): boolean {
    const current = this.world.current(watched.vault, watched.name);
    if (!current || (current.tags.rotator ?? 'none') !== 'none') return false;
    if (this.world.accepts(watched.account, current.value) || this.olderAlive(watched).length === 0)
      return false;
    return this.alerts.some(
      ({ secret, reason }) => secret === title(watched) && reason === 'still-owed',
    );
  }

  private sharedElsewhere({ value }: StoredVersion, { account }: Watched): boolean {
    return this.watched.some(
      (other) =>
        other.account === account && this.world.current(other.vault, other.name)?.value === value,
    );
  }

  noFalseMark(watched: Watched): void {
    const current = this.world.current(watched.vault, watched.name);
    for (const version of this.world.versions(watched.vault, watched.name)) {
      const marked = stateOf(version)?.revoked === true;
      const alive =
        version.value !== current?.value &&
        this.world.accepts(watched.account, version.value) &&
        !this.sharedElsewhere(version, watched);
      if (marked && alive && !this.excuses.holdsOff(3, title(watched), version.value))
        this.fail(3, `${title(watched)}: a version is marked revoked and its credential lives`);
    }
  }

  nothingLeaked(own: OwnStorage): void {
    const rows = JSON.stringify([
      ...own.secrets.values(),
      ...own.holders.values(),
      ...own.operations.values(),
      ...own.failed.values(),
      ...own.unlisted.values(),
      ...own.counted.values(),
      ...own.audit,
      own.messages,
    ]);
    const text = [...this.texts, rows].join('\n');
    const stored = [...this.world.vaults.values()].flatMap((secrets) =>
      [...secrets.values()].flat().map(({ value }) => value),
    );
    for (const value of new Set([...this.facts.credentials, ...stored]))
      if (value.length > 12 && spellings(value).some((form) => text.includes(form)))
        this.fail(5, 'a value was printed');
  }

  /** The first violation: a pass may have caught what was thrown into it. */
  first: Violation | undefined;

  fail(number: Invariant, words: string): never {
    const on = new Date(this.world.now).toISOString();
    this.first ??= new Violation(
      `Invariant ${number}: ${words} at ${on} (call ${this.world.calls})`,
    );
    throw this.first;
  }

  /** Throws what was found and caught on the way. */
  throwFirst(): void {
    if (this.first) throw this.first;
  }
}

/** The state that stands among the tags; what is none counts as none. */
export function stateOf({ tags }: Pick<StoredVersion, 'tags'>): ReturnType<typeof readState> {
  try {
    return readState(tags);
  } catch {
    return undefined;
  }
}
