/**
 * The form in which a secret holds its credential (design section 2). Rotators see bare values only; what stands around
 * one is kept byte for byte, and a connection string that leads anywhere but to the target is refused (case SEC-02).
 */
import { KeyturnError } from '../core/errors.ts';
import type { FormSpec } from '../core/formSpec.ts';
import { Secret } from '../core/secret.ts';
import { locate } from './jsonField.ts';
import { keyString } from './keyForm.ts';
import { loginString } from './loginForm.ts';
import type { OpenText } from './openText.ts';
import { keySpan, looksLikeConnectionString } from './storageForm.ts';

export interface Form {
  readonly form: 'bare' | 'connection-string' | 'json';
  /** The credential as the target knows it. */
  readonly bare: Secret;
  /** The login beside it, where the form carries one. */
  readonly login?: string;
  /** The secret's value with another credential (and login) in its place and everything else as it was. */
  fill(bare: Secret, login?: string): Secret;
}

/** Where in the value the credential stands: the owner's options and the kind's forms. */
export interface Wanted {
  readonly spec: FormSpec;
  /** Option `field`: a JSON pointer (`/a/b`) or the name of a member at the top. */
  readonly field?: string;
  /** Option `login-field`: the same for the login. */
  readonly loginField?: string;
}

/** No credential and no connection string is longer; only a document is, as far as a vault takes one. */
const TEXT_MAX = 8192;

/**
 * Opens a secret's value. Its time is linear in the value's length: whoever may write a secret must not keep the worker
 * from its neighbours (finding ATK-08).
 *
 * @param hosts hosts of the target, lower case, with port where it is not 443: what a connection string may name
 * @throws `bad-value` or `foreign-host`, saying what is wrong and nothing of the value
 */
export function openForm(value: Secret, wanted: Wanted, hosts: readonly string[]): Form {
  const text = value.open();
  const opened = wanted.field === undefined ? plain(text, wanted.spec, hosts) : document(text, wanted, hosts);
  const bare = new Secret(opened.bare);
  const { form, login } = opened;
  checkLogin(wanted.spec, form, login);
  return {
    form,
    bare,
    ...(login === undefined ? {} : { login }),
    fill(next, nextLogin = login) {
      if (next.equals(bare) && nextLogin === login) return value; // also where one text has several spellings, as in JSON
      return new Secret(opened.fill(next.reveal(), nextLogin));
    },
  };
}

/** The two-login kinds change the login with the password: a form without it would name the wrong one after a rotation. */
function checkLogin(spec: FormSpec, form: Form['form'], login: string | undefined): void {
  if (spec.kind !== 'login' || !spec.required || login !== undefined) return;
  const where = form === 'json' ? 'name its member with the option `login-field`' : 'store a connection string or JSON';
  throw bad(`The value does not say which login it is for; ${where}.`);
}

const bad = (detail: string): KeyturnError => new KeyturnError('bad-value', { detail });

function plain(text: string, spec: FormSpec, hosts: readonly string[]): OpenText {
  if (text === '') throw bad('The value is empty.');
  if (text.length > TEXT_MAX && !looksLikeDocument(text))
    throw bad(`The value has more than ${TEXT_MAX} characters, and no credential or connection string has.`);
  if (looksLikeDocument(text)) throw bad('The value is a JSON document; name the member with the option `field`.');
  if (/(^|[?&;])sig=[^;]*/i.test(text)) throw bad('The value is a shared access signature, which no rotator replaces.');
  return connectionString(text, spec, hosts) ?? { form: 'bare', bare: text, fill: (bare) => bare };
}

/** The value as a connection string of the kind; undefined where it is none. */
function connectionString(text: string, spec: FormSpec, hosts: readonly string[]): OpenText | undefined {
  if (spec.kind === 'key') return keyString(text, spec.string, hosts);
  if (spec.kind === 'login') return loginString(text, spec.server, hosts);
  if (!looksLikeConnectionString(text)) return undefined;
  if (spec.kind === 'bare')
    throw bad('The value is a connection string, and this kind has none; store the bare value.');
  const { start, end } = keySpan(text, hosts);
  return {
    form: 'connection-string',
    bare: text.slice(start, end),
    fill: (bare) => text.slice(0, start) + withoutSeparators(bare) + text.slice(end),
  };
}

function document(text: string, { spec, field = '', loginField }: Wanted, hosts: readonly string[]): OpenText {
  const place = locate(text, field);
  const inner = plain(JSON.parse(text.slice(place.start, place.end)) as string, spec, hosts);
  if (loginField === undefined) {
    return { ...inner, form: 'json', fill: (bare, login) => replaced(text, [[place, inner.fill(bare, login)]]) };
  }
  if (inner.login !== undefined) throw bad('The login stands in the connection string already: drop `login-field`.');
  const loginPlace = locate(text, loginField);
  if (loginPlace.start === place.start) throw bad('The options `field` and `login-field` name the same member.');
  const login = JSON.parse(text.slice(loginPlace.start, loginPlace.end)) as string;
  return {
    form: 'json',
    bare: inner.bare,
    login,
    fill(bare, next = login) {
      const changes: Change[] = [[place, inner.fill(bare)]];
      // A login that stays keeps its spelling.
      if (next !== login) changes.push([loginPlace, next]);
      return replaced(text, changes);
    },
  };
}

type Change = readonly [place: { readonly start: number; readonly end: number }, text: string];

/** The document with strings written into some of its places, the last first so that the others keep theirs. */
function replaced(text: string, changes: readonly Change[]): string {
  const fromTheEnd = [...changes].sort(([left], [right]) => right.start - left.start);
  return fromTheEnd.reduce(
    (so, [{ start, end }, put]) => so.slice(0, start) + JSON.stringify(put) + so.slice(end),
    text,
  );
}

function withoutSeparators(bare: string): string {
  if (/[;\s]/.test(bare)) throw bad('The new credential cannot be written into a connection string.');
  return bare;
}

function looksLikeDocument(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // not JSON is an answer, not a failure
  }
}
