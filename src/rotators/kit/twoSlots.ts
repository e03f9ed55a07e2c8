/**
 * Two keys of one resource in turn: what `storage-account-key` and the two-key family share. A key can neither be chosen nor deleted,
 * only regenerated, and read again from a list: the list says what is true, whatever became of the answer to a request.
 */
import { type Clock, minutesBetween } from '../../core/clock.ts';
import { BusyError, KeyturnError, UnknownOutcomeError } from '../../core/errors.ts';
import type { Part } from '../../core/grants.ts';
import type { Handle, RotationId } from '../../core/ids.ts';
import { quote } from '../../core/quote.ts';
import type { Secret } from '../../core/secret.ts';
import type {
  Credential,
  Obstacle,
  Stay,
  Target,
  TargetFacts,
  Verdict,
} from '../../ports/rotator.ts';
import type { Progress, Regeneration } from '../../targets/armKeys.ts';
import { SharedList } from './sharedList.ts';

/** A key in its slot, and what its regeneration is asked for by, where that is not the slot. */
export interface SlotKey {
  readonly value: Secret;
  readonly by?: string;
}
/** The slots that have a key. */
export type SlotKeys = ReadonlyMap<Handle, SlotKey>;

/** What is known of a resource without a list of its keys. */
export interface SlotFacts extends Pick<TargetFacts, 'hosts' | 'graceMin'> {
  /** Keys are switched off, and no list is asked for. */
  readonly off?: Obstacle;
}

export interface TwoSlotsOptions {
  readonly id: string;
  readonly owners: readonly string[];
  readonly part?: Part | undefined;
  /** The resource, for words to people. */
  readonly name: string;
  /** In the order in which a first credential takes them. */
  readonly slots: readonly Handle[];
  readonly clock: Clock;
  facts(): Promise<SlotFacts>;
  /** Of the hosts in `facts` and those that the last list named beside its keys, all that there are. */
  hosts?(): readonly string[];
  /** See `Target.moreHosts`. */
  moreHosts(): Promise<readonly string[]>;
  list(): Promise<SlotKeys>;
  /** Sent once. Throws `UnknownOutcomeError` when it may have been applied, `BusyError` when it was not. */
  regenerate(slot: Handle, before: SlotKey | undefined): Promise<Regeneration>;
  /** Of an operation that goes on after its answer. */
  progress?(link: string): Promise<Progress>;
  /** How often the list is asked for a new key where the request was answered, and where its answer was lost. */
  readonly looks: { readonly ended: number; readonly lost: number };
  /** Tries a key that the list shows; where absent, that it is listed is all that can be said. */
  tried?(value: Secret): Promise<Verdict>;
  /** A new key stands in its slot. */
  made?(value: Secret): void;
}

/** A pass holds its lock for 90 s; a write this long after the first read would come too near to its end. */
const SECONDS_TO_WRITE_MAX = 45;
const POLL_SECONDS = 10;
/** How often an operation is asked about, and the list where it tells nothing. */
const LOOKS_RUNNING = 90;

/** The target over its resource. One for each pass: its lists are shared within it and nowhere else. */
export function twoSlots(options: TwoSlotsOptions): Target {
  return new TwoSlots(options);
}

class TwoSlots implements Target {
  readonly id: string;
  readonly owners: readonly string[];
  readonly part?: Part;
  readonly #options: TwoSlotsOptions;
  readonly #list: SharedList<SlotKeys>;

  constructor(options: TwoSlotsOptions) {
    this.id = options.id;
    this.owners = options.owners;
    if (options.part) this.part = options.part;
    this.#options = options;
    this.#list = new SharedList(() => options.list(), options.clock);
  }

  async inspect(): Promise<TargetFacts> {
    const { slots: handles, facts, hosts } = this.#options;
    const { off, ...state } = await facts();
    if (off !== undefined) return { ...state, handles, obstacles: [off] };
    try {
      const keys = await this.#list.fresh('adopt', 'check');
      const present = new Map([...keys].map(([slot, { value }]) => [slot, value]));
      return {
        ...state,
        hosts: hosts?.() ?? state.hosts,
        obstacles: [],
        present,
        handles: handles.filter((slot) => keys.has(slot)),
      };
    } catch (error) {
      // A ReadOnly lock shows itself here, because the list is a POST (case ST-01).
      if (!(error instanceof KeyturnError) || error.reason !== 'scope-locked') throw error;
      return { ...state, handles, obstacles: [{ reason: error.reason, detail: error.detail }] };
    }
  }

  moreHosts(): Promise<readonly string[]> {
    return this.#options.moreHosts();
  }

  /** The slot whose key this is; undefined when none is, or both are. */
  async adopt(value: Secret): Promise<Handle | undefined> {
    const keys = await this.#list.for('adopt');
    const [slot, other] = this.#options.slots.filter((name) => keys.get(name)?.value.equals(value));
    return other === undefined ? slot : undefined;
  }

  async issue(
    _rotation: RotationId,
    keep: readonly Handle[],
    _until: Date,
    stay: Stay,
  ): Promise<Credential> {
    const { clock, slots, name, made } = this.#options;
    const startedOn = clock.now();
    const before = await this.#list.fresh();
    const slot = slots.find((each) => before.has(each) && !keep.includes(each));
    if (slot === undefined) {
      throw new KeyturnError('slots-held', { detail: `No key of ${name} is free to be replaced.` });
    }
    const value = await this.#replace(slot, before.get(slot), startedOn, stay);
    made?.(value);
    return { handle: slot, value };
  }

  async check(value: Secret): Promise<Verdict> {
    const { slots, tried } = this.#options;
    const keys = await this.#list.for('check');
    // In both slots it is live as well: which one it is matters to `adopt` alone.
    if (slots.some((slot) => keys.get(slot)?.value.equals(value)))
      return (await tried?.(value)) ?? 'vouched';
    // A list that leaves a slot out says nothing of the value that may be in it.
    return slots.every((slot) => keys.has(slot)) ? 'refused' : 'unknown';
  }

  async revoke(handle: Handle, old: Secret | undefined, stay: Stay): Promise<undefined> {
    const startedOn = this.#options.clock.now();
    const listed = (await this.#list.fresh()).get(this.#slotNamed(handle));
    if (listed === undefined || (old !== undefined && !listed.value.equals(old))) return undefined;
    // A key cannot be deleted: one that nobody has read takes its place.
    await this.#replace(handle, listed, startedOn, stay);
    return undefined;
  }

  async read(handle: Handle): Promise<Secret> {
    const listed = (await this.#list.fresh()).get(this.#slotNamed(handle));
    if (listed !== undefined) return listed.value;
    throw new KeyturnError('failed', { detail: `${this.#options.name} has no ${quote(handle)}.` });
  }

  /** Only slots of the kind are ever replaced (case ST-05). */
  #slotNamed(handle: Handle): Handle {
    if (this.#options.slots.includes(handle)) return handle;
    throw new KeyturnError('failed', { detail: `There is no slot ${quote(handle)}.` });
  }

  /** Regenerates the slot, sent once, and gives back what it holds then, as listed at the target. */
  async #replace(
    slot: Handle,
    before: SlotKey | undefined,
    startedOn: Date,
    stay: Stay,
  ): Promise<Secret> {
    const { clock, name, regenerate, looks: most } = this.#options;
    if (minutesBetween(startedOn, clock.now()) * 60 > SECONDS_TO_WRITE_MAX) {
      throw new BusyError('target-busy', {
        detail: `${name} answered too slowly to go on safely.`,
      });
    }
    let unknown = new UnknownOutcomeError('target-busy', {
      detail: `${slot} of ${name} did not change.`,
    });
    let looks = most.lost;
    let isOver = false;
    try {
      const sent = await regenerate(slot, before);
      isOver = sent.over || (await this.#hasEnded(sent.link, unknown, stay));
      looks = isOver ? most.ended : LOOKS_RUNNING;
    } catch (error) {
      if (!(error instanceof UnknownOutcomeError) || error === unknown) throw error;
      unknown = error;
    }
    // Read in every case: the list says what is true, and a slot that has changed was changed by this request.
    for (let look = 1; ; look += 1) {
      const value = await this.#valueIn(slot, unknown);
      if (value !== undefined && !(before && value.equals(before.value))) return value;
      if (look >= looks || !(await stay(isOver ? look : POLL_SECONDS))) throw unknown;
    }
  }

  async #valueIn(slot: Handle, unknown: UnknownOutcomeError): Promise<Secret | undefined> {
    try {
      return (await this.#list.fresh()).get(slot)?.value;
    } catch (error) {
      // Whatever kept it from being read, the request is out and may still arrive.
      throw error instanceof KeyturnError ? unknown : error;
    }
  }

  /** Waits for the end of a long operation; false where its link tells nothing, and the list alone must show it. */
  async #hasEnded(
    link: string | undefined,
    unknown: UnknownOutcomeError,
    stay: Stay,
  ): Promise<boolean> {
    const { progress, name } = this.#options;
    if (link === undefined || progress === undefined) return false;
    for (let poll = 0; poll < LOOKS_RUNNING; poll += 1) {
      const answer = await progress(link);
      if (answer === 'succeeded') return true;
      if (answer === 'unreadable') return false;
      if (typeof answer === 'object') {
        const detail = `Azure began to regenerate a key of ${name} and gave up (${answer.failed}).`;
        throw new KeyturnError('failed', { code: answer.failed, detail });
      }
      if (!(await stay(POLL_SECONDS))) break;
    }
    throw unknown;
  }
}
