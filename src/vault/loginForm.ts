/**
 * Connection strings with a login: ADO.NET, ODBC, JDBC, URIs and libpq's keywords. As strict as those of storage accounts
 * (case SEC-02): every host has to be the target's, and what two clients could read in two ways is refused.
 */
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import { elementsOf } from './loginElements.ts';
import { keywordsOf } from './loginKeywords.ts';
import { type Address, bad, type LoginServer, type Part, type Roles, rolesOf, written } from './loginParts.ts';
import { looksLikeUri, uriParts } from './loginUri.ts';
import type { OpenText } from './openText.ts';

/** Standard ports: a host of the target that names none is meant with this one. */
const PORTS: Readonly<Record<LoginServer, string>> = { sqlserver: '1433', postgresql: '5432', mysql: '3306' };

/** Names that begin an element of the kinds of strings that are read here. */
const ELEMENT =
  /(?:^|[;\s])(?:server|data ?source|addr(ess)?|host(name|addr)?|user ?(id|name)?|uid|password|pwd|driver|dsn|database|dbname|initial catalog|integrated[ _]security|trusted[ _]connection)\s*=/i;
const NAME = /^\w[\w ]*$/;
const VALUE = /^(?:"[^"]*"|'[^']*'|[^;\s'"]*)/;

/**
 * Opens one; undefined where the text is none but a bare password.
 *
 * @param hosts hosts of the target, lower case; one without a port is meant with the standard port of `server`
 * @throws `bad-value` or `foreign-host`, saying what is wrong and nothing of the value
 */
export function loginString(text: string, server: LoginServer, hosts: readonly string[]): OpenText | undefined {
  if (!looksLikeUri(text) && !ELEMENT.test(text)) return undefined;
  const read = (so: string) => {
    const roles = rolesOf(server, partsOf(so, server));
    return { ...roles, ...loginAndSuffix(roles, server, hosts) };
  };
  const { login, password, name, suffix } = read(text);
  return {
    form: 'connection-string',
    bare: password.value,
    login: name,
    fill(bare, nextName = name) {
      const changes: [Part, string][] = [];
      if (bare !== password.value) changes.push([password, bare]);
      if (nextName !== name) changes.push([login, nextName + suffix]);
      const filled = written(text, changes);
      const again = read(filled);
      if (again.password.value !== bare || again.name !== nextName || again.suffix !== suffix) {
        throw bad('The new login or password cannot be written into the connection string.');
      }
      return filled;
    },
  };
}

function partsOf(text: string, server: LoginServer): readonly Part[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) throw bad('The connection string has line breaks or control characters.');
  if (looksLikeUri(text)) return uriParts(text, server);
  if (/(^|;)\s*driver\s*=/i.test(text)) return elementsOf(text, 'odbc');
  return server === 'postgresql' && !endsWithSemicolon(text) ? keywordsOf(text) : elementsOf(text, 'ado');
}

/** Whether the first element ends before any blank: parted by `;`, so not libpq's. */
function endsWithSemicolon(text: string): boolean {
  const equals = text.indexOf('=');
  if (equals < 0 || !NAME.test(text.slice(0, equals).trim())) return false;
  const behind = text.slice(equals + 1).trimStart();
  const rest = behind.slice(VALUE.exec(behind)?.[0].length).trimStart();
  return rest === '' || rest.startsWith(';');
}

/** Checks the hosts; `app@server` is how Azure's servers once wanted the login `app` to be written. */
function loginAndSuffix(
  { login, addresses }: Roles,
  server: LoginServer,
  hosts: readonly string[],
): { readonly name: string; readonly suffix: string } {
  const withPort = (host: string) => (host.includes(':') ? host : `${host}:${PORTS[server]}`);
  const own = new Set(hosts.map(withPort));
  for (const { host, port } of addresses) {
    if (!own.has(`${host}:${port || PORTS[server]}`)) throw foreign(hosts);
  }
  const at = login.value.lastIndexOf('@');
  const behind = login.value.slice(at + 1).toLowerCase();
  const isServer = at > 0 && addresses.some((address) => serverNames(address).includes(behind));
  return isServer
    ? { name: login.value.slice(0, at), suffix: login.value.slice(at) }
    : { name: login.value, suffix: '' };
}

const serverNames = ({ host }: Address): readonly string[] => [host, host.split('.')[0] ?? host];

function foreign(hosts: readonly string[]): KeyturnError {
  const known = hosts.map(quote).join(', ') || 'none known';
  return new KeyturnError('foreign-host', {
    detail: `The connection string leads to a host that is not the target's (${known}).`,
  });
}
