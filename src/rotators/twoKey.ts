/** The two-key family: any resource with two access keys that ARM lists and regenerates, one kind per row of the table. */
import { z } from 'zod';
import { type Clock, minutesBetween } from '../core/clock.ts';
import { BusyError, KeyturnError, UnknownOutcomeError } from '../core/errors.ts';
import { type FormSpec, pairOf } from '../core/formSpec.ts';
import type { Part } from '../core/grants.ts';
import { type Handle, parseResourceId, type ResourceId, type RotationId } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import { Secret } from '../core/secret.ts';
import type {
  Credential,
  Manifest,
  Obstacle,
  Parameters,
  Rotator,
  Stay,
  Target,
  TargetState,
  Verdict,
} from '../ports/rotator.ts';
import { ArmFacts } from '../targets/armFacts.ts';
import type { ArmKeysApi } from '../targets/armKeys.ts';
import { cosmosHosts, hostIn, hostOf, privateLinkOf, textsIn } from '../targets/hosts.ts';
import { parseOptions } from './kit/options.ts';
import { SharedList } from './kit/sharedList.ts';
import type { MemberPath, Slots, TwoKeyRow } from './twoKeyTable.ts';

export interface TwoKeyOptions {
  readonly keys: ArmKeysApi;
  readonly clock: Clock;
}

const NoOptions = z.strictObject({});
const WhichKeys = z.strictObject({
  keys: z
    .literal('readonly', { error: 'expected `readonly`' })
    .optional()
    .describe(
      '`readonly` takes the two read-only keys in turn instead of those that may write. The consent names them: `kv/name(readonly)`.',
    ),
});

export const twoKeyManifest = (row: TwoKeyRow): Manifest => ({
  type: row.type,
  title: row.title,
  overlap: 'two-slots',
  rights: { actions: actionsOf(row) },
  options: optionsOf(row),
  form: formOf(row),
});

/** The rotator of one row. */
export function twoKey(row: TwoKeyRow, deps: TwoKeyOptions): Rotator {
  return {
    ...twoKeyManifest(row),
    bind({ target, options }: Parameters) {
      const resource = resourceOf(target, row.armTypes);
      const given = parseOptions(optionsOf(row), options);
      return new TwoKeys(row, resource, 'keys' in given && given.keys !== undefined, deps);
    },
  };
}

const optionsOf = (row: TwoKeyRow) => (row.readonlySlots === undefined ? NoOptions : WhichKeys);

const formOf = ({ strings, pair }: TwoKeyRow): FormSpec =>
  strings === undefined ? { kind: 'bare' } : { kind: 'key', dialects: strings, ...(pair ? { pair } : {}) };

/** The id as one of the types; where it is none, the first of them says what was expected. */
function resourceOf(text: string, [first = '', ...others]: readonly string[]): ResourceId {
  const kinds = text.split('/').filter((_, at) => at >= 7 && at % 2 === 1);
  const fits = (type: string) => type.split('/').slice(1).join('/').toLowerCase() === kinds.join('/').toLowerCase();
  return parseResourceId(text, others.find(fits) ?? first, 'The tag rotator-target');
}

/** Type path and action, for every type and slot, and reading whatever shows hosts and switches. */
function actionsOf({ armTypes, list, slots, regenerate, ...row }: TwoKeyRow): readonly string[] {
  const regenerations = Object.keys(slots).map((slot) => filled(regenerate.action, slot).split('/')[0]);
  const members = [row.host, row.port, ...(row.hosts ?? []), row.off?.at].filter((member) => member !== undefined);
  return [
    ...new Set(
      armTypes.flatMap((type) => [
        ...members.map((member) => `${ownerOf(type, member)}/read`),
        ...[list.action, ...regenerations].map((action) => `${type}/${action}/action`),
      ]),
    ),
  ];
}

/**
 * Who may write the tags must not take more than was given: of two pairs the one that may write is given as the whole
 * account is, and of what stands below another resource each is named, as `orders/send` (design section 6, ATK-02).
 */
function partOf(row: TwoKeyRow, { text, name, above }: ResourceId, readOnly: boolean): Part | undefined {
  if (row.readonlySlots !== undefined)
    return readOnly ? { names: ['readonly'], always: true } : { names: [], whole: true };
  if (above.length === 0) return undefined;
  const below = text.split('/').filter((_, at) => at > 8 && at % 2 === 0);
  return { names: [below.join('/')], ...(row.root?.test(name) ? { whole: true } : {}) };
}

const filled = (action: string, slot: string): string => action.replace('{slot}', slot);
const ownerOf = (type: string, member: MemberPath): string =>
  member.startsWith('/') ? type.split('/').slice(0, 2).join('/') : type;

/** A key in its slot, and what its regeneration is asked for by. */
interface Kept {
  readonly value: Secret;
  readonly by: string;
}
type Keys = ReadonlyMap<Handle, Kept>;

/** A pass holds its lock for 90 s; a write this long after the first read would come too near to its end. */
const SECONDS_TO_WRITE_MAX = 45;
const POLL_SECONDS = 10;
/** How often the list is asked for a key that has not come yet: at once, when the operation has ended or was never long. */
const LOOKS = { ended: 4, lost: 12, running: 90 } as const;

class TwoKeys implements Target {
  readonly id: string;
  readonly owners: readonly string[];
  readonly part?: Part;
  readonly #row: TwoKeyRow;
  readonly #resource: ResourceId;
  readonly #slots: Slots;
  readonly #deps: TwoKeyOptions;
  readonly #list: SharedList<Keys>;
  /** Hosts that ARM named at the last look, and those in the last list. */
  #hosts: readonly string[] = [];
  #listed: readonly string[] = [];

  constructor(row: TwoKeyRow, resource: ResourceId, readOnly: boolean, deps: TwoKeyOptions) {
    // The two pairs of a resource have nothing in common but their owner.
    this.id = readOnly ? `${resource.text}/keys/readonly` : resource.text;
    this.owners = [resource.text];
    const part = partOf(row, resource, readOnly);
    if (part) this.part = part;
    this.#row = row;
    this.#resource = resource;
    this.#slots = (readOnly ? row.readonlySlots : row.slots) ?? row.slots;
    this.#deps = deps;
    this.#list = new SharedList(() => this.#keys(), deps.clock);
  }

  async inspect(): Promise<TargetState> {
    const { off } = this.#row;
    const facts = new ArmFacts(this.#resource, this.#row.version, this.#deps.keys);
    const hosts = await hostsNamed(this.#row, facts);
    this.#hosts = hosts;
    const handles = Object.keys(this.#slots);
    if (off !== undefined && isOff(await facts.read(off.at), off)) {
      const detail = `Access keys are switched off at ${this.#resource.name} (${off.at.replace('/', '')}).`;
      return { hosts, handles, obstacles: [{ reason: 'keys-off', detail }] };
    }
    try {
      const kept = await this.#list.fresh('adopt', 'check');
      const present = new Map([...kept].map(([slot, { value }]) => [slot, value]));
      this.#hosts = [...new Set([...hosts, ...this.#listed])];
      return { hosts: this.#hosts, handles: handles.filter((slot) => kept.has(slot)), obstacles: [], present };
    } catch (error) {
      // A ReadOnly lock shows itself here, because the list is a POST (case ST-01).
      if (!(error instanceof KeyturnError) || error.reason !== 'scope-locked') throw error;
      const locked: Obstacle = { reason: error.reason, detail: error.detail };
      return { hosts, handles, obstacles: [locked] };
    }
  }

  async moreHosts(): Promise<readonly string[]> {
    return this.#hosts.flatMap((host) => privateLinkOf(host));
  }

  async adopt(value: Secret): Promise<Handle | undefined> {
    const [slot, other] = [...(await this.#list.for('adopt'))].filter(([, kept]) => kept.value.equals(value));
    return other === undefined ? slot?.[0] : undefined;
  }

  async issue(_rotation: RotationId, keep: readonly Handle[], _until: Date, stay: Stay): Promise<Credential> {
    const startedOn = this.#deps.clock.now();
    const before = await this.#list.fresh();
    const slot = Object.keys(this.#slots).find((name) => before.has(name) && !keep.includes(name));
    if (slot === undefined) {
      throw new KeyturnError('slots-held', { detail: `No key of ${this.#resource.name} is free to be replaced.` });
    }
    return { handle: slot, value: await this.#replace(slot, before.get(slot), startedOn, stay) };
  }

  /** The data planes of some twenty services are not tried: what ARM lists is in force. */
  async check(value: Secret): Promise<Verdict> {
    const keys = await this.#list.for('check');
    if ([...keys.values()].some((kept) => kept.value.equals(value))) return 'vouched';
    // A list that leaves a slot out says nothing of the value that may be in it.
    return keys.size === Object.keys(this.#slots).length ? 'refused' : 'unknown';
  }

  async revoke(handle: Handle, old: Secret | undefined, stay: Stay): Promise<void> {
    const startedOn = this.#deps.clock.now();
    const held = (await this.#list.fresh()).get(this.#slotNamed(handle));
    if (held === undefined || (old !== undefined && !held.value.equals(old))) return;
    // A key cannot be deleted: one that nobody has read takes its place.
    await this.#replace(handle, held, startedOn, stay);
  }

  async read(handle: Handle): Promise<Secret> {
    const kept = (await this.#list.fresh()).get(this.#slotNamed(handle));
    if (kept !== undefined) return kept.value;
    throw new KeyturnError('failed', { detail: `${this.#resource.name} has no ${quote(handle)}.` });
  }

  #slotNamed(handle: Handle): Handle {
    if (Object.hasOwn(this.#slots, handle)) return handle;
    throw new KeyturnError('failed', { detail: `There is no slot ${quote(handle)}.` });
  }

  async #keys(): Promise<Keys> {
    const { list, version } = this.#row;
    const body = await this.#deps.keys.list(this.#resource.text, list.action, version);
    const { data = {} } = List.safeParse(body);
    this.#listed = (list.strings ?? []).flatMap((member) => hostIn(data[member]));
    return keptIn(body, this.#row, this.#slots);
  }

  /** Regenerates the slot, sent once, and gives back what it holds then, as listed at the target. */
  async #replace(slot: Handle, before: Kept | undefined, startedOn: Date, stay: Stay): Promise<Secret> {
    const { regenerate, version } = this.#row;
    const { name, text } = this.#resource;
    if (minutesBetween(startedOn, this.#deps.clock.now()) * 60 > SECONDS_TO_WRITE_MAX) {
      throw new BusyError('target-busy', { detail: `${name} answered too slowly to go on safely.` });
    }
    const body = regenerate.body === undefined ? undefined : { [regenerate.body]: before?.by ?? slot };
    let unknown = new UnknownOutcomeError('target-busy', { detail: `${slot} of ${name} did not change.` });
    let looks: number;
    try {
      const sent = await this.#deps.keys.regenerate(text, filled(regenerate.action, slot), version, body);
      looks = LOOKS[sent.over ? 'ended' : await this.#end(sent.link, unknown, stay)];
    } catch (error) {
      if (!(error instanceof UnknownOutcomeError) || error === unknown) throw error;
      unknown = error;
      looks = regenerate.long ? LOOKS.lost : 1;
    }
    // Read in every case: the list says what is true, and a slot that has changed was changed by this request.
    for (let look = 1; ; look += 1) {
      const value = await this.#valueIn(slot, unknown);
      if (value !== undefined && !(before && value.equals(before.value))) return value;
      if (look >= looks || !(await stay(looks === LOOKS.ended ? look : POLL_SECONDS))) throw unknown;
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

  /** Waits for the end of a long operation; 'running' where its link tells nothing, and the list alone must show it. */
  async #end(link: string | undefined, unknown: UnknownOutcomeError, stay: Stay): Promise<'ended' | 'running'> {
    if (link === undefined) return 'running';
    for (let poll = 0; poll < LOOKS.running; poll += 1) {
      const progress = await this.#deps.keys.progress(link);
      if (progress === 'succeeded') return 'ended';
      if (progress === 'unreadable') return 'running';
      if (typeof progress === 'object') {
        const detail = `Azure began to regenerate a key of ${this.#resource.name} and gave up (${progress.failed}).`;
        throw new KeyturnError('failed', { code: progress.failed, detail });
      }
      if (!(await stay(POLL_SECONDS))) break;
    }
    throw unknown;
  }
}

/** Hosts in the answer to GET, the one of the connection strings first. */
async function hostsNamed({ host, port, hosts = [] }: TwoKeyRow, facts: ArmFacts): Promise<readonly string[]> {
  const main = host === undefined ? [] : hostOf(await facts.read(host), port && (await facts.read(port)));
  const further: string[] = [];
  for (const member of hosts) further.push(...textsIn(await facts.read(member)).flatMap((text) => hostOf(text)));
  // Of the first alone, which carries the resource's own name: one with a region in it might be another account's elsewhere.
  return [...new Set([...main, ...further, ...main.flatMap(cosmosHosts)])];
}

const List = z.record(z.string(), z.unknown());
const Entries = z.array(z.looseObject({ name: z.string(), value: z.string() }));
const unreadable = () => new KeyturnError('failed', { detail: 'The list of keys does not parse.' });

/** The slots of a list that hold a key. */
function keptIn(body: unknown, { list, regenerate, pair }: TwoKeyRow, slots: Slots): Keys {
  const parsed = List.safeParse(body);
  const entries = list.array === undefined ? undefined : Entries.safeParse(parsed.data?.[list.array]);
  if (!parsed.success || entries?.success === false) throw unreadable();
  const kept = new Map<Handle, Kept>();
  for (const [slot, member] of Object.entries(slots)) {
    const entry = entries?.data.find(({ name }) => name === member);
    const value = list.array === undefined ? parsed.data[member] : entry?.value;
    if (typeof value !== 'string' || value === '') continue;
    const by = String((regenerate.by && entry?.[regenerate.by]) ?? slot);
    const secret = new Secret(value); // known by itself as well, so that no text shows it
    kept.set(slot, { by, value: pair === undefined ? secret : new Secret(pairOf(pair, by, value)) });
  }
  return kept;
}

function isOff(value: unknown, { is = [], lacks }: NonNullable<TwoKeyRow['off']>): boolean {
  if (lacks !== undefined) return Array.isArray(value) && !value.includes(lacks);
  return is.includes(value);
}
