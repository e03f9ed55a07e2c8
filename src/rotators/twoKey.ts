/** The two-key family: any resource with two access keys that ARM lists and regenerates, one kind per row of the table. */
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError } from '../core/errors.ts';
import { type FormSpec, pairOf } from '../core/formSpec.ts';
import type { Part } from '../core/grants.ts';
import { type Handle, parseResourceId, type ResourceId } from '../core/ids.ts';
import { Secret } from '../core/secret.ts';
import type { Manifest, Parameters, Rotator } from '../ports/rotator.ts';
import { ArmFacts } from '../targets/armFacts.ts';
import type { ArmKeysApi, Regeneration } from '../targets/armKeys.ts';
import { cosmosHosts, hostIn, hostOf, privateLinkOf, textsIn } from '../targets/hosts.ts';
import { parseOptions } from './kit/options.ts';
import { type SlotFacts, type SlotKey, type SlotKeys, twoSlots } from './kit/twoSlots.ts';
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
      const readOnly = 'keys' in given && given.keys !== undefined;
      const keyed = new KeyedResource(row, resource, readOnly, deps.keys);
      return twoSlots({
        // The two pairs of a resource have nothing in common but their owner.
        id: readOnly ? `${resource.text}/keys/readonly` : resource.text,
        owners: [resource.text],
        part: partOf(row, resource, readOnly),
        name: resource.name,
        slots: Object.keys(keyed.slots),
        clock: deps.clock,
        facts: () => keyed.facts(),
        hosts: () => keyed.hosts(),
        moreHosts: async () => keyed.hosts().flatMap((host) => privateLinkOf(host)),
        list: () => keyed.list(),
        regenerate: (slot, before) => keyed.regenerate(slot, before),
        progress: (link) => deps.keys.progress(link),
        looks: { ...LOOKS, ...(row.regenerate.long ? { lost: LOOKS_LOST_LONG } : {}) },
      });
    },
  };
}

const optionsOf = (row: TwoKeyRow) => (row.readonlySlots === undefined ? NoOptions : WhichKeys);

const formOf = ({ strings, pair }: TwoKeyRow): FormSpec =>
  strings === undefined ? { kind: 'bare' } : compact({ kind: 'key', dialects: strings, pair });

/** The id as one of the types; where it is none, the first of them says what was expected. */
function resourceOf(text: string, [first = '', ...others]: readonly string[]): ResourceId {
  const kinds = text.split('/').filter((_, at) => at >= 7 && at % 2 === 1);
  const fits = (type: string) =>
    type.split('/').slice(1).join('/').toLowerCase() === kinds.join('/').toLowerCase();
  return parseResourceId(text, others.find(fits) ?? first, 'The tag rotator-target');
}

/** Type path and action, for every type and slot, and reading whatever shows hosts and switches. */
function actionsOf({ armTypes, list, slots, regenerate, ...row }: TwoKeyRow): readonly string[] {
  const regenerations = Object.keys(slots).map(
    (slot) => filled(regenerate.action, slot).split('/')[0],
  );
  const members = [row.host, row.port, ...(row.hosts ?? []), row.off?.at].filter(
    (member) => member !== undefined,
  );
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
function partOf(
  row: TwoKeyRow,
  { text, name, above }: ResourceId,
  readOnly: boolean,
): Part | undefined {
  if (row.readonlySlots !== undefined)
    return readOnly ? { names: ['readonly'], always: true } : { names: [], whole: true };
  if (above.length === 0) return undefined;
  const below = text.split('/').filter((_, at) => at > 8 && at % 2 === 0);
  return compact({ names: [below.join('/')], whole: row.root?.test(name) ? true : undefined });
}

const filled = (action: string, slot: string): string => action.replace('{slot}', slot);
const ownerOf = (type: string, member: MemberPath): string =>
  member.startsWith('/') ? type.split('/').slice(0, 2).join('/') : type;

/** How often the list is asked for a key that has not come yet; where the answer was lost, once unless it takes its time. */
const LOOKS = { ended: 4, lost: 1 } as const;
const LOOKS_LOST_LONG = 12;

/** One resource, as its row says that it is asked. */
class KeyedResource {
  readonly slots: Slots;
  readonly #row: TwoKeyRow;
  readonly #resource: ResourceId;
  readonly #keys: ArmKeysApi;
  /** Hosts that ARM named at the last look, and those in the last list. */
  #hosts: readonly string[] = [];
  #listed: readonly string[] = [];

  constructor(row: TwoKeyRow, resource: ResourceId, readOnly: boolean, keys: ArmKeysApi) {
    this.slots = (readOnly ? row.readonlySlots : row.slots) ?? row.slots;
    this.#row = row;
    this.#resource = resource;
    this.#keys = keys;
  }

  async facts(): Promise<SlotFacts> {
    const { off, version } = this.#row;
    const facts = new ArmFacts(this.#resource, version, this.#keys);
    const hosts = await hostsNamed(this.#row, facts);
    this.#hosts = hosts;
    this.#listed = [];
    if (off === undefined || !isOff(await facts.read(off.at), off)) return { hosts };
    const detail = `Access keys are switched off at ${this.#resource.name} (${off.at.replace('/', '')}).`;
    return { hosts, off: { reason: 'keys-off', detail } };
  }

  hosts(): readonly string[] {
    return [...new Set([...this.#hosts, ...this.#listed])];
  }

  async list(): Promise<SlotKeys> {
    const { list, version } = this.#row;
    const body = await this.#keys.list(this.#resource.text, list.action, version);
    const { data = {} } = List.safeParse(body);
    this.#listed = (list.strings ?? []).flatMap((member) => hostIn(data[member]));
    return keptIn(body, this.#row, this.slots);
  }

  regenerate(slot: Handle, before: SlotKey | undefined): Promise<Regeneration> {
    const { regenerate, version } = this.#row;
    const body =
      regenerate.body === undefined ? undefined : { [regenerate.body]: before?.by ?? slot };
    return this.#keys.regenerate(
      this.#resource.text,
      filled(regenerate.action, slot),
      version,
      body,
    );
  }
}

/** Hosts in the answer to GET, the one of the connection strings first. */
async function hostsNamed(
  { host, port, hosts = [] }: TwoKeyRow,
  facts: ArmFacts,
): Promise<readonly string[]> {
  const main =
    host === undefined ? [] : hostOf(await facts.read(host), port && (await facts.read(port)));
  const further: string[] = [];
  for (const member of hosts)
    further.push(...textsIn(await facts.read(member)).flatMap((text) => hostOf(text)));
  // Of the first alone, which carries the resource's own name: one with a region in it might be another account's elsewhere.
  return [...new Set([...main, ...further, ...main.flatMap(cosmosHosts)])];
}

const List = z.record(z.string(), z.unknown());
const Entries = z.array(z.looseObject({ name: z.string(), value: z.string() }));
const unreadable = () => new KeyturnError('failed', { detail: 'The list of keys does not parse.' });

/** The slots of a list that have a key. */
function keptIn(body: unknown, { list, regenerate, pair }: TwoKeyRow, slots: Slots): SlotKeys {
  const parsed = List.safeParse(body);
  const entries =
    list.array === undefined ? undefined : Entries.safeParse(parsed.data?.[list.array]);
  if (!parsed.success || entries?.success === false) throw unreadable();
  const kept = new Map<Handle, SlotKey>();
  for (const [slot, member] of Object.entries(slots)) {
    const entry = entries?.data.find(({ name }) => name === member);
    const value = list.array === undefined ? parsed.data[member] : entry?.value;
    if (typeof value !== 'string' || value === '') continue;
    const by = String((regenerate.by && entry?.[regenerate.by]) ?? slot);
    const secret = new Secret(value); // known by itself as well, so that no text shows it
    kept.set(slot, {
      by,
      value: pair === undefined ? secret : new Secret(pairOf(pair, by, value)),
    });
  }
  return kept;
}

function isOff(value: unknown, { is = [], lacks }: NonNullable<TwoKeyRow['off']>): boolean {
  if (lacks !== undefined) return Array.isArray(value) && !value.includes(lacks);
  return is.includes(value);
}
