/**
 * The form in which a secret holds its credential (design section 2). Rotators see bare values only; what stands around
 * one is kept byte for byte, and a connection string that leads anywhere but to the target is refused (case SEC-02).
 */
import { type FormOptions, type FormSpec, keyOfPair } from '../core/formSpec.ts';
import { Secret } from '../core/secret.ts';
import { checkBeside } from './beside.ts';
import { type Document, type Member, memberOf, pointerOf } from './document.ts';
import { readJson } from './json.ts';
import { checkAzureAuth, checkDocker, openDockerAuth } from './known.ts';
import { readLines, readNetrc } from './lines.ts';
import { bad, type OpenText, spliced } from './part.ts';
import { changesOf, furtherPlaces, type Place } from './places.ts';
import { looksLikeDocument } from './shape.ts';
import { seeker } from './spelling.ts';
import { openText } from './text.ts';
import { readYaml } from './yaml.ts';

export interface Form {
  readonly form: 'bare' | 'connection-string' | 'json';
  /** The credential as the target knows it. */
  readonly bare: Secret;
  /** The login beside it, where the form carries one. */
  readonly login?: string;
  /** The value read with the white space at its ends as a part of the credential, where both can be meant. */
  readonly exact?: Form;
  /** The secret's value with another credential (and login) in its place and everything else as it was. */
  fill(bare: Secret, login?: string): Secret;
  /** Where the value holds another credential, too: a JSON pointer, or words. Undefined where it does not (case VAL-02). */
  elsewhere(other: Secret): string | undefined;
}

/** No credential and no connection string is longer; only a document is, as far as a vault takes one. */
const TEXT_MAX = 8192;

/** Stands for a credential of which nothing is known; every dialect can write it. */
const NEUTRAL = 'A'.repeat(40);

/** An opened value, and where else a text may stand in it. */
interface Opened extends OpenText {
  rest(): readonly { readonly where: string; readonly text: string }[];
}

/**
 * Opens a secret's value. Its time is linear in the value's length: whoever may write a secret must not keep the worker
 * from its neighbours (finding ATK-08).
 *
 * @param hosts hosts of the target, lower case, with port where it is not 443: what a connection string may name
 * @throws `bad-value` or `foreign-host`, saying what is wrong and nothing of the value
 */
export function openForm(value: Secret, wanted: FormOptions, hosts: readonly string[]): Form {
  const text = value.open();
  const { spec, field } = wanted;
  const opened =
    field === undefined
      ? opensAlone(text, spec, hosts)
      : opensDocument(text, { ...wanted, field }, hosts);
  checkLogin(spec, opened);
  const form = formOf(value, opened, spec);
  const hasEnds =
    spec.kind === 'login' && field === undefined && opened.form === 'bare' && opened.bare !== text;
  return hasEnds
    ? {
        ...form,
        exact: formOf(
          value,
          { form: 'bare', bare: text, fill: (bare) => bare, rest: () => [] },
          spec,
        ),
      }
    : form;
}

function formOf(value: Secret, { form, login, rest, ...opened }: Opened, spec: FormSpec): Form {
  const bare = new Secret(opened.bare);
  return {
    form,
    bare,
    ...(login === undefined ? {} : { login }),
    fill(next, nextLogin = login) {
      if (next.equals(bare) && nextLogin === login) return value; // also where one text has several spellings, as in JSON
      return new Secret(opened.fill(next.reveal(), nextLogin));
    },
    elsewhere(other) {
      const texts = rest();
      if (texts.length === 0) return undefined;
      const { holds } = seeker(keyIn(other.reveal(), spec));
      return texts.find(({ text }) => holds(text))?.where;
    },
  };
}

/** Of a pair, the key: it is what another place may hold alone. */
const keyIn = (bare: string, spec: FormSpec): string =>
  spec.kind === 'key' && spec.pair ? keyOfPair(spec.pair, bare) : bare;

/** The two-login kinds change the login with the password: a form without it would name the wrong one after a rotation. */
function checkLogin(spec: FormSpec, { form, login }: OpenText): void {
  if (spec.kind !== 'login' || !spec.required || login !== undefined) return;
  const where =
    form === 'json'
      ? 'name its member with the option `login-field`'
      : 'store a connection string or JSON';
  throw bad(`The value does not say which login it is for; ${where}.`);
}

/** White space and a byte order mark at the ends are no part of the credential (case VAL-03). */
function endsOf(text: string): {
  readonly before: string;
  readonly core: string;
  readonly after: string;
} {
  // A placeholder is one only exactly as it is written (case IAC-04).
  if (/^\s*keyturn:/.test(text)) return { before: '', core: text, after: '' };
  const left = text.replace(/^[\s\ufeff]+/, '');
  const core = left.trimEnd();
  return { before: text.slice(0, text.length - left.length), core, after: left.slice(core.length) };
}

/** In lines, blanks at the end of the last one are that line's. */
function documentEndsOf(text: string): ReturnType<typeof endsOf> {
  const { before, core, after } = endsOf(text);
  const blanks = /^[{[]/.test(core) ? '' : (/^[^\S\r\n]*/.exec(after)?.[0] ?? '');
  return { before, core: core + blanks, after: after.slice(blanks.length) };
}

function withEnds(text: string, spec: FormSpec, hosts: readonly string[]): OpenText {
  const { before, core, after } = endsOf(text);
  if (core === '') throw bad('The value is empty.');
  if (core.length > TEXT_MAX)
    throw bad(
      `The value has more than ${TEXT_MAX} characters, and no credential or connection string has.`,
    );
  const opened = openText(core, spec, hosts);
  return { ...opened, fill: (bare, login) => before + opened.fill(bare, login) + after };
}

function opensAlone(text: string, spec: FormSpec, hosts: readonly string[]): Opened {
  if (looksLikeDocument(text.replace(/^\ufeff/, '')))
    throw bad('The value is a JSON document; name the member with the option `field`.');
  const opened = withEnds(text, spec, hosts);
  return {
    ...opened,
    rest: () =>
      opened.form === 'bare'
        ? []
        : [{ where: 'the connection string', text: opened.fill(NEUTRAL) }],
  };
}

function opensDocument(
  text: string,
  wanted: FormOptions & { readonly field: string },
  hosts: readonly string[],
): Opened {
  const { before, core, after } = documentEndsOf(text);
  const document = readDocument(core);
  if (!document)
    throw bad(
      'The value is not a document that Keyturn can read (JSON, `.env`, properties, YAML, netrc), so it has no `field`.',
    );
  const member = memberOf(document, wanted.field);
  const inner = inMember(member, wanted.spec, hosts);
  const loginMember = loginMemberOf(document, member, inner, wanted);
  checkDocker(document, member);
  if (wanted.spec.kind === 'bare') checkAzureAuth(document, member, hosts);
  const login = loginMember?.value ?? inner.login;
  checkBeside(document, member, { spec: wanted.spec, hosts, bare: inner.bare, login });
  const known = [member, ...(loginMember ? [loginMember] : [])];
  const sought = {
    bare: inner.bare,
    seek: seeker(keyIn(inner.bare, wanted.spec)),
    login,
    spec: wanted.spec,
    hosts,
  };
  const own: Place = {
    member,
    write: (bare, next) =>
      member.write(inner.fill(bare, inner.login === undefined ? undefined : next)),
  };
  const places = [own, ...furtherPlaces(document, known, sought)];
  if (loginMember)
    places.push({
      member: loginMember,
      write: (_, next) => loginMember.write(next ?? loginMember.value),
    });
  return {
    form: 'json',
    bare: inner.bare,
    ...(login === undefined ? {} : { login }),
    fill(bare, next = login) {
      // What stays keeps its spelling.
      const changed = places.filter(({ member: at }) => at !== loginMember || next !== login);
      const filled = spliced(core, changesOf(changed, bare, next));
      mustKeep(document, readDocument(filled), places);
      return before + filled + after;
    },
    rest() {
      const written = new Set(places.map(({ member: at }) => at));
      return document.members
        .filter((each) => !written.has(each))
        .map((each) => ({ where: pointerOf(each.path), text: each.value }));
    },
  };
}

function inMember(member: Member, spec: FormSpec, hosts: readonly string[]): OpenText {
  if (member.value === '') throw bad('The value is empty.');
  if (looksLikeDocument(member.value))
    throw bad('The member is a JSON document in a string; name a member outside of it.');
  return openDockerAuth(member) ?? withEnds(member.value, spec, hosts);
}

function loginMemberOf(
  document: Document,
  member: Member,
  inner: OpenText,
  { loginField }: FormOptions,
): Member | undefined {
  if (loginField === undefined) return undefined;
  if (inner.login !== undefined)
    throw bad('The login stands in the connection string already: drop `login-field`.');
  const found = memberOf(document, loginField);
  if (found === member) throw bad('The options `field` and `login-field` name the same member.');
  return found;
}

export const readDocument = (text: string): Document | undefined => {
  const json = readJson(text);
  if (json || /^\s*\[/.test(text)) return json;
  if (/^\s*(?:export\s+)?[\w.[\]-]+[^\S\n]*=/.test(text.replace(/^(?:\s*[#!].*\n)+/, '')))
    return readLines(text);
  return readNetrc(text) ?? readYaml(text) ?? readLines(text);
};

/** Written as its readers read it, or not at all. */
function mustKeep(before: Document, after: Document | undefined, places: readonly Place[]): void {
  const written = new Set(places.map(({ member }) => member));
  const isKept = before.members.every((member, at) => {
    const now = after?.members[at];
    return now && (written.has(member) ? now.fixed === undefined : now.value === member.value);
  });
  if (!isKept || after?.members.length !== before.members.length)
    throw bad('The new credential or login cannot be written into the document.');
}
