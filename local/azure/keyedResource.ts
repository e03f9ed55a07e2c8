/** A resource with access keys, of any type that Azure's definitions know: its keys, flags, lock, operations. */
import { randomBytes } from 'node:crypto';
import { now } from '../clock.ts';
import { newId } from './exchange.ts';
import { type KeyType, membersOf, type Shape, slotOf, slotsOf, valuesOf } from './keyTypes.ts';

export interface KeyedResourceOptions {
  /** As in `Microsoft.Cache/redis`. */
  type: string;
  /** Of a resource below another with its name before it: `ns1/rule1`. */
  name: string;
  resourceGroup?: string;
  /** What GET shows; members that Azure's definitions do not have are refused. */
  properties?: Record<string, unknown>;
  /** The same for the resource that it stands below. */
  above?: Record<string, unknown>;
  /** The geo-recovery alias of the namespace that it stands below, as the host has it: `alias1.servicebus.windows.net`. */
  alias?: string;
}

interface Key {
  /** The member or entry of the list that shows it. */
  member: string;
  value: string;
  /** Changes with the value (recorded for App Configuration). */
  id: string;
  changedOn: Date;
}

/** A regeneration on its way; it ends when it was asked for, or the keys were listed, often enough, or by itself with time. */
export interface Operation {
  id: string;
  resource: KeyedResource;
  asked: number;
  readonly startedOn: number;
  error?: string;
  change(): void;
}

const ASKED_TO_END = 2;
/** Nobody has to ask: whoever began it may be gone. That Azure goes on is documented (learn: async-operations), how long it takes is unverified. */
const ENDS_SECONDS = 60;

export class KeyedResource {
  readonly id: string;
  readonly name: string;
  readonly type: KeyType;
  readonly properties: Record<string, unknown>;
  locked: 'ReadOnly' | undefined;
  /** The next long regeneration ends with this code. */
  failWith: string | undefined;
  /** Which links a 202 carries. */
  links: 'both' | 'location' | 'none' = 'both';
  operation: Operation | undefined;
  /** Where its connection strings lead: the namespace above a rule. */
  endpoint: string | undefined;
  /** The host of a geo-recovery alias, while the namespace is one of a pair. */
  alias: string | undefined;
  /** Told of every key that it ever has. */
  onKey: (value: string) => void = () => {};
  private readonly keys = new Map<string, Key>();

  constructor(id: string, type: KeyType, properties: Record<string, unknown>) {
    this.id = id;
    this.name = id.slice(id.lastIndexOf('/') + 1);
    this.type = type;
    this.properties = properties;
    for (const [name, value] of Object.entries(properties)) {
      const shape = type.properties?.[name];
      if (!shape || !fits(value, shape))
        throw new Error(`${type.name} has no property ${name} like that.`);
    }
    for (const member of this.keyMembers())
      this.keys.set(slotOf(member), { member, ...freshKey() });
  }

  /** Names of list members, or entries, that hold the key of a slot. */
  private keyMembers(): string[] {
    const slots = slotsOf(this.type);
    const lists = Object.entries(this.type.functions).filter(
      ([name]) => !/^regenerate/i.test(name),
    );
    const members = lists.flatMap(([, { output }]) =>
      Object.entries(membersOf(output)).flatMap(([name, shape]) => [name, ...entryNames(shape)]),
    );
    return [...new Set([...members, ...this.type.names])].filter((name) => slots.has(slotOf(name)));
  }

  /** The present key of a slot, in whatever way it is spelt. */
  key(slot: string): string {
    this.endInTime();
    const key = this.keys.get(slotOf(slot));
    if (!key) throw new Error(`${this.type.name} has no slot ${slot}.`);
    return key.value;
  }

  idOf(slot: string): string {
    return this.keys.get(slotOf(slot))?.id ?? '';
  }

  /** Whether a request with this key would be let in now. */
  accepts(value: string): boolean {
    this.endInTime();
    return [...this.keys.values()].some((key) => key.value === value);
  }

  /** Whether a text holds a present key, as such or in a connection string. */
  isIn(text: string): boolean {
    this.endInTime();
    return [...this.keys.values()].some((key) => text.includes(key.value));
  }

  /** Makes a new key for a slot, or for both where the slot has none of its own (SignalR's Salt). */
  regenerate(slot: string): void {
    const changed = this.keys.has(slotOf(slot)) ? [slotOf(slot)] : [...this.keys.keys()];
    for (const each of changed) {
      this.onKey(this.key(each));
      Object.assign(this.keys.get(each) ?? {}, freshKey());
      this.onKey(this.key(each));
    }
  }

  slotWithId(id: unknown): string | undefined {
    return [...this.keys].find(([, key]) => key.id === id)?.[0];
  }

  /** Begins a regeneration that ends later. */
  begin(change: () => void): Operation {
    const operation: Operation = {
      id: newId(),
      resource: this,
      asked: 0,
      startedOn: now(),
      change,
    };
    if (this.failWith !== undefined) operation.error = this.failWith;
    this.failWith = undefined;
    this.operation = operation;
    return operation;
  }

  /** Ends what has been going on for long. */
  private endInTime(): void {
    const { operation } = this;
    if (
      !operation ||
      operation.asked >= ASKED_TO_END ||
      now() < operation.startedOn + ENDS_SECONDS * 1000
    )
      return;
    operation.asked = ASKED_TO_END;
    if (operation.error === undefined) operation.change();
  }

  /** One question more; true when the operation has ended. */
  askOperation(): boolean {
    this.endInTime();
    const { operation } = this;
    if (!operation || operation.asked >= ASKED_TO_END) return true;
    operation.asked += 1;
    if (operation.asked === ASKED_TO_END && operation.error === undefined) operation.change();
    return operation.asked >= ASKED_TO_END;
  }

  get busy(): boolean {
    this.endInTime();
    return this.operation !== undefined && this.operation.asked < ASKED_TO_END;
  }

  /** An answer of this shape: keys in their places, everything else with something plausible. */
  shown(shape: Shape | null, slot?: string): unknown {
    this.endInTime();
    const members = membersOf(shape);
    const entry = slot === undefined ? undefined : this.keys.get(slot);
    const filled = Object.entries(members).map(([name, member]) => {
      if (entry && 'value' in members) return [name, this.memberOf(entry, name)];
      const key = this.keys.get(slotOf(name));
      if (key?.member === name) return [name, key.value];
      if (typeof member === 'object' && member !== null && 'items' in member)
        return [name, this.entries(member.items).map((each) => this.shown(member.items, each))];
      return [name, member === 'string' && name !== 'nextLink' ? this.beside(name) : undefined];
    });
    return Object.fromEntries(filled.filter(([, value]) => value !== undefined));
  }

  private entries(items: Shape | null): string[] {
    const wanted = [...valuesOf(membersOf(items).name), ...this.type.names].map(slotOf);
    return [...this.keys.keys()].filter((slot) => wanted.includes(slot));
  }

  private memberOf({ member, value, id, changedOn }: Key, name: string): unknown {
    if (name === 'name') return member;
    if (name === 'value') return value;
    if (name === 'id') return id;
    if (name === 'lastModified') return changedOn.toISOString();
    if (name === 'readOnly') return /read only/i.test(member);
    if (name === 'connectionString')
      return `Endpoint=${this.properties.endpoint};Id=${id};Secret=${value}`;
    return undefined;
  }

  /** Connection strings carry a key, so that whoever logs an answer is found out. Without a pair the aliases are null (azure-cli). */
  private beside(name: string): string | null {
    const [, alias, slot] = /^(alias)?(primary|secondary)ConnectionString$/i.exec(name) ?? [];
    if (slot === undefined) return this.name;
    if (alias !== undefined)
      return this.alias === undefined ? null : this.sharedAccess(`sb://${this.alias}/`, slot);
    return this.endpoint === undefined
      ? `Endpoint=https://${this.name}.example/;AccessKey=${this.key(slot)}`
      : this.sharedAccess(`sb://${new URL(this.endpoint).hostname}/`, slot);
  }

  private sharedAccess(endpoint: string, slot: string): string {
    const { pathname } = new URL(`https://arm${this.id}`);
    const [, entity] =
      /\/namespaces\/[^/]+\/(?:queues|topics|eventhubs)\/([^/]+)/i.exec(pathname) ?? [];
    const path = entity === undefined ? '' : `;EntityPath=${entity}`;
    return `Endpoint=${endpoint};SharedAccessKeyName=${this.name};SharedAccessKey=${this.key(slot)}${path}`;
  }
}

const freshKey = (): Omit<Key, 'member'> => ({
  value: randomBytes(32).toString('base64'),
  id: `${randomBytes(3).toString('base64')}-l0-s0:${randomBytes(15).toString('base64')}`,
  changedOn: new Date(now()),
});

const entryNames = (shape: Shape | null): string[] =>
  typeof shape === 'object' && shape !== null && 'items' in shape
    ? valuesOf(membersOf(shape.items).name)
    : [];

/** Whether a value is one that the definitions allow. */
function fits(value: unknown, shape: Shape): boolean {
  if (shape === 'integer') return Number.isInteger(value);
  if (typeof shape === 'string') return typeof value === shape;
  if ('oneOf' in shape) return typeof value === 'string' && shape.oneOf.includes(value);
  if ('items' in shape)
    return Array.isArray(value) && value.every((each) => shape.items && fits(each, shape.items));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([name, each]) => {
    const member =
      'each' in shape
        ? shape.each
        : Object.hasOwn(shape.properties, name) && shape.properties[name];
    return member ? fits(each, member) : false;
  });
}
