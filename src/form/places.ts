/**
 * Every further place of a document that holds the credential (case VAL-01): as it is, percent-encoded, in base64, inside a string that
 * can be read, inside a document in a string. All are replaced together, or the document is refused by pointer before anything is issued.
 */
import { KeyturnError } from '../core/errors.ts';
import type { FormSpec } from '../core/formSpec.ts';
import { quote } from '../core/quote.ts';
import { type Document, type Member, pointerOf } from './document.ts';
import { readJson } from './json.ts';
import { spliced, type TextChange } from './part.ts';
import { isSameLogin } from './roles.ts';
import { unwrapped } from './shape.ts';
import { base64Like, rewriter, type Seeker } from './spelling.ts';
import { openString } from './text.ts';

/** One of the places, and what it becomes. */
export interface Place {
  readonly member: Member;
  /** @param login the next one, where the kind has logins */
  write(bare: string, login: string | undefined): string;
}

/** What is looked for. */
export interface Sought {
  readonly bare: string;
  readonly seek: Seeker;
  readonly login: string | undefined;
  readonly spec: FormSpec;
  readonly hosts: readonly string[];
}

const DEPTH_MAX = 3;
/** Names of members that hold a credential: where a word stands that is also somebody's password, they decide. */
const SECRET_NAME = /pass|pw|secret|key|token|credential|auth/i;
const PASSWORD_WORD = /pass(?:word|wd|phrase)?|pwd|psw|pw|secret/;
const LOGIN_WORD = /user(?:name|id)?|uid|login/;
/** Members that say who logs in, beside a member that holds the password. */
const LOGIN_NAME = /^(?:user|user_?name|user_?id|uid|login)$/i;

/** @param known members that are written anyway: the credential's own and its login's */
export function furtherPlaces(
  { members }: Document,
  known: readonly Member[],
  sought: Sought,
  above = '',
  depth = 0,
): readonly Place[] {
  const others = members.filter((member) => !known.includes(member));
  const places = others.flatMap((member) => placeIn(member, sought, above, depth) ?? []);
  const pairs = loginsOfPairs(members, known, places, sought, above);
  const beside = loginsBeside(others, places, known, sought);
  const paired = new Set(pairs.map(({ member }) => member));
  return [...places, ...pairs, ...beside.filter(({ member }) => !paired.has(member))];
}

function placeIn(member: Member, sought: Sought, above: string, depth: number): Place | undefined {
  const { seek } = sought;
  const { value } = member;
  if (value === '' || !seek.mayHold(value)) return undefined;
  if (value === sought.login) return undefined; // a login that is its own password is no password
  if (seek.byChance && isChance(member, sought.bare)) return undefined;
  const refused = (why: string) => {
    // A name that holds the credential is not told: its place is.
    const where = quote(
      `${above}${pointerOf(member.fixed === 'is a name' ? member.path.slice(0, -2) : member.path)}` ||
        '/',
    );
    return new KeyturnError('bad-value', {
      detail: `The credential stands at ${where}, too, which ${why}.`,
    });
  };
  if (member.fixed !== undefined) {
    if (seek.holds(value)) throw refused(member.fixed);
    return undefined;
  }
  const read = reading(value, sought, () => above + pointerOf(member.path), depth, refused);
  if (read) return { member, write: (next, login) => member.write(read(next, login)) };
  if (seek.holds(value)) throw refused('is not of a form in which it could be replaced');
  return undefined;
}

/** A name of a member, a database or a port that is spelt like a password that a person chose: no place of it. */
function isChance({ path, value, fixed }: Member, bare: string): boolean {
  if (fixed === 'is a name') return true;
  const name = path.findLast((step) => !/^\d*$/.test(step)) ?? '';
  return value.trim() === bare && !SECRET_NAME.test(name);
}

type Write = (bare: string, login: string | undefined) => string;

/** How the value is read and written; undefined where it can't be. */
function reading(
  value: string,
  sought: Sought,
  pointer: () => string,
  depth: number,
  refused: (why: string) => KeyturnError,
): Write | undefined {
  const { bare } = sought;
  const whole = rewriter(value, bare);
  if (whole) return (next) => whole(next);
  const text = value.trim();
  const around = (write: Write): Write => {
    const at = value.indexOf(text);
    return (next, login) => value.slice(0, at) + write(next, login) + value.slice(at + text.length);
  };
  const document = depth < DEPTH_MAX ? readJson(value) : undefined;
  if (document) {
    const places = furtherPlaces(document, [], sought, pointer(), depth + 1);
    return places.length === 0
      ? undefined
      : (next, login) => spliced(value, changesOf(places, next, login));
  }
  const string = stringOf(text, sought, refused);
  if (string) return around(string);
  return inBase64(text, sought, pointer, depth, refused);
}

function stringOf(
  text: string,
  { bare, seek, login, spec, hosts }: Sought,
  refused: (why: string) => KeyturnError,
): Write | undefined {
  let opened: ReturnType<typeof openString>;
  try {
    opened = openString(text, spec, hosts);
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    const isThere =
      seek.holds(text) ||
      (seek.byChance && error.reason === 'bad-value' && seek.isPasswordIn(text));
    if (!isThere) return undefined;
    throw refused(
      `can't be replaced: ${error.detail.charAt(0).toLowerCase()}${error.detail.slice(1).replace(/\.$/, '')}`,
    );
  }
  if (opened?.bare !== bare) return undefined;
  if (opened.login === undefined || login === undefined) return (next) => opened.fill(next);
  if (!isSameLogin(opened.login, login)) throw refused('names another login with it');
  // The server behind a login is spelt in each place as it is there.
  const suffix = login.slice(opened.login.length);
  return (next, to = login) =>
    opened.fill(next, to.endsWith(suffix) ? to.slice(0, to.length - suffix.length) : to);
}

/** Base64 of the credential, of `login:credential` as docker writes it, or of what can be read. */
function inBase64(
  text: string,
  sought: Sought,
  pointer: () => string,
  depth: number,
  refused: (why: string) => KeyturnError,
): Write | undefined {
  const { bare, login } = sought;
  const inside = unwrapped(text);
  if (inside === undefined || depth >= DEPTH_MAX) return undefined;
  const colon = inside.indexOf(':');
  if (colon >= 0 && inside.slice(colon + 1) === bare) {
    const user = inside.slice(0, colon);
    return (next, nextLogin) =>
      base64Like(text, `${user === login ? (nextLogin ?? user) : user}:${next}`);
  }
  const within = reading(inside, sought, pointer, depth + 1, refused);
  return within && ((next, nextLogin) => base64Like(text, within(next, nextLogin)));
}

/** What is left of a name without the words for login and password: `pg` of PGUSER and PGPASSWORD. */
const stemOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[-_.\s]/g, '')
    .replace(PASSWORD_WORD, '')
    .replace(LOGIN_WORD, '');

/** Members that are named as a pair, `PGUSER` and `PGPASSWORD`: another login's password is no place, and ours changes with its login. */
function loginsOfPairs(
  members: readonly Member[],
  known: readonly Member[],
  places: readonly Place[],
  { bare, login }: Sought,
  above: string,
): readonly Place[] {
  if (login === undefined || places.length === 0) return [];
  const stemIn = ({ path }: Member) =>
    `${pointerOf(path.slice(0, -1))} ${stemOf(path.at(-1) ?? '')}`;
  const named = members.filter(
    ({ path, value }) =>
      value !== '' && /(?:user[-_.]?(?:name|id)?|uid|login)$/i.test(path.at(-1) ?? ''),
  );
  const byStem = Map.groupBy(named, stemIn);
  const isOurs = ({ value }: Member) => value === login || value.startsWith(`${login}@`);
  const found = new Set<Member>();
  for (const { member } of places) {
    if (
      member.value.trim() !== bare ||
      !PASSWORD_WORD.test((member.path.at(-1) ?? '').toLowerCase())
    )
      continue;
    const logins = byStem.get(stemIn(member)) ?? [];
    if (logins.length > 0 && !logins.some(isOurs))
      throw new KeyturnError('bad-value', {
        detail: `The credential stands at ${quote(above + pointerOf(member.path))}, too, which is beside another login.`,
      });
    for (const each of logins)
      if (isOurs(each) && !known.includes(each) && each.fixed === undefined) found.add(each);
  }
  return [...found].map((member) => ({
    member,
    write: (_, next) => member.write((next ?? login) + member.value.slice(login.length)),
  }));
}

/** A second pair of login and password is one credential: neither changes without the other. */
function loginsBeside(
  others: readonly Member[],
  places: readonly Place[],
  known: readonly Member[],
  { login }: Sought,
): readonly Place[] {
  if (login === undefined) return [];
  const parents = new Set(places.map(({ member }) => pointerOf(member.path.slice(0, -1))));
  for (const { path } of known) parents.delete(pointerOf(path.slice(0, -1)));
  return others
    .filter(
      ({ path, value, fixed }) =>
        fixed === undefined &&
        value === login &&
        LOGIN_NAME.test(path.at(-1) ?? '') &&
        parents.has(pointerOf(path.slice(0, -1))),
    )
    .map((member) => ({ member, write: (_, next) => member.write(next ?? login) }));
}

export const changesOf = (
  places: readonly Place[],
  bare: string,
  login: string | undefined,
): readonly TextChange[] =>
  places.map(({ member: { start, end }, write }) => ({ start, end, text: write(bare, login) }));
