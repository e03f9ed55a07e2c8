/** What the dialects of connection strings with logins have in common: parts with their places, and what each is for. */
import { KeyturnError } from '../core/errors.ts';

export type LoginServer = 'sqlserver' | 'postgresql' | 'mysql';

/** One `name=value`, or a piece of an address, with its place in the text. */
export interface Part {
  /** Lower case, without spaces and underscores: `userid`. */
  readonly name: string;
  /** The value as the client reads it, without quotes and escapes. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
  /** Another value as this dialect writes it in the place of this one. */
  write(next: string): string;
}

/** Where the credential and the addresses stand. */
export interface Roles {
  readonly login: Part;
  readonly password: Part;
  /** Hosts in order, each with the port that belongs to it. */
  readonly addresses: readonly Address[];
}

export interface Address {
  readonly host: string;
  readonly port: string | undefined;
}

export const bad = (detail: string): KeyturnError => new KeyturnError('bad-value', { detail });
export const nameOf = (text: string): string => text.toLowerCase().replace(/[\s_]/g, '');

const LOGIN = new Set(['userid', 'uid', 'user', 'username']);
const PASSWORD = new Set(['password', 'pwd', 'psw']);
const PORT = new Set(['port', 'portnumber']);
/** Partners, too: a client that finds the server down goes there with the same password. */
const HOST = new Set([
  ...['server', 'datasource', 'address', 'addr', 'networkaddress', 'host', 'hostname', 'hostaddr', 'servername'],
  ...['failoverpartner', 'failoverserver', 'failoverpartnername'],
]);
const DATABASE = new Set(['database', 'dbname', 'initialcatalog', 'databasename']);

/** Says that a client logs in by other means, whatever it is set to, but for these words that mean "by password". */
const BY_OTHER_MEANS: Readonly<Record<string, RegExp>> = {
  integratedsecurity: /^(false|no)$/i,
  trustedconnection: /^(false|no)$/i,
  authentication: /^(sql ?password|notspecified|)$/i,
};

/** Sends the password without TLS, or to whoever answers in the server's place (case SEC-02). */
const UNSAFE: Readonly<Record<string, RegExp>> = {
  trustservercertificate: /^(true|yes|1)$/i,
  encrypt: /^(false|no|optional|0)$/i,
  ssl: /^(false|no|off|0)$/i,
  usessl: /^(false|no|off|0)$/i,
  sslmode: /^(none|disabled?|allow)$/i,
};

/** Names that could lead elsewhere or carry another credential; those that do neither are `HARMLESS`. */
const SUSPICIOUS =
  /host|server|addr|source|partner|proxy|socket|pipe|endpoint|url|dsn|service|file|odbcconnect|integrated|trusted|auth|token|passw|pwd|user|uid|login|plugin/;
const HARMLESS = new Set([
  ...['trustservercertificate', 'hostnameincertificate', 'servercertificate', 'serverspn', 'failoverpartnerspn'],
  ...['logintimeout', 'sockettimeout', 'passwordcharacterencoding', 'sslpassword', 'certificatepassword'],
  ...['certificatefile', 'keystorepassword', 'truststorepassword', 'allowuservariables', 'loginwarnings'],
  ...['clientcertificatekeystorepassword', 'trustcertificatekeystorepassword', 'trustcertificatekeystoreurl'],
  ...['clientcertificatekeystoreurl', 'servertimezone', 'useserverprepstmts', 'cacheserverconfiguration'],
  ...['targetservertype', 'servercompatibilitymode', 'loadbalancehosts', 'hostrecheckseconds', 'requireauth'],
  ...['logservererrordetail', 'assumeminserverversion', 'serverrsapublickeyfile', 'multisubnetfailover'],
]);

/** Sorts the parts. Refuses what is there twice, what logs in otherwise, and every name that could lead elsewhere. */
export function rolesOf(server: LoginServer, parts: readonly Part[]): Roles {
  refuseTwice(parts);
  for (const [index, part] of parts.entries()) refuseStranger(part, index + 1);
  const all = (names: ReadonlySet<string>) => parts.filter(({ name }) => names.has(name));
  const [login, ...logins] = all(LOGIN);
  const [password, ...passwords] = all(PASSWORD);
  if (!login || login.value === '') throw bad('The connection string has no login; store one that names it.');
  if (!password) throw bad('The connection string has no password; store one that carries it.');
  if (logins.length + passwords.length > 0) {
    throw bad('The connection string has its login or its password twice; leave one of each.');
  }
  return { login, password, addresses: addressesOf(server, all(HOST), all(PORT)) };
}

function refuseTwice(parts: readonly Part[]): void {
  const seen = new Set<string>();
  for (const [index, { name }] of parts.entries()) {
    if (seen.has(name)) {
      throw bad(`Element ${index + 1} of the connection string is there twice; leave one, for clients disagree.`);
    }
    seen.add(name);
  }
}

function refuseStranger({ name, value }: Part, number: number): void {
  const byPassword = BY_OTHER_MEANS[name];
  if (byPassword && !byPassword.test(value)) {
    throw bad('The connection string logs in with an identity; it holds no password that could be replaced.');
  }
  if (UNSAFE[name]?.test(value)) {
    throw bad('The connection string does without TLS, or without a look at the certificate; let it ask for both.');
  }
  // libpq opens a database name as a connection string when it looks like one.
  if (DATABASE.has(name) && /=|:\/\//.test(value)) {
    throw bad('The database of the connection string is itself a connection string; write its name alone.');
  }
  const known = byPassword || [LOGIN, PASSWORD, PORT, HOST, DATABASE, HARMLESS].some((names) => names.has(name));
  if (!known && SUSPICIOUS.test(name)) {
    throw bad(`Element ${number} of the connection string is none that Keyturn knows to be safe; take it out.`);
  }
}

/** SQL Server puts the port behind a comma and its protocol in front; the only one is TCP. */
const SQL_ADDRESS = /^(?:tcp:)?\s*([\w.-]+)\s*(?:,\s*(\d{1,5}))?$/i;
/** Elsewhere a comma parts hosts (libpq, Npgsql, MySqlConnector, drivers of Java), each of which may have its port. */
const ADDRESS = /^([\w.-]+)(?::(\d{1,5}))?$/;

function addressesOf(server: LoginServer, hosts: readonly Part[], ports: readonly Part[]): readonly Address[] {
  if (hosts.length === 0) throw bad('The connection string names no host; store one that does.');
  if (ports.length > 1) throw bad('The connection string has its port twice; leave one.');
  const listed = ports[0]?.value.split(',').map((port) => port.trim());
  return hosts.flatMap(({ value }) => {
    const names = server === 'sqlserver' ? [value] : value.split(',');
    if (listed && listed.length !== 1 && listed.length !== names.length) {
      throw bad('The connection string has not as many ports as hosts.');
    }
    return names.map((name, index) => {
      const [, host, own] = (server === 'sqlserver' ? SQL_ADDRESS : ADDRESS).exec(name.trim()) ?? [];
      if (host === undefined) throw bad('A host of the connection string is not of the form that Keyturn can read.');
      const port = listed?.[listed.length === 1 ? 0 : index];
      if (own !== undefined && port !== undefined && own !== port) {
        throw bad('The connection string has its port twice; leave one.');
      }
      return { host: host.toLowerCase(), port: own ?? port };
    });
  });
}

/** The text with other values in the places of some parts; the last is written first, so that the others keep theirs. */
export function written(text: string, changes: readonly (readonly [Part, string])[]): string {
  const fromTheEnd = [...changes].sort(([left], [right]) => right.start - left.start);
  return fromTheEnd.reduce((so, [part, next]) => so.slice(0, part.start) + part.write(next) + so.slice(part.end), text);
}
