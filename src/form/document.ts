/** A document as its members: what every reader of one (JSON, lines, YAML, netrc) gives the form. */
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';

/** A text with its place in a document. */
export interface Member {
  /** The way to it: names of members, indices of arrays, sections. */
  readonly path: readonly string[];
  /** As a reader takes it. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
  /** Why nothing may be written here: it is a name or a number, or readers disagree about it. */
  readonly fixed?: string;
  /** Another value in the spelling of this place. @throws `bad-value` where it can't be written */
  write(next: string): string;
}

export interface Document {
  /** What it is, with its article: `a JSON document`. */
  readonly what: string;
  readonly members: readonly Member[];
}

/** RFC 6901. */
export const pointerOf = (path: readonly string[]): string =>
  path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** What an option names: a JSON pointer (RFC 6901), or a member at the top. */
function pathOf(field: string): readonly string[] {
  if (!field.startsWith('/')) return [field];
  const unescaped = (step: string) => step.replaceAll('~1', '/').replaceAll('~0', '~');
  return field.slice(1).split('/').map(unescaped);
}

/** What stands in the same object, section or table as a member, itself included. */
export const siblingsOf = ({ members }: Document, { path }: Member): readonly Member[] =>
  members.filter(
    (each) =>
      each.path.length === path.length &&
      path.slice(0, -1).every((step, at) => step === each.path[at]),
  );

/** A value in quotes, its place between them. @param found the quote and what it holds, or null where there is none */
export function quotedMember(
  found: RegExpExecArray | null,
  { path, start, write }: Pick<Member, 'path' | 'start' | 'write'>,
): Member | undefined {
  const value = found?.[2];
  return value === undefined
    ? undefined
    : { path, value, start: start + 1, end: start + 1 + value.length, write };
}

/** The one member that `field` names. @throws `bad-value` for what is not there, there twice, or can't be written */
export function memberOf({ what, members }: Document, field: string): Member {
  const bad = (detail: string) => new KeyturnError('bad-value', { detail });
  const path = pathOf(field);
  const found = members.filter(
    (member) =>
      member.path.length === path.length && member.path.every((step, at) => step === path[at]),
  );
  const [first] = found;
  const name = `the field ${quote(field)}`;
  if (first === undefined) throw bad(`The value is ${what} that has not ${name}.`);
  if (found.length > 1) throw bad(`The value is ${what} that has ${name} more than once.`);
  if (first.fixed !== undefined) throw bad(`In ${what}, ${name} ${first.fixed}.`);
  return first;
}
