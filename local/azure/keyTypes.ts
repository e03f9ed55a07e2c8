/**
 * What Azure's own type definitions say of types whose keys can be listed and regenerated (`twoKeyTypes.json`, made by
 * `scripts/azureTypes`), with what they leave out (`twoKeyExtra.json`). The stand-in knows nothing else of these types.
 */
import { readFileSync } from 'node:fs';

export type Shape =
  | string
  | { oneOf: string[] }
  | { items: Shape | null }
  /** Members of any name. */
  | { each: Shape }
  | { properties: Record<string, Shape | null>; required: string[] };

export interface KeyFunction {
  since: string;
  until: string;
  input: Shape | null;
  output: Shape | null;
  /** Slots that the path names behind the action. */
  path?: string[];
}

export interface KeyType {
  name: string;
  versions: string[];
  functions: Record<string, KeyFunction>;
  /** What of `properties` its GET may show: scalars, and what names hosts further down. */
  properties: Record<string, Shape | null> | null;
  /** A regeneration answers 202. */
  long: boolean;
  /** Names of keys in a list of entries, where the definitions have none. */
  names: string[];
}

interface Extra {
  functions: Record<string, Record<string, KeyFunction>>;
  long: Record<string, string>;
  names: Record<string, { names: string[] }>;
  properties: Record<string, { properties: Record<string, Shape> }>;
}

const read = (name: string) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const made: { types: Record<string, Pick<KeyType, 'versions' | 'functions' | 'properties'>> } =
  read('./twoKeyTypes.json');
const extra: Extra = read('./twoKeyExtra.json');

/** Every type, by its name in lower case. */
export const keyTypes: ReadonlyMap<string, KeyType> = new Map(
  Object.entries(made.types).map(([name, { versions, functions, properties }]) => [
    name.toLowerCase(),
    {
      name,
      versions,
      functions: named({ ...functions, ...extra.functions[name] }),
      properties: properties && { ...properties, ...extra.properties[name]?.properties },
      long: Object.hasOwn(extra.long, name),
      names: extra.names[name]?.names ?? [],
    },
  ]),
);

/**
 * Where the definitions leave open what a `keyName` may be, it is a key that the list shows, spelt as there (Azure's sample for
 * Microsoft.DataMigration sends `authKey1`); anything else is refused.
 */
function named(functions: KeyType['functions']): KeyType['functions'] {
  const lists = Object.entries(functions).filter(([name]) => /^list/i.test(name));
  const oneOf = lists.flatMap(([, { output }]) =>
    Object.keys(membersOf(output)).filter((each) => /key\d?$/i.test(each)),
  );
  const entries = Object.entries(functions).map(([name, each]): [string, KeyFunction] => {
    const members = membersOf(each.input);
    if (!/^regenerate/i.test(name) || members.keyName !== 'string') return [name, each];
    return [
      name,
      { ...each, input: { properties: { ...members, keyName: { oneOf } }, required: ['keyName'] } },
    ];
  });
  return Object.fromEntries(entries);
}

/** Providers of these types, as the paths of the routes have them. */
export const providers: readonly string[] = [
  ...new Set([...keyTypes.values()].map(({ name }) => providerOf(name))),
];

export function providerOf(type: string): string {
  return type.split('/')[0] ?? '';
}

/** The resource in a path, its type, and what stands behind it: the action and, in some paths, a slot. */
export function resourceIn(
  path: string,
): { id: string; type: KeyType; rest: string[] } | undefined {
  const segments = path.split('/');
  // The longest type first: of a rule's path the namespace is a prefix.
  for (
    let length = segments.length - (segments.length % 2 === 0 ? 1 : 0);
    length >= 9;
    length -= 2
  ) {
    const kinds = segments.slice(7, length).filter((_, at) => at % 2 === 0);
    const type = keyTypes.get([segments[6], ...kinds].join('/').toLowerCase());
    if (type)
      return { id: segments.slice(0, length).join('/'), type, rest: segments.slice(length) };
  }
  return undefined;
}

/** The function of that name in that version; names of actions are compared in any case, as ARM does. */
export function functionOf(type: KeyType, name: string, version: string): KeyFunction | undefined {
  const called = Object.entries(type.functions).filter(
    ([key]) => key.toLowerCase() === name.toLowerCase(),
  );
  return called
    .map(([, found]) => found)
    .find(({ since, until }) => since <= version && version <= until);
}

/** `PrimaryKey`, `primaryMasterKey` and `Primary` are one slot. */
export const slotOf = (name: string): string => name.toLowerCase().replace(/(master)?key$/, '');

/** Members of an input or output that are objects' members. */
export function membersOf(shape: Shape | null): Record<string, Shape | null> {
  return typeof shape === 'object' && shape !== null && 'properties' in shape
    ? shape.properties
    : {};
}

export const valuesOf = (shape: Shape | null | undefined): string[] =>
  typeof shape === 'object' && shape !== null && 'oneOf' in shape ? shape.oneOf : [];

/** Slots in the newest version of a type, as `slotOf` writes them. */
export function slotsOf({ functions, names }: KeyType): Set<string> {
  const named = Object.entries(functions).flatMap(([name, { input, path }]) => {
    const inName = /^regenerate(\w+)Key$/i.exec(name)?.[1];
    if (path) return path;
    if (/^regenerate/i.test(name) && input === null && inName) return [inName];
    return Object.values(membersOf(input)).flatMap(valuesOf);
  });
  return new Set([...named, ...names].map(slotOf));
}
