/** A text without a document around it: a connection string in one of the kind's dialects, or the bare credential. */
import { type FormSpec, type KeyPair, pairOf } from '../core/formSpec.ts';
import type { Dialect } from './dialect.ts';
import { keyDialects, loginDialects } from './dialects.ts';
import { bad, type OpenText, spliced, type TextPart } from './part.ts';
import { type Roles, rolesOf } from './roles.ts';
import { refuseShape } from './shape.ts';

const dialectsOf = (spec: FormSpec): readonly Dialect[] => {
  if (spec.kind === 'login') return loginDialects[spec.server];
  return spec.kind === 'key' ? spec.dialects.map((id) => keyDialects[id]) : [];
};

/**
 * Opens what is not empty and has no white space at its ends.
 *
 * @throws `bad-value` or `foreign-host`, saying what is wrong and nothing of the value
 */
export function openText(text: string, spec: FormSpec, hosts: readonly string[]): OpenText {
  const string = openString(text, spec, hosts);
  if (string) return string;
  refuseShape(text, spec);
  return { form: 'bare', bare: text, fill: (bare) => bare };
}

/** The text as a connection string of the kind; undefined where it is meant as none. */
export function openString(
  text: string,
  spec: FormSpec,
  hosts: readonly string[],
): OpenText | undefined {
  const dialect = dialectsOf(spec).find(({ isMeant }) => isMeant(text));
  if (!dialect) return undefined;
  if ((dialect.lines ? /[^\P{Cc}\t\r\n]/u : /\p{Cc}/u).test(text))
    throw bad('The connection string has line breaks or control characters.');
  if (spec.kind === 'key' && spec.pair) return openPair(text, dialect, spec.pair, hosts);
  const opened = openIn(dialect, text, hosts);
  if (spec.kind === 'login' && spec.required && opened.login === undefined)
    throw bad('The connection string has no login; store one that names it.');
  return opened;
}

export function partsOf(dialect: Dialect, text: string): readonly TextPart[] {
  // Clients differ in which of these they trim: one of them would read another name or password (V1.1).
  if (/[\ufeff\u200b-\u200f\u2060\p{Zl}\p{Zp}]|[^\P{Zs} ]/u.test(text))
    throw bad('The connection string has blanks or marks that cannot be seen; write it anew.');
  const parts = dialect.read(text);
  if (parts.some(({ value }) => /\p{Cc}/u.test(value)))
    throw bad('The connection string has line breaks or control characters in a value.');
  return parts;
}

function openIn(dialect: Dialect, text: string, hosts: readonly string[]): OpenText {
  const roles = rolesOf(dialect, partsOf(dialect, text), hosts);
  const inner = dialect.inner && openIn(dialect.inner(), roles.credential.value, hosts);
  const bare = inner ? inner.bare : roles.credential.value;
  const login = inner ? inner.login : roles.name;
  return {
    form: 'connection-string',
    bare,
    ...(login === undefined ? {} : { login }),
    fill(next, nextLogin = login) {
      if (next === bare && nextLogin === login) return text;
      const filled = spliced(text, changesOf(roles, inner, next, nextLogin));
      mustRead(dialect, filled, hosts, { bare: next, login: nextLogin });
      return filled;
    },
  };
}

function changesOf(
  { credential, login, name, suffix }: Roles,
  inner: OpenText | undefined,
  bare: string,
  to?: string,
) {
  const put = (part: Roles['credential'], text: string) => ({
    start: part.start,
    end: part.end,
    text: part.write(text),
  });
  if (inner) return [put(credential, inner.fill(bare, to))];
  return [
    ...(bare === credential.value ? [] : [put(credential, bare)]),
    ...(login && to !== undefined && to !== name ? [put(login, to + suffix)] : []),
  ];
}

/** Written as clients read it, or not at all: what has been written is read again, by the same rules. */
function mustRead(
  dialect: Dialect,
  text: string,
  hosts: readonly string[],
  wanted: { bare: string; login: string | undefined },
) {
  const again = dialect.isMeant(text) ? openIn(dialect, text, hosts) : undefined;
  if (again?.bare === wanted.bare && again.login === wanted.login) return;
  throw bad('The new login or password cannot be written into the connection string.');
}

/** App Configuration: the key's name changes with the key, so that both are the credential. */
function openPair(
  text: string,
  dialect: Dialect,
  pair: KeyPair,
  hosts: readonly string[],
): OpenText {
  const parts = partsOf(dialect, text);
  const isAlone = parts.length === 2;
  const named = parts.filter(({ name }) => name === pair.name);
  const [id] = named;
  const { credential } = rolesOf(isAlone ? { ...dialect, hostless: true } : dialect, parts, hosts);
  if (!id || named.length > 1 || !/^[^\s;,]+$/.test(id.value)) {
    throw bad(
      `The connection string has no ${pair.name}, which changes with its ${pair.key}; store both.`,
    );
  }
  return {
    form: isAlone ? 'bare' : 'connection-string',
    bare: pairOf(pair, id.value, credential.value),
    fill(next) {
      // The preflight measures with a text that is no pair: it stands in both places then.
      const fresh = new Map(
        /[;=]/.test(next.replace(/={1,2}$/, ''))
          ? dialect.read(next).map((part) => [part.name, part.value])
          : [],
      );
      const put = (part: typeof id) => ({
        start: part.start,
        end: part.end,
        text: part.write(fresh.size > 0 ? (fresh.get(part.name) ?? '') : next),
      });
      const filled = spliced(text, [put(credential), put(id)]);
      if (fresh.size === 0) return filled;
      const again = openPair(filled, dialect, pair, hosts);
      if (again.bare !== next)
        throw bad('The new credential cannot be written into the connection string.');
      return filled;
    },
  };
}
