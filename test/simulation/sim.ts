/** Runs passes and sweeps of the product over a world, with messages, redeliveries and a clock that moves by itself. */
import type { Clock } from '../../src/core/clock.ts';
import { BusyError } from '../../src/core/errors.ts';
import { parseGrants } from '../../src/core/grants.ts';
import type { LogFields } from '../../src/core/log.ts';
import type { Look } from '../../src/core/look.ts';
import type { Consent } from '../../src/ports/consent.ts';
import type { Config, Deps } from '../../src/ports/deps.ts';
import type { Rotator } from '../../src/ports/rotator.ts';
import { reconcile } from '../../src/reconcile/pass.ts';
import { sweep } from '../../src/sweep/sweep.ts';
import { STATE_TAG } from '../../src/tags/state.ts';
import type { Director, Op } from './director.ts';
import { Invariants } from './invariants.ts';
import {
  emptyStorage,
  type OwnStorage,
  simAlerts,
  simAudit,
  simHolds,
  simLocks,
  simNotices,
  simQueue,
  simRows,
  simVaults,
} from './ports.ts';
import { type SimReaders, simConsumers } from './simConsumers.ts';
import { DAY, HOUR, MINUTE, type Process, START, type StoredVersion, World } from './world.ts';

/** A message of a killed worker comes back after this long; one whose handler threw after half a minute. */
const INVISIBLE = 10 * MINUTE;
const RETRY = 30_000;
const TRIES_MAX = 5;
const SWEEP_EVERY = HOUR;
export const SUBSCRIPTION = '11111111-2222-4333-8444-555555555555';

/** How a kind of target is brought into the world. */
export interface Kind {
  readonly type: string;
  readonly overlap: Rotator['overlap'];
  rotator(world: World, process: Process): Rotator;
  /** What a target holds before anybody rotates: a credential by the name that the target gives it. */
  seed(world: World): Record<string, string>;
  /** The names of `seed`, the one that the first secret holds first. */
  readonly slots: readonly string[];
  /** The handle of the first of them, where it is another name. */
  readonly first?: string;
  /** How a secret stores the credential under a name. */
  stored(name: string, credential: string): string;
  /** Whether a stored value lets its readers in. */
  accepts(target: Record<string, string>, stored: string, world: World): boolean;
  /** The owner's tags, and the id that the owner's consent is about. */
  tags(account: string): Record<string, string>;
  readonly owner: (account: string) => string;
  /** A second resource that belongs to it, whose owner has to consent as well. */
  readonly partner?: (account: string) => string;
  /** Calls between the guard and the write that depends on it; 1 unless said otherwise (`World.unfencedCalls`). */
  readonly unfenced?: number;
  /** Of two slots: whether their values can be read again, so that one secret joins another; so it is unless said otherwise. */
  readonly joins?: boolean;
  /** What the consent says behind the secret's name: `(app_a,app_b)`. */
  readonly logins?: string;
}

export type Wrap = (deps: Deps, world: World) => Deps;

export interface SimOptions {
  /** Somebody is told; nobody where absent. */
  readonly notices?: true;
  wrap?: Wrap;
  run?: Run;
  config?: Partial<Config>;
}
export type Run = (look: Look, deps: Deps, sim: Sim) => Promise<unknown>;

/** Of an alert that tells of several secrets; up to ten are named. */
const namesIn = ({ names }: LogFields): string[] => JSON.parse(`[${names}]`);

type Message = OwnStorage['messages'][number];

export class Sim {
  readonly world = new World();
  readonly invariants: Invariants = new Invariants(this.world, () => this);
  own: OwnStorage = emptyStorage();
  /** What the owner of an account wrote into Keyturn's role assignment there. */
  readonly consents = new Map<string, string>();
  /** What the owner of the group that all accounts lie in wrote. */
  groupConsent = '';
  /** ARM tags of vaults, which people may write who have no right to secrets. */
  readonly vaultTags = new Map<string, Record<string, string>>();
  /** Called after every message and sweep. */
  afterTurn: () => void = () => {};
  poisoned = 0;
  deliveries = 0;
  private nextSweepOn = START;
  readonly kind: Kind;
  private readonly wrap: Wrap;
  private readonly run: Run;
  /** Tags that are the protocol's own: that of the common samples has another one. */
  get ownTags(): readonly string[] {
    return this.run === reconcile ? [STATE_TAG] : [STATE_TAG, 'CredentialId'];
  }
  /** May change while the world goes on, as settings do. */
  readonly config: Partial<Config>;
  /** Workers that stand still, and how they go on. */
  private readonly standing: {
    readonly process: Process;
    readonly message?: Message;
    goOn(): Promise<void>;
  }[] = [];
  /** Called when a worker goes on that stood right before a write to vault or target. */
  unfenced: () => void = () => {};
  /** Called with what the rules came to, before it is done. */
  decided: (step: string, reason: string) => void = () => {};
  /** Called with what a pass came to, where it lived to say so. */
  ended: (outcome: unknown) => void = () => {};

  /** Who reads every secret, where somebody does. */
  readers: SimReaders | undefined;
  readonly #notices: boolean;

  constructor(kind: Kind, director: Director, options: SimOptions = {}) {
    this.#notices = options.notices === true;
    this.kind = kind;
    this.wrap = options.wrap ?? ((deps) => deps);
    this.run = options.run ?? reconcile;
    this.config = { ...options.config };
    this.world.director = director;
    this.world.unfencedCalls = kind.unfenced ?? this.world.unfencedCalls;
    this.world.opens = (target, stored) => kind.accepts(target, stored, this.world);
    this.world.lateRow = (process) => this.invariants.lostRow(process);
    this.world.savesRow = (process) => {
      // One that stood still until its locks were over writes what it knew before: older than what stands there by now.
      if (!this.holdsLock(process)) this.invariants.lostRow(process);
    };
    this.world.before = (op, process) => this.invariants.before(op, process);
    this.world.after = (op, process) => this.invariants.after(op, process);
    this.world.answered = (op, process, answer) => this.invariants.answered(op, process, answer);
    this.world.reached = (place, op, process) => this.invariants.reached(place, op, process);
    this.world.check = (op) => {
      this.invariants.afterCall();
      this.afterCall(op);
    };
    // Neither Key Vault nor ARM has fencing: what a person does between the guard and one write is healed, not prevented.
    this.world.unguarded = () =>
      this.excuseAll('a person acts between the guard and a write', MINUTE);
  }

  /** Whether the owner of an account names a secret for this kind, read from the world and not by the product. */
  isNamed(secret: string, account: string): boolean {
    const { type, owner, logins = '' } = this.kind;
    const names = (text: string, parts: string) => {
      const [head, list = ''] = text.split(/: (.*)/s);
      return head === `keyturn ${type}` && list.split(', ').includes(`${secret}${parts}`);
    };
    return (
      names(this.consents.get(owner(account)) ?? '', logins) || names(this.groupConsent, logins)
    );
  }

  tagsOf(vault: string): Record<string, string> {
    return this.vaultTags.get(vault) ?? {};
  }

  /** Everything a pass of this worker reaches. */
  deps(process: Process): Deps {
    const { world, own } = this;
    const clock: Clock = {
      now: () => new Date(world.now + process.skew),
      sleep: async (milliseconds) => {
        await world.op(process, 'sleep', 'read', 'own', () => {
          world.now += milliseconds;
        });
      },
    };
    const rotator = this.kind.rotator(world, process);
    const deps: Deps = {
      vaults: simVaults(world, process, [...world.vaults.keys()]),
      vaultTags: async (vault) => this.vaultTags.get(vault) ?? {},
      rotators: {
        types: [rotator.type],
        get: (type) => (type === rotator.type ? rotator : undefined),
      },
      consent: {
        of: (target) =>
          world.op(process, 'consent.of', 'read', 'azure', () => [
            ...parseGrants(this.consents.get(target) ?? ''),
            ...parseGrants(this.groupConsent).map((grant) => ({ ...grant, wide: true as const })),
          ]),
      },
      rows: simRows(world, process, own),
      locks: simLocks(world, process, own),
      holds: simHolds(world, process, own),
      queue: simQueue(world, process, own),
      audit: simAudit(world, process, own),
      alerts: simAlerts(world, process, own),
      ...(this.#notices ? { notices: simNotices(world, process, own) } : {}),
      ...(this.readers ? { consumers: simConsumers(world, process, this.readers) } : {}),
      clock,
      log: (level, message, fields) => {
        this.invariants.texts.push(JSON.stringify({ level, message, ...fields }));
        const secret = `${fields?.vault}/${fields?.name}`;
        if (message === 'alert') {
          const told =
            fields?.names === undefined
              ? [secret]
              : namesIn(fields).map((name) => `${fields.vault}/${name}`);
          for (const each of told)
            this.invariants.alert(
              each,
              String(fields?.reason),
              String(fields?.detail ?? ''),
              process,
            );
        }
        if (message === 'decided') this.decided(String(fields?.step), String(fields?.reason));
        const rests = fields?.reason === 'not-due' || fields?.reason === 'grace';
        const isLeft = fields?.step === 'skip' && fields.reason !== 'superseded';
        if (message === 'decided' && (rests || isLeft)) this.invariants.atEase(secret);
      },
      config: {
        instance: 'keyturn',
        mode: 'run',
        rate: { perVault: 1000, overall: 1000 },
        enabled: [rotator.type],
        policy: '',
        ownStorage: [],
        ownApplications: [],
        ownerTag: 'owner',
        ...this.config,
      },
    };
    const wrapped = this.wrap(deps, world);
    return { ...wrapped, consent: this.heard(wrapped.consent, process) };
  }

  /** Tells the checker when a pass reads consent, whatever it makes of the answer. */
  private heard(consent: Consent, process: Process): Consent {
    return {
      ...consent,
      of: async (target, secret) => {
        const grants = await consent.of(target, secret);
        this.invariants.consentRead(target, process);
        return grants;
      },
    };
  }

  /** A secret of a person: its value is the account's key in `slot`, made `ageDays` ago. */
  secret(
    vault: string,
    name: string,
    account: string,
    slot: string,
    options: { ageDays?: number; tags?: Record<string, string>; value?: string } = {},
  ): StoredVersion {
    const { world } = this;
    if (!world.accounts.has(account)) world.accounts.set(account, this.kind.seed(world));
    const createdOn = world.now - (options.ageDays ?? 61) * DAY;
    const tags = {
      rotator: this.kind.type,
      ...this.kind.tags(account),
      owner: 'team-a',
      ...options.tags,
    };
    const version: StoredVersion = {
      id: world.versionId(),
      value: options.value ?? this.kind.stored(slot, world.accounts.get(account)?.[slot] as string),
      tags,
      contentType: 'text/plain',
      enabled: true,
      expiresOn: undefined,
      createdOn,
      updatedOn: createdOn,
      by: 'person',
    };
    world.versions(vault, name).push(version);
    const word = `keyturn ${this.kind.type}: `;
    for (const owner of [this.kind.owner(account), this.kind.partner?.(account) ?? []].flat()) {
      const granted = new Set(this.consents.get(owner)?.slice(word.length).split(', ') ?? []);
      granted.add(`${vault}/${name}${this.kind.logins ?? ''}`);
      this.consents.set(owner, `${word}${[...granted].filter(Boolean).join(', ')}`);
    }
    this.invariants.watched.push({ vault, name, account, graceHours: 48 });
    this.invariants.afterCall();
    return version;
  }

  send(look: Look, delayMs = 0): void {
    this.own.messages.push({
      look: JSON.stringify(look),
      visibleOn: this.world.now + delayMs,
      tries: 0,
    });
  }

  /** Lets the world go on until `end`: messages, late writes and sweeps in the order of their times. */
  async settle(end: number, options: { sweeps?: boolean; turns?: number } = {}): Promise<void> {
    const { world } = this;
    for (let turn = 0; ; turn++) {
      if (turn > (options.turns ?? 3000)) throw new Error('The world does not come to rest.');
      world.applyLate();
      const message = this.nextMessage();
      const sweepOn = options.sweeps === false ? Number.POSITIVE_INFINITY : this.nextSweepOn;
      const goesOnOn = Math.min(...this.standing.map(({ process }) => process.stands?.until ?? 0));
      const lands = Math.min(...world.late.map(({ on }) => on));
      const next = Math.min(
        message?.visibleOn ?? Number.POSITIVE_INFINITY,
        sweepOn,
        goesOnOn,
        lands,
      );
      if (next > end) break;
      world.now = Math.max(world.now, next);
      if (goesOnOn <= world.now) await this.thaw(goesOnOn);
      else if (message && message.visibleOn <= world.now) await this.deliver(message);
      else if (sweepOn <= world.now) await this.sweepNow();
      this.afterTurn();
      this.invariants.throwFirst();
    }
    world.now = Math.max(world.now, end);
    this.invariants.afterCall();
  }

  nextMessage(): Message | undefined {
    return this.own.messages.reduce<Message | undefined>(
      (best, each) => (!best || each.visibleOn < best.visibleOn ? each : best),
      undefined,
    );
  }

  async sweepNow(): Promise<void> {
    this.nextSweepOn = this.world.now + SWEEP_EVERY;
    this.invariants.progress.beforeSweep();
    const process = this.world.process();
    const pass = sweep(this.deps(process)).then(() => 'done' as const, ignoreBusy);
    await this.follow(process, pass, (end) => this.invariants.ended(process, end));
  }

  /** The pass to its end, or until its worker stands still: then its end comes when it goes on. */
  private async follow<T>(
    process: Process,
    pass: Promise<T>,
    ends: (end: T | 'killed') => void,
    message?: Message,
  ): Promise<void> {
    const end = await alive(process, pass);
    if (end !== 'stands') {
      ends(end);
      return;
    }
    const goOn = () => {
      process.stands?.go();
      process.stands = undefined;
      return this.follow(process, pass, ends, message);
    };
    this.standing.push({ process, goOn, ...(message ? { message } : {}) });
  }

  private async thaw(on: number): Promise<void> {
    const at = this.standing.findIndex(({ process }) => process.stands?.until === on);
    const [each] = this.standing.splice(at, 1);
    const op = each?.process.stands?.op;
    if (op?.write && op.place === 'azure') this.unfenced();
    await each?.goOn();
  }

  /** One delivery to one worker: done, thrown (and tried again), or killed (and seen again later). */
  async deliver(message: Message, process = this.world.process()): Promise<void> {
    this.deliveries++;
    message.visibleOn = this.world.now + INVISIBLE;
    message.tries++;
    // Its last delivery stands still: nobody will ask how that one ended.
    if (this.standing.some((each) => each.message === message))
      message.hurt = (message.hurt ?? 0) + 1;
    const look: Look = JSON.parse(message.look);
    this.world.looksAt.set(process.id, `${look.vault}/${look.name}`);
    const { tries } = message;
    const pass = this.run(look, this.deps(process), this).then(
      (outcome) => {
        this.ended(outcome);
        return 'done' as const;
      },
      (error) => this.thrown(error),
    );
    const ends = (end: 'done' | 'thrown' | 'killed') => {
      this.invariants.ended(process, end);
      if (message.tries !== tries) return; // another worker has it by now
      if (end === 'done') this.remove(message);
      if (end === 'thrown') message.visibleOn = this.world.now + RETRY;
      if (end !== 'done' && process.faults > 0) message.hurt = (message.hurt ?? 0) + 1;
      if (end !== 'done' && message.tries >= TRIES_MAX) {
        this.remove(message);
        this.poisoned++;
        this.invariants.poisoned(message.look, message.hurt === message.tries);
      }
    };
    await this.follow(process, pass, ends, message);
  }

  private holdsLock({ id }: Process): boolean {
    return [...this.own.locks.values()].some(
      ({ holder, until }) => holder.startsWith(`${id}-`) && until > this.world.now,
    );
  }

  /** Called after every call that may have changed something. */
  afterCall: (op: Op) => void = () => {};

  private thrown(error: unknown): 'thrown' {
    if (error instanceof BusyError) return 'thrown';
    throw error;
  }

  private remove(message: Message): void {
    const at = this.own.messages.indexOf(message);
    if (at >= 0) this.own.messages.splice(at, 1);
  }

  /**
   * Whatever the next write does is healed at the next look, not prevented (design section 8, limits): for as long, of every
   * secret that the checker watches.
   */
  excuseAll(id = 'a write comes late, behind another pass', milliseconds = 20 * MINUTE): void {
    const until = this.world.now + milliseconds;
    for (const watched of this.invariants.watched)
      for (const invariant of [1, 2, 4, 6, 7] as const)
        this.invariants.excuses.grant({
          id,
          invariant,
          secret: `${watched.vault}/${watched.name}`,
          until,
        });
    this.invariants.facts.disturbAll();
  }

  /** Nothing happens until then: no sweep, no message is older than it. */
  skipTo(on: number): void {
    this.nextSweepOn = on;
  }

  loseTable(): void {
    const { messages, audit } = this.own;
    this.own = { ...emptyStorage(), messages, audit };
    this.invariants.lostTable();
  }
}

function ignoreBusy(error: unknown): 'thrown' {
  if (!(error instanceof BusyError)) throw error;
  return 'thrown';
}

/** The end of a pass, 'stands' where its worker stands still, or 'killed' when it died at a call and will never answer. */
async function alive<T>(process: Process, pass: Promise<T>): Promise<T | 'killed' | 'stands'> {
  let end: { value: T } | { error: unknown } | undefined;
  let wake = (): void => {};
  void pass.then(
    (value) => {
      end = { value };
      wake();
    },
    (error: unknown) => {
      end = { error };
      wake();
    },
  );
  // In memory everything happens in microtasks: a worker that is dead after a macrotask stays so.
  for (;;) {
    await new Promise<void>((resolve) => {
      wake = resolve;
      setImmediate(resolve);
    });
    if (end && 'error' in end) throw end.error;
    if (end) return end.value;
    if (process.dead) return 'killed';
    if (process.stands) return 'stands';
  }
}
