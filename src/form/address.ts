/**
 * Addresses with a credential: `scheme://login:password@host:port/path?name=value`, and JDBC's with a query (RFC 3986; PostgreSQL
 * manual, 34.1.1.2; Connector/J and pgJDBC manuals). What clients read in two ways is refused, never guessed (V1.2, V1.3).
 */
import { bad, nameOf, type TextPart } from './part.ts';

export interface AddressGrammar {
  /** What stands before `://`; its case counts where clients make it count. */
  readonly scheme: RegExp;
  /** Where login and password may stand: before the host, in the query, or in either. */
  readonly credentials: 'userinfo' | 'query' | 'either';
  /** Names behind the `?` count in small letters alone. */
  readonly exactNames?: true;
  /** The password may stand without a login (Redis: the default user). */
  readonly noLogin?: true;
}

/** `scheme://authority/path?query`; clients disagree about fragments, and blanks are in no address. */
const ADDRESS =
  /^(?<scheme>jdbc:[a-z][a-z:]*|[a-z][a-z0-9+.-]*):\/\/(?<authority>[^\s/?#]*)(?<path>\/[^\s?#]*)?(?:\?(?<query>[^\s#]*))?$/i;
/** RFC 3986's userinfo, the first colon apart; a plus is a plus to every client there. */
const USERINFO =
  /^(?<login>(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*):(?<password>(?:[\w.~!$&'()*+,;=:-]|%[0-9a-f]{2})*)$/i;
const HOSTS = /^[\w.-]+(:\d{1,5})?(,[\w.-]+(:\d{1,5})?)*$/;
const CREDENTIAL_OR_ADDRESS =
  /^(user|username|userid|uid|password|pwd|psw|passwd|host|hostaddr|port)$/;

export const looksLikeAddress = (text: string): boolean =>
  /^(jdbc:|[a-z][a-z0-9+.-]*:\/\/)/i.test(text);
export const schemeOf = (text: string): string =>
  /^(jdbc:[a-z][a-z:]*|[a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1] ?? '';

/** The parts of the address, userinfo and query alike. */
export function addressParts(text: string, grammar: AddressGrammar): readonly TextPart[] {
  const { authority, path, query } = piecesOf(text);
  if (!grammar.scheme.test(schemeOf(text)))
    throw bad(
      'The scheme of the address is none that is read here: write it in small letters, and the one that means TLS.',
    );
  const at = text.indexOf('//') + 2;
  const from = authority.lastIndexOf('@') + 1;
  if (from > 0 && grammar.credentials === 'query')
    throw bad(
      'Clients of this address read login and password behind the `?` alone; write them there.',
    );
  const user = from === 0 ? [] : userOf(authority.slice(0, from - 1), at, grammar);
  const pairs = pairsOf(query, at + authority.length + path.length + 1, grammar.exactNames);
  if (
    grammar.credentials === 'userinfo' &&
    pairs.some(({ name }) => CREDENTIAL_OR_ADDRESS.test(name))
  )
    throw bad('Clients read login, password and host in front of the `/` alone; write them there.');
  return [...user, ...hostsOf(authority.slice(from), at + from), ...pairs];
}

export const pathOf = (text: string): string => piecesOf(text).path;

function piecesOf(text: string) {
  const { authority, path = '', query = '' } = ADDRESS.exec(text)?.groups ?? {};
  if (authority !== undefined) return { authority, path, query };
  throw bad(
    'The address is not of the form scheme://login:password@host; percent-encode what is special in it.',
  );
}

/** What stands behind the `?`, each pair with its value as it is written. */
export const queryOf = (text: string): readonly TextPart[] => {
  const { authority, path, query } = piecesOf(text);
  return pairsOf(query, text.indexOf('//') + 2 + authority.length + path.length + 1);
};

function userOf(text: string, at: number, { noLogin }: AddressGrammar): readonly TextPart[] {
  const { login, password } = USERINFO.exec(text)?.groups ?? {};
  if (login === undefined || password === undefined || (login === '' && !noLogin)) {
    throw bad(
      'Login and password of the address cannot be told apart for certain; percent-encode both.',
    );
  }
  const user = login === '' ? [] : [encoded('user', login, at)];
  return [...user, encoded('password', password, at + login.length + 1)];
}

/** The hosts of an authority, in one part; the port apart where there is one host. */
export function hostsOf(text: string, start: number): readonly TextPart[] {
  if (text === '') return [];
  if (!HOSTS.test(text))
    throw bad('The host of the address is not of the form that Keyturn can read.');
  const [host = '', port] = text.split(':');
  const place = { start, end: start + text.length, write: () => text };
  if (text.includes(',') || port === undefined) return [{ ...place, name: 'host', value: text }];
  return [
    { ...place, name: 'host', value: host },
    { ...place, name: 'port', value: port },
  ];
}

function pairsOf(query: string, start: number, exactNames?: true): readonly TextPart[] {
  const parts: TextPart[] = [];
  let at = start;
  for (const pair of query === '' ? [] : query.split('&')) {
    const [, name, value] = /^((?:[\w.$+-]|%20)+)=(.*)$/.exec(pair) ?? [];
    if (name === undefined || value === undefined) {
      throw bad(`Element ${parts.length + 1} behind the \`?\` is not of the form name=value.`);
    }
    const part = inQuery(name, value, at + name.length + 1);
    if (exactNames && CREDENTIAL_OR_ADDRESS.test(part.name) && name !== part.name)
      throw bad(
        'Clients of this address read login, password and host behind the `?` in small letters alone.',
      );
    parts.push(part);
    at += pair.length + 1;
  }
  return parts;
}

/** What a value is for decides whether it has to be readable: only credentials and addresses have. */
function inQuery(spelt: string, raw: string, start: number): TextPart {
  const name = nameOf(spelt.replace(/\+|%20/g, ' '));
  const part = { name, start, end: start + raw.length, write: encoder(raw) };
  if (!CREDENTIAL_OR_ADDRESS.test(name)) return { ...part, value: raw, ...decodedIn(raw) };
  // A plus is itself to libpq and a blank to others; they disagree about a second equals sign, too.
  if (raw.includes('+'))
    throw bad('Write `%2B` for a plus and `%20` for a blank in login and password.');
  if (raw.includes('=')) throw bad('Write `%3D` for an equals sign in login and password.');
  return { ...part, value: decoded(raw) };
}

/** What an option that is never written means to clients that decode it, a plus as a blank. */
function decodedIn(raw: string): { readonly decoded?: string } {
  if (!/[%+]/.test(raw)) return {};
  try {
    return { decoded: decodeURIComponent(raw.replaceAll('+', ' ')) };
  } catch {
    return {}; // as it stands is all that it says
  }
}

const encoded = (name: string, raw: string, start: number): TextPart => ({
  name,
  value: decoded(raw),
  start,
  end: start + raw.length,
  write: encoder(raw),
});

/** Encodes with small letters where the present text does. */
export function encoder(raw: string): (value: string) => string {
  const codes = raw.match(/%[0-9a-f]{2}/gi)?.join('') ?? '';
  if (codes === codes.toUpperCase()) return encode;
  return (value) => encode(value).replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
}

/** Percent-encoding undone. @throws `bad-value` */
export function decoded(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw bad('Login or password of the address are not percent-encoded as UTF-8.');
  }
}

/** Everything but `A-Za-z0-9-_.~` encoded: every client reads that as meant (V1.2). @throws `bad-value` for half a character */
export function encode(value: string): string {
  if (!value.isWellFormed()) throw bad('The new login or password is not well-formed text.');
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
