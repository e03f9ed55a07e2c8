/** The invariants of design section 8, asked of the world after every call and at rest. */

import { spellings } from '../../src/core/scrub.ts';
import { readState } from '../../src/reconcile/state.ts';
import type { OwnStorage } from './ports.ts';
import type { Kind } from './sim.ts';
import { HOUR, MINUTE, type StoredVersion, type World } from './world.ts';

export class Violation extends Error {}

export interface Watched {
  readonly vault: string;
  readonly name: string;
  readonly account: string;
  readonly graceHours: number;
}

interface Spell {
  readonly value: string;
  readonly from: number;
  until?: number;
  /** Whether it ever opened the target while it was current: what never did is owed no grace. */
  worked: boolean;
}

/** Clocks are at most five minutes off and states are written to the minute. */
const TOLERANCE = 12 * MINUTE;

/** Watches the secrets of one world. People's acts are excused where design section 8 does not promise against them. */
export class Invariants {
  readonly watched: Watched[] = [];
  /** Values that a person destroyed: they are owed no grace. */
  readonly excused = new Set<string>();
  /** Values that a person wrote when they were dead already: Keyturn can but refuse them. */
  readonly hopeless = new Set<string>();
  /** Secrets whose current value a person broke: invariant 1 is owed again once it has been healed. */
  readonly broken = new Set<string>();
  /** Secrets for which a person said `revoke: now`. */
  readonly revokedNow = new Set<string>();
  /** What owners last wrote: tags and content type that must survive. */
  readonly owners = new Map<string, { tags: Record<string, string>; contentType: string | undefined }>();
  readonly alerts: { secret: string; reason: string; incident: number; on: number; detail: string }[] = [];
  /** A secret that was at rest in between has a new incident, which is told anew. */
  private readonly incidents = new Map<string, number>();
  readonly texts: string[] = [];
  private readonly spells = new Map<string, Spell[]>();
  private readonly world: World;
  private readonly kind: () => Pick<Kind, 'overlap' | 'stored'>;

  constructor(world: World, kind: () => Pick<Kind, 'overlap' | 'stored'>) {
    this.world = world;
    this.kind = kind;
  }

  /** Of one credential nothing can be promised between its change at the target and the store (design section 8). */
  private get overlaps(): boolean {
    return this.kind().overlap !== 'none';
  }

  afterCall(): void {
    for (const watched of this.watched) {
      this.follow(watched);
      this.readersGetIn(watched);
      this.graceHolds(watched);
      this.ownersTagsSurvive(watched);
    }
  }

  alert(secret: string, reason: string, detail = ''): void {
    this.alerts.push({ secret, reason, incident: this.incidents.get(secret) ?? 0, on: this.world.now, detail });
  }

  /** A pass found nothing to wait for but time. */
  atEase(secret: string): void {
    this.incidents.set(secret, (this.incidents.get(secret) ?? 0) + 1);
  }

  /** After everything has settled, `revocation` also asks that nothing old is left alive. */
  atRest(
    own: OwnStorage,
    options: { newVersions?: Map<string, number>; settled?: boolean; alone?: boolean; troubled?: boolean } = {},
  ): void {
    this.afterCall();
    for (const watched of this.watched) {
      const key = title(watched);
      const current = this.world.current(watched.vault, watched.name);
      if (
        current?.enabled &&
        !this.world.accepts(watched.account, current.value) &&
        !this.hopeless.has(current.value) &&
        // What a person broke after opting out is not healed.
        !(isOptedOut(current) && this.excused.has(current.value))
      ) {
        this.fail(1, `${key}: the current value is refused at rest`);
      }
      if (options.settled) this.nothingLeftAlive(watched, own);
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
    this.nothingLeaked(own);
    const drift = this.alerts.find(({ reason }) => reason === 'drift');
    if (options.alone && drift) this.fail(3, `${drift.secret} drifted, and no person touched it`);
    if (own.messages.length > 0) this.fail(8, `messages left: ${own.messages.map(({ look }) => look).join(' ')}`);
    const held = [...own.locks.values()].filter(({ until }) => until > this.world.now);
    if (held.length > 0) this.fail(8, 'a lock is held at rest');
    if (!this.lostTable && !options.troubled) this.oneAlertPerCause();
  }

  oneAlertPerCause(isMeant: (secret: string) => boolean = () => true): void {
    const counted = new Map<string, number>();
    for (const { secret, reason, incident } of this.alerts.filter((each) => isMeant(each.secret))) {
      const alert = `${secret} ${reason} (${incident})`;
      counted.set(alert, (counted.get(alert) ?? 0) + 1);
    }
    for (const [alert, count] of counted) if (count > 1) this.fail(8, `${count} alerts: ${alert}`);
  }

  /** With the table the memory of alerts is lost, too. */
  lostTable = false;

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

  private readersGetIn(watched: Watched): void {
    if (!this.overlaps) return;
    const current = this.world.current(watched.vault, watched.name);
    if (!current?.enabled) return;
    const accepted = this.world.accepts(watched.account, current.value);
    if (accepted) this.broken.delete(title(watched));
    else if (![this.excused, this.hopeless].some((each) => each.has(current.value)) && !this.broken.has(title(watched)))
      this.fail(1, `${title(watched)}: the current value is refused`);
  }

  private graceHolds(watched: Watched): void {
    if (this.revokedNow.has(title(watched)) || !this.overlaps) return;
    for (const { value, until, worked } of this.spells.get(title(watched)) ?? []) {
      if (until === undefined || !worked || this.excused.has(value)) continue;
      const young = this.world.now < until + watched.graceHours * HOUR - TOLERANCE;
      if (young && !this.world.accepts(watched.account, value)) {
        this.fail(
          2,
          `${title(watched)}: a value that was current ${Math.round((this.world.now - until) / MINUTE)} minutes ago is refused`,
        );
      }
    }
  }

  private ownersTagsSurvive({ vault, name }: Watched): void {
    const expected = this.owners.get(`${vault}/${name}`);
    const current = this.world.current(vault, name);
    if (!expected || current?.by !== 'keyturn') return;
    const lost = Object.entries(expected.tags).filter(([key, value]) => current.tags[key] !== value);
    if (lost.length > 0 || current.contentType !== expected.contentType)
      this.fail(4, `${vault}/${name}: the owner's tags or content type are gone`);
  }

  /** Every value that Keyturn wrote, or took over, is current or dead; drift and alerts are the exceptions. */
  private nothingLeftAlive(watched: Watched, own: OwnStorage): void {
    const current = this.world.current(watched.vault, watched.name);
    // That the opt-in is lost excuses nothing: what is owed is worked off all the same.
    const told = this.alerts.some(({ secret, reason }) => secret === title(watched) && reason !== 'opt-in-lost');
    // What is counted is told by the next sweep.
    const alerted = told || [...own.counted.values()].some(({ vault, name }) => `${vault}/${name}` === title(watched));
    if (!current || alerted) return;
    const alive = this.world.versions(watched.vault, watched.name).filter(
      (each) =>
        each.value !== current.value &&
        // Where many fit, a person's stays with the person.
        (this.kind().overlap !== 'many' || each.by === 'keyturn') &&
        this.world.accepts(watched.account, each.value) &&
        !this.sharedElsewhere(each, watched),
    );
    this.noOrphan(watched);
    if (alive.length > 0)
      this.fail(3, `${title(watched)}: ${alive.length} older credentials live on and nobody was alerted`);
  }

  /** Where many fit: nothing that Keyturn made lives without a version that holds it. */
  noOrphan({ vault, name, account }: Watched): void {
    if (this.kind().overlap !== 'many') return;
    const sharers = this.watched.filter((each) => each.account === account);
    const stored = new Set(
      sharers.flatMap((each) => this.world.versions(each.vault, each.name)).map(({ value }) => value),
    );
    const orphans = Object.entries(this.world.accounts.get(account) ?? {}).filter(
      ([handle, value]) => this.world.made.has(handle) && !stored.has(this.kind().stored(handle, value)),
    );
    if (orphans.length > 0) this.fail(3, `${vault}/${name}: ${orphans.length} credentials stand in no version`);
  }

  private sharedElsewhere({ value }: StoredVersion, { account }: Watched): boolean {
    return this.watched.some(
      (other) => other.account === account && this.world.current(other.vault, other.name)?.value === value,
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
      if (marked && alive) this.fail(3, `${title(watched)}: a version is marked revoked and its credential lives`);
    }
  }

  nothingLeaked(own: OwnStorage): void {
    const rows = JSON.stringify([
      ...own.secrets.values(),
      ...own.holders.values(),
      ...own.operations.values(),
      ...own.audit,
      own.messages,
    ]);
    const text = [...this.texts, rows].join('\n');
    for (const value of [...this.world.accounts.values()].flatMap((target) => Object.values(target)))
      if (value.length > 12 && spellings(value).some((form) => text.includes(form)))
        this.fail(5, 'a value was printed');
    for (const versions of this.world.vaults.values()) {
      for (const version of [...versions.values()].flat()) {
        if (version.value.length > 12 && spellings(version.value).some((form) => text.includes(form)))
          this.fail(5, 'a value was printed');
      }
    }
  }

  /** The first violation: a pass may have caught what was thrown into it. */
  first: Violation | undefined;

  fail(number: number, words: string): never {
    const on = new Date(this.world.now).toISOString();
    this.first ??= new Violation(`Invariant ${number}: ${words} at ${on} (call ${this.world.calls})`);
    throw this.first;
  }

  /** Throws what was found and caught on the way. */
  throwFirst(): void {
    if (this.first) throw this.first;
  }
}

const isOptedOut = ({ tags }: StoredVersion): boolean => (tags.rotator ?? 'none') === 'none';
const title = ({ vault, name }: Watched): string => `${vault}/${name}`;

function stateOf({ tags }: StoredVersion): ReturnType<typeof readState> {
  try {
    return readState(tags);
  } catch {
    return undefined;
  }
}
