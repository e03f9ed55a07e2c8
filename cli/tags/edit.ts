/** The owner's tags: what shall change of them, merged into what is there. Nothing else of them changes, whatever its casing. */
import { STATE_TAG } from '../../src/api/tagCheck.ts';
import { type Tags, withTag } from '../../src/core/ids.ts';
import { usage } from '../failure.ts';

/** By name; undefined removes. */
export type TagChanges = Readonly<Record<string, string | undefined>>;

export const merged = (present: Tags, changes: TagChanges): Tags =>
  Object.entries(changes).reduce<Tags>(
    (tags, [name, value]) => withChange(tags, name, value),
    present,
  );

/** An owner's name keeps the casing that it has: `Owner` stays `Owner`. */
function withChange(tags: Tags, name: string, value: string | undefined): Tags {
  const [there = name] = Object.keys(tags).filter(
    (each) => each.toLowerCase() === name.toLowerCase(),
  );
  if (value === undefined) return withTag(tags, name.toLowerCase(), undefined);
  return there in tags
    ? Object.fromEntries(
        Object.entries(tags).map(([key, old]) => [key, key === there ? value : old]),
      )
    : { ...tags, [name]: value };
}

export interface Difference {
  readonly sign: '+' | '-' | '~' | ' ';
  readonly tag: string;
  readonly from?: string;
  readonly to?: string;
}

/** Every tag with what becomes of it; Keyturn's own is left out. */
export function difference(present: Tags, wanted: Tags): readonly Difference[] {
  const names = [...new Set([...Object.keys(present), ...Object.keys(wanted)])].filter(
    (name) => name.toLowerCase() !== STATE_TAG,
  );
  return names.sort().map((tag): Difference => {
    const [from, to] = [present[tag], wanted[tag]];
    if (from === undefined) return { sign: '+', tag, ...(to === undefined ? {} : { to }) };
    if (to === undefined) return { sign: '-', tag, from };
    return from === to ? { sign: ' ', tag, from, to } : { sign: '~', tag, from, to };
  });
}

export const isSame = (one: Tags, other: Tags): boolean =>
  difference(one, other).every(({ sign }) => sign === ' ');

/** `name=value`, of the owner's own tags. Throws `usage`, for Keyturn's tag, too. */
export function pairIn(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  const name = text.slice(0, at).trim();
  if (at < 1 || name === '')
    throw usage(`--set is ${JSON.stringify(text.slice(0, 64))}; write name=value.`);
  return [notOurs(name), text.slice(at + 1)];
}

export function notOurs(name: string): string {
  if (name.toLowerCase() === STATE_TAG)
    throw usage(`The tag ${STATE_TAG} is Keyturn's own, and nobody else sets it.`);
  return name;
}
