/**
 * A world in memory for the real rules and the real rotator: vaults, storage accounts, the app's table and queue, one
 * true time, workers with clocks of their own. Every call passes through `op`, where the director may let it fail.
 */
import {
  BusyError,
  KeyturnError,
  LockLostError,
  UnknownOutcomeError,
} from '../../src/core/errors.ts';
import type { Director, Fate, Op } from './director.ts';
import { nothingWrong } from './director.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const START = Date.parse('2027-01-04T10:00:00Z');
/** A call takes this long. */
const CALL = 40;
const LATE_MINUTES = 2;

export interface StoredVersion {
  readonly id: string;
  readonly value: string;
  tags: Record<string, string>;
  contentType: string | undefined;
  enabled: boolean;
  expiresOn: number | undefined;
  readonly createdOn: number;
  updatedOn: number;
  /** Who made it: a person, or a worker. */
  readonly by: 'person' | 'keyturn';
}

/** One worker running one pass. A killed one never comes back from its next call. */
export class Process {
  readonly id: number;
  readonly skew: number;
  dead = false;
  /** Stands still before a call, until somebody lets it go on. */
  stands: { readonly op: Op; readonly until: number; go(): void } | undefined;
  /** Its own calls so far. */
  calls = 0;
  /** Calls of it that did not go well. */
  faults = 0;

  constructor(id: number, skew: number) {
    this.id = id;
    this.skew = skew;
  }
}

const never = new Promise<never>(() => {});

export class World {
  now = START;
  director: Director = nothingWrong;
  /** Called after every call that may have changed something; throws when an invariant is broken. */
  check: (op: Op) => void = () => {};
  /** Called right before and right after a write of a worker changes a vault or a target, however late that is. */
  before: (op: Op, process: Process) => void = () => {};
  after: (op: Op, process: Process) => void = () => {};
  /** Called with what a read of a worker was answered. */
  answered: (op: Op, process: Process, answer: unknown) => void = () => {};
  /** Called where a call of a worker reaches a vault or an account, by its name. */
  reached: (place: string, op: Op, process: Process) => void = () => {};
  /** Called when an old row of a secret comes in late. */
  lateRow: (process: Process) => void = () => {};
  /** Called when a worker writes the row of a secret. */
  savesRow: (process: Process) => void = () => {};
  private calling: { readonly op: Op; readonly process: Process } | undefined;
  readonly late: { on: number; apply: () => void }[] = [];
  readonly vaults = new Map<string, Map<string, StoredVersion[]>>();
  readonly accounts = new Map<string, Record<string, string>>();
  readonly trace: string[] = [];
  /** Credentials that Keyturn made at targets that hold many, with what the target remembers of each. */
  readonly made = new Map<string, { readonly label: string; readonly on: number }>();
  private dirty = false;
  calls = 0;
  writes = 0;
  azureWrites = 0;

  /** What a path counts begins here: its preparation is over. */
  countAnew(): void {
    this.calls = 0;
    this.writes = 0;
    this.azureWrites = 0;
    this.personActedAt = Number.NEGATIVE_INFINITY;
  }

  private processes = 0;
  private serial = 0;

  /** What a vault or an account answers instead of doing what it is asked, by its name. */
  readonly troubles = new Map<string, (verb: string) => Error | undefined>();
  /** Targets that can be asked say nothing of a value. */
  isSilent = false;
  /** Long operations that Azure has taken and not done yet, by their links. */
  readonly running = new Set<string>();
  /** The secret that each worker looks at. */
  readonly looksAt = new Map<number, string>();

  /** The call before which a person acted last. */
  personActedAt = Number.NEGATIVE_INFINITY;
  /**
   * Calls between the last look at a secret and the write that depends on it: after the guard only the list of keys; where
   * another secret shares the target, its look comes before the guard.
   */
  unfencedCalls = 1;
  /** Called before a key is regenerated when a person acted in between. */
  unguarded: (name: string) => void = () => {};

  /** Whether a stored value is accepted by a target: the kind's own way. */
  opens: (target: Record<string, string>, stored: string) => boolean = () => false;

  /** Called before each call with the secret that its worker looks at, and with what came of it: for who tells the path. */
  tell: (op: Op, fate: Fate) => void = () => {};
  /** Called right before a call arrives that was under way for so long. */
  lands: (op: Op, minutes: number) => void = () => {};

  /** A turn for this worker: replaced by the interleaver, which lets one worker at a time go on. */
  turn: (process: Process, op: Op) => Promise<void> = async () => {};

  process(): Process {
    this.processes++;
    return new Process(this.processes, (this.director.skewMinutes?.(this.processes) ?? 0) * MINUTE);
  }

  /** A name that no other call of this world gets; values look like keys, ids like version ids. */
  fresh(prefix: string): string {
    this.serial++;
    return `${prefix}-${this.serial}-${Buffer.from(`${prefix}${this.serial}value`).toString('hex')}`;
  }

  versionId(): string {
    this.serial++;
    // Hashed, so that the order of ids says nothing of the order in time (azure-facts 2.4).
    return (
      [...`${this.serial}`]
        .reduce(
          (hash, digit) => Math.imul(hash ^ digit.charCodeAt(0), 0x01000193) >>> 0,
          0x811c9dc5,
        )
        .toString(16)
        .padStart(8, '0') + this.serial.toString(16).padStart(24, '0')
    );
  }

  /** An id of an operation; never random, or a seed would not replay its path. */
  uuid(): string {
    const hex = this.versionId();
    return `${hex.slice(0, 8)}-0000-4000-8000-${hex.slice(20)}`;
  }

  /** One call of a worker to the outside, with the fate that the director gives it. */
  async op<T>(
    process: Process,
    name: string,
    kind: Op['kind'],
    place: Op['place'],
    apply: () => T,
  ): Promise<T> {
    if (process.dead) return never;
    const op: Op = {
      at: ++this.calls,
      write: kind === 'write' ? ++this.writes : 0,
      name,
      kind,
      place,
      process: process.id,
    };
    if (op.write && place === 'azure') this.azureWrites++;
    process.calls++;
    await this.turn(process, op);
    const pause = this.director.pauseMinutes?.(op);
    if (pause) await this.standStill(process, op, pause);
    this.now += CALL;
    this.applyLate();
    this.director.person?.(op);
    // Reads and the app's own rows change nothing that an invariant is about.
    if (op.write && place === 'azure') this.dirty = true;
    if (this.personActedAt === op.at) this.dirty = true;
    if (op.write && name.startsWith('target.') && this.personActedAt >= op.at - this.unfencedCalls)
      this.unguarded(name);
    const fate = this.director.fate(op);
    this.tell(op, fate);
    if (name === 'rows.saveSecret') this.savesRow(process);
    if (fate !== 'ok') {
      process.faults++;
      this.trace.push(`${op.at}/${op.write} ${name} by ${process.id}: ${fate}`);
    }
    try {
      return this.suffer(process, op, fate, () => this.carryOut(op, process, apply));
    } finally {
      if (this.dirty) {
        this.dirty = false;
        this.check(op);
      }
    }
  }

  /** The worker is frozen: nothing of it happens until it goes on, and its clock goes on without it. */
  private standStill(process: Process, op: Op, minutes: number): Promise<void> {
    process.faults += 1;
    return new Promise((go) => {
      process.stands = { op, until: this.now + minutes * MINUTE, go };
    });
  }

  /** The call takes effect: at once, or when its packet arrives. */
  private carryOut<T>(op: Op, process: Process, apply: () => T): T {
    const changes = op.write > 0 && op.place === 'azure';
    if (changes) this.before(op, process);
    this.calling = { op, process };
    try {
      const answer = apply();
      if (op.kind === 'read') this.answered(op, process, answer);
      if (changes) this.after(op, process);
      return answer;
    } catch (error) {
      if (!(error instanceof LockLostError)) process.faults++;
      throw error;
    } finally {
      this.calling = undefined;
    }
  }

  private suffer<T>(process: Process, op: Op, fate: Fate, apply: () => T): T | Promise<T> {
    switch (fate) {
      case 'ok':
        return apply();
      case 'crash-before':
        process.dead = true;
        return never;
      case 'crash-after':
        apply();
        process.dead = true;
        return never;
      case 'drop':
        apply();
        throw unknown(op);
      case 'drop-late':
        this.sendLate(op, process, apply);
        throw unknown(op);
      case 'crash-late':
        this.sendLate(op, process, apply);
        process.dead = true;
        return never;
      case 'drop-never':
        throw unknown(op);
      case 'unavailable':
        // As the adapters put it: a 503 to a PUT is definite, everything else that is busy is asked again.
        if (op.name === 'vault.store') throw new KeyturnError('store-refused', { status: 503 });
        throw busy(op);
      case 'refuse':
        throw op.place === 'own'
          ? new BusyError('storage-busy', { status: 500 })
          : new KeyturnError(op.name.startsWith('vault') ? 'vault-forbidden' : 'target-forbidden', {
              status: 403,
            });
    }
  }

  private sendLate(op: Op, process: Process, apply: () => unknown): void {
    const minutes = this.director.lateMinutes?.(op) ?? LATE_MINUTES;
    const arrive = () => {
      this.lands(op, minutes);
      if (op.name === 'rows.saveSecret') this.lateRow(process);
      swallow(apply);
    };
    this.late.push({ on: this.now + minutes * MINUTE, apply: arrive });
  }

  /** Writes whose packets were still on their way. */
  applyLate(): void {
    for (const each of this.late.filter(({ on }) => on <= this.now)) {
      this.late.splice(this.late.indexOf(each), 1);
      this.dirty = true;
      each.apply();
    }
  }

  /** Called where a call reaches a vault or an account. */
  meet(place: string, verb: string): void {
    const trouble = this.troubles.get(place)?.(verb);
    if (trouble) throw trouble;
    if (this.calling) this.reached(place, this.calling.op, this.calling.process);
  }

  versions(vault: string, name: string): StoredVersion[] {
    const secrets = this.vaults.get(vault) ?? new Map<string, StoredVersion[]>();
    this.vaults.set(vault, secrets);
    const versions = secrets.get(name) ?? [];
    secrets.set(name, versions);
    return versions;
  }

  current(vault: string, name: string): StoredVersion | undefined {
    return this.versions(vault, name).at(-1);
  }

  accepts(account: string, value: string): boolean {
    return this.opens(this.accounts.get(account) ?? {}, value);
  }
}

function busy({ name, place }: Op): Error {
  if (place === 'own') return new BusyError('storage-busy', { status: 503 });
  return new BusyError(name.startsWith('vault') ? 'vault-busy' : 'target-busy', { status: 429 });
}

function unknown({ name, place }: Op): Error {
  if (place === 'own') return new BusyError('storage-busy');
  return new UnknownOutcomeError(name.startsWith('vault') ? 'vault-busy' : 'target-busy');
}

/** A late write that the service refuses by now has no one left to tell. */
function swallow(apply: () => unknown): void {
  try {
    apply();
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
  }
}
