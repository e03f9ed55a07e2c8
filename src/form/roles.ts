/** What the parts of a connection string are for: the credential, the login, hosts, and options that are refused (case SEC-02). */
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import type { Dialect } from './dialect.ts';
import { bad, type TextPart } from './part.ts';
import { refuseOption } from './refused.ts';

/** Where the credential and, in dialects that have one, the login stand. */
export interface Roles {
  readonly credential: TextPart;
  readonly login?: TextPart;
  /** The login without what Azure's servers once wanted behind it, `@server`. */
  readonly name?: string;
  readonly suffix: string;
}

/** Names of logins and passwords in other dialects than the one that is read. */
const OTHERS = new Set([
  'userid',
  'uid',
  'user',
  'username',
  'password',
  'pwd',
  'psw',
  'passwd',
  'password1',
  'pwd1',
]);

const DATABASE = new Set(['database', 'dbname', 'initialcatalog', 'databasename']);

/**
 * Sorts the parts. Refuses what is there twice, what logs in otherwise or leads elsewhere, and hosts that are not the target's.
 *
 * @param hosts hosts of the target, lower case; one without a port is meant with each of the dialect's
 * @throws `bad-value` or `foreign-host`, saying what is wrong and nothing of the value
 */
export function rolesOf(
  dialect: Dialect,
  parts: readonly TextPart[],
  hosts: readonly string[],
): Roles {
  refuseTwice(parts);
  const all = (names: readonly string[] = []) => parts.filter(({ name }) => names.includes(name));
  const own = new Set(
    [dialect.credential, dialect.login, dialect.hosts, dialect.port].flatMap(
      (names) => names ?? [],
    ),
  );
  for (const part of parts) {
    if (own.has(part.name)) continue;
    // Clients drop it without a word, or fail: what is there is no login, password or host (V4.5, V5).
    if (dialect.login && OTHERS.has(part.name))
      throw bad(
        `Clients of this form do not know \`${part.name}\`; write the name that they read.`,
      );
    refuse(part, dialect, hosts);
  }
  const credential = oneOf(all(dialect.credential), dialect);
  const login = loginOf(all(dialect.login), dialect);
  const addresses = addressesOf(dialect, all(dialect.hosts), all(dialect.port));
  checkHosts(dialect, addresses, hosts);
  for (const name of dialect.required ?? []) {
    if (!parts.some((part) => part.name === name))
      throw bad(`The connection string does without TLS: add \`${name}\`.`);
  }
  dialect.check?.(new Map(parts.map(({ name, value }) => [name, value])), hosts);
  return { credential, ...(login ? { login, ...nameIn(login, addresses) } : { suffix: '' }) };
}

/** Clients disagree about which of two counts: ODBC takes the first, ADO.NET the last, others fail (V1.1). */
function refuseTwice(parts: readonly TextPart[]): void {
  const seen = new Set<string>();
  for (const [index, { name }] of parts.entries()) {
    if (name === '') continue;
    if (seen.has(name))
      throw bad(
        `Element ${index + 1} of the connection string is there twice; leave one, for clients disagree.`,
      );
    seen.add(name);
  }
}

function refuse(part: TextPart, dialect: Dialect, hosts: readonly string[]): void {
  const names = hosts.map((host) => host.replace(/:\d+$/, ''));
  const isOwn = (value: string) => {
    const host = value.toLowerCase().replace(/^[a-z]+:\/\/|[:/].*$/g, '');
    return names.includes(host);
  };
  if (part.name === 'hostnameincertificate' && !isCertificateOf(part.value, names)) {
    throw bad("hostNameInCertificate of the connection string is not the target's; leave it out.");
  }
  // libpq opens a database name as a connection string when it looks like one.
  if (dialect.login && DATABASE.has(part.name) && /=|:\/\//.test(part.decoded ?? part.value)) {
    throw bad(
      'The database of the connection string is itself a connection string; write its name alone.',
    );
  }
  refuseOption(part, dialect.refused, isOwn);
}

/** The host itself, or a wildcard for the first label alone. */
const isCertificateOf = (value: string, names: readonly string[]): boolean =>
  names.some((host) => [host, `*${host.slice(host.indexOf('.'))}`].includes(value.toLowerCase()));

export function oneOf(found: readonly TextPart[], { credential, key, login }: Dialect): TextPart {
  const [part, ...more] = found;
  const what = login ? 'password' : (credential[0] ?? 'key');
  if (!part || (part.value === '' && !login))
    throw bad(`The connection string has no ${what}; store one that carries it.`);
  if (more.length > 0) throw bad(`The connection string has its ${what} twice; leave one.`);
  if (key && !key.test(part.value))
    throw bad(`What the connection string has as its ${what} is no key.`);
  return part;
}

function loginOf(found: readonly TextPart[], { login }: Dialect): TextPart | undefined {
  const [part, ...more] = found;
  if (more.length > 0) throw bad('The connection string has its login twice; leave one.');
  return login && part?.value !== '' ? part : undefined;
}

interface Address {
  /** Lower case. */
  readonly host: string;
  readonly port: string | undefined;
}

/** Stricter than a URL: parsers disagree about everything that this leaves out (`\`, `@`, tabs, paths, queries). */
const ENDPOINT = /^(?:https|sb|amqps):\/\/([a-z0-9.-]+)(?::(\d{1,5}))?\/?$/i;
/** SQL Server puts the port behind a comma and its protocol in front; the only one is TCP. */
const SQL_ADDRESS = /^(?:tcp:)?\s*([\w.-]+)\s*(?:,\s*(\d{1,5}))?$/i;
/** Elsewhere a comma parts hosts (libpq, Npgsql, MySqlConnector, drivers of Java), each of which may have its port. */
const NAME = /^([\w.-]+)(?::(\d{1,5}))?$/;
const FORMS = { address: ENDPOINT, sqlserver: SQL_ADDRESS, name: NAME } as const;

export function addressesOf(
  { hostIs, hostless }: Dialect,
  hosts: readonly TextPart[],
  ports: readonly TextPart[],
): readonly Address[] {
  if (hosts.length === 0 && !hostless)
    throw bad('The connection string names no host; store one that does.');
  if (ports.length > 1) throw bad('The connection string has its port twice; leave one.');
  const listed = ports[0]?.value.split(',').map((port) => port.trim());
  return hosts.flatMap(({ value }) => {
    const names = hostIs === 'name' ? value.split(',') : [value];
    if (listed && listed.length !== 1 && listed.length !== names.length)
      throw bad('The connection string has not as many ports as hosts.');
    return names.map((name, index) => {
      const [, host, own] = FORMS[hostIs].exec(name.trim()) ?? [];
      if (host === undefined)
        throw bad('A host of the connection string is not of the form that Keyturn can read.');
      const port = listed?.[listed.length === 1 ? 0 : index];
      if (own !== undefined && port !== undefined && own !== port)
        throw bad('The connection string has its port twice; leave one.');
      return { host: host.toLowerCase(), port: own ?? port };
    });
  });
}

function checkHosts(
  { ports }: Dialect,
  addresses: readonly Address[],
  hosts: readonly string[],
): void {
  const [standard = ''] = ports;
  const own = new Set(
    hosts.flatMap((host) => (host.includes(':') ? [host] : ports.map((port) => `${host}:${port}`))),
  );
  if (addresses.every(({ host, port }) => own.has(`${host}:${port || standard}`))) return;
  const known = hosts.map(quote).join(', ') || 'none known';
  throw new KeyturnError('foreign-host', {
    detail: `The connection string leads to a host that is not the target's (${known}).`,
  });
}

/** `app@server` is how Azure's servers once wanted the login `app` to be written. */
function nameIn(
  { value }: TextPart,
  addresses: readonly Address[],
): { readonly name: string; readonly suffix: string } {
  const at = value.lastIndexOf('@');
  const behind = value.slice(at + 1).toLowerCase();
  const isServer =
    at > 0 && addresses.some(({ host }) => [host, host.split('.')[0]].includes(behind));
  return isServer
    ? { name: value.slice(0, at), suffix: value.slice(at) }
    : { name: value, suffix: '' };
}

/** Whether a login of a string is the one beside it, which may be spelt with the server behind it. */
export const isSameLogin = (inString: string | undefined, beside: string): boolean =>
  inString === beside || (inString !== undefined && beside.startsWith(`${inString}@`));
