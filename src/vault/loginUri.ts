/** URIs with logins, and JDBC's with a query (RFC 3986; PostgreSQL manual, 34.1.1.2; Connector/J and pgJDBC manuals). */
import { elementsOf } from './loginElements.ts';
import { bad, type LoginServer, nameOf, type Part } from './loginParts.ts';

const SCHEMES: Readonly<Record<LoginServer, RegExp>> = {
  sqlserver: /^(mssql|sqlserver)(\+\w+)?$/,
  postgresql: /^postgres(ql)?(\+\w+)?$/,
  mysql: /^(mysql|mariadb)(\+\w+)?$/,
};
const JDBC: Readonly<Record<LoginServer, RegExp>> = {
  sqlserver: /^sqlserver$/,
  postgresql: /^postgresql$/,
  mysql: /^(mysql|mariadb)(:(replication|loadbalance|failover|sequential))?$/,
};

/** `scheme://authority/path?query`; clients disagree about fragments, and blanks are in no address. */
const URI =
  /^(?<scheme>jdbc:[a-z][a-z:]*|[a-z][a-z0-9+.-]*):\/\/(?<authority>[^\s/?#]*)(?<path>\/[^\s?#]*)?(?:\?(?<query>[^\s#]*))?$/i;
const JDBC_SQLSERVER = /^jdbc:sqlserver:\/\/(?<authority>[^\s/?#;]*)(?=;)/i;
/** RFC 3986's userinfo, the first colon apart. */
const USERINFO = /^(?<login>(?:[\w.~!$&'()*,;=-]|%[0-9a-f]{2})+):(?<password>(?:[\w.~!$&'()*,;=:-]|%[0-9a-f]{2})*)$/i;
const HOSTS = /^[\w.-]+(:\d{1,5})?(,[\w.-]+(:\d{1,5})?)*$/;
const CREDENTIAL_OR_ADDRESS = /^(user|username|userid|uid|password|pwd|host|hostaddr|port)$/;

export const looksLikeUri = (text: string): boolean => /^\s*(jdbc:|[a-z][a-z0-9+.-]*:\/\/)/i.test(text);

/** The parts of the address, userinfo and query alike. */
export function uriParts(text: string, server: LoginServer): readonly Part[] {
  const elements = server === 'sqlserver' ? JDBC_SQLSERVER.exec(text) : null;
  if (elements) {
    const { authority = '' } = elements.groups ?? {};
    return [...hostsOf(authority, text.indexOf('//') + 2), ...elementsOf(text, 'jdbc', elements[0].length)];
  }
  const { scheme = '', authority = '', path = '', query = '' } = URI.exec(text)?.groups ?? {};
  const jdbc = /^jdbc:/i.test(scheme);
  const known = jdbc ? JDBC[server].test(scheme.slice(5).toLowerCase()) : SCHEMES[server].test(scheme.toLowerCase());
  if (!known || (jdbc && server === 'sqlserver')) {
    throw bad('The address is none that Keyturn can read for this kind of server; write it as in the manual.');
  }
  const at = text.indexOf('//') + 2;
  const from = authority.lastIndexOf('@') + 1;
  const user = from === 0 ? [] : userOf(authority.slice(0, from - 1), at);
  const pairs = pairsOf(query, at + authority.length + path.length + 1);
  if (!jdbc && server === 'mysql' && pairs.some(({ name }) => CREDENTIAL_OR_ADDRESS.test(name))) {
    throw bad('Clients of MySQL read login, password and host in front of the `/` alone; write them there.');
  }
  return [...user, ...hostsOf(authority.slice(from), at + from), ...pairs];
}

function userOf(text: string, at: number): readonly Part[] {
  const { login, password } = USERINFO.exec(text)?.groups ?? {};
  if (login === undefined || password === undefined) {
    throw bad('Login and password of the address cannot be told apart for certain; percent-encode both.');
  }
  return [encoded('user', login, at), encoded('password', password, at + login.length + 1)];
}

function hostsOf(text: string, start: number): readonly Part[] {
  if (text === '') return [];
  if (!HOSTS.test(text)) throw bad('The host of the address is not of the form that Keyturn can read.');
  // SQL Server's drivers know one host, with a colon before its port here and a comma elsewhere.
  const [host = '', port] = text.split(':');
  const end = start + text.length;
  const write = () => text;
  if (text.includes(',') || port === undefined) return [{ name: 'host', value: text, start, end, write }];
  const place = { start, end, write };
  return [
    { ...place, name: 'host', value: host },
    { ...place, name: 'port', value: port },
  ];
}

function pairsOf(query: string, start: number): readonly Part[] {
  const parts: Part[] = [];
  let at = start;
  for (const pair of query === '' ? [] : query.split('&')) {
    const [, name, value] = /^([\w.-]+)=([^=]*|.*)$/.exec(pair) ?? [];
    if (name === undefined || value === undefined) {
      throw bad(`Element ${parts.length + 1} behind the \`?\` is not of the form name=value.`);
    }
    parts.push(encoded(name, value, at + name.length + 1));
    at += pair.length + 1;
  }
  return parts;
}

/** What a value is for decides whether it has to be readable: only credentials and addresses have. */
function encoded(name: string, raw: string, start: number): Part {
  const matters = CREDENTIAL_OR_ADDRESS.test(nameOf(name));
  return { name: nameOf(name), value: matters ? decoded(raw) : raw, start, end: start + raw.length, write: encode };
}

function decoded(raw: string): string {
  // A plus is itself to some clients and a blank to others.
  if (raw.includes('+')) throw bad('Write `%2B` for a plus and `%20` for a blank in login and password.');
  try {
    return decodeURIComponent(raw);
  } catch {
    throw bad('Login or password of the address are not percent-encoded as UTF-8.');
  }
}

const encode = (value: string): string =>
  encodeURIComponent(value).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
