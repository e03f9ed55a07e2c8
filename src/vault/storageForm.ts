/** Connection strings of storage accounts: where the key stands, and whether all of it leads to the target (case SEC-02). */
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';

const bad = (detail: string): KeyturnError => new KeyturnError('bad-value', { detail });

/** Names that begin an element of a storage, SQL, Cosmos or Service Bus connection string. */
const ELEMENT =
  /(^|;)\s*(Account(Key|Name|Endpoint)|DefaultEndpointsProtocol|EndpointSuffix|\w*Endpoint|SharedAccess\w+|UseDevelopmentStorage|Server|Data Source|Host|Password|Pwd|User ?Id|Uid)\s*=/i;
export const looksLikeConnectionString = (text: string): boolean => ELEMENT.test(text);

const KNOWN =
  /^(accountname|accountkey|defaultendpointsprotocol|endpointsuffix|(blob|queue|table|file|dfs|web)(secondary)?endpoint)$/;
const BASE64 = /^[A-Za-z0-9+/]{4,}={0,2}$/;
/** Stricter than a URL: parsers disagree about everything that this leaves out (`\`, `@`, tabs, paths, queries). */
const ENDPOINT = /^https:\/\/([a-z0-9.-]+(:\d{1,5})?)\/?$/i;
/** Microsoft's default where a connection string names no suffix. */
const SUFFIX_DEFAULT = 'core.windows.net';

/** Where the account key stands in a storage connection string that leads to `hosts` and nowhere else. */
export function keySpan(text: string, hosts: readonly string[]): { start: number; end: number } {
  const elements = elementsOf(text);
  checkHosts(new Map([...elements].map(([name, { value }]) => [name, value])), hosts);
  const key = elements.get('accountkey');
  if (key === undefined || !BASE64.test(key.value)) throw bad('The connection string has no AccountKey in base64.');
  return { start: key.start, end: key.start + key.value.length };
}

/** Elements by lower-cased name, each value with its place in the text. What is wrong is told by number: all text is value. */
function elementsOf(text: string): ReadonlyMap<string, { value: string; start: number }> {
  const elements = new Map<string, { value: string; start: number }>();
  let at = 0;
  for (const [index, part] of text.split(';').entries()) {
    const equals = part.indexOf('=');
    if (equals >= 0) {
      const name = part.slice(0, equals).trim().toLowerCase();
      const value = part.slice(equals + 1);
      if (name === 'usedevelopmentstorage') throw bad('The connection string means the storage emulator.');
      if (name === 'sharedaccesssignature') {
        throw bad('The connection string holds a shared access signature, not a key.');
      }
      if (!KNOWN.test(name)) throw bad(`Element ${index + 1} of the connection string is none of a storage account's.`);
      if (elements.has(name)) throw bad(`The connection string has ${name} twice.`);
      const start = at + equals + 1 + (value.length - value.trimStart().length);
      elements.set(name, { value: value.trim(), start });
    } else if (part.trim() !== '') throw bad(`Element ${index + 1} of the connection string is without \`=\`.`);
    at += part.length + 1;
  }
  return elements;
}

function checkHosts(elements: ReadonlyMap<string, string>, hosts: readonly string[]): void {
  const foreign = (name: string) => {
    const detail = `${name} of the connection string leads to a host that is not the target's (${hosts.map(quote).join(', ') || 'none known'}).`;
    return new KeyturnError('foreign-host', { detail });
  };
  if ((elements.get('defaultendpointsprotocol') ?? 'https').toLowerCase() !== 'https') {
    throw bad('The connection string does not use https.');
  }
  const account = elements.get('accountname')?.toLowerCase();
  if (account === undefined || !/^[a-z0-9]{3,24}$/.test(account))
    throw bad('The connection string has no AccountName.');
  if (!hosts.some((host) => host.startsWith(`${account}.`))) throw foreign('AccountName');
  const endpoints = [...elements].filter(([name]) => name.endsWith('endpoint'));
  for (const [name, value] of endpoints) {
    const host = ENDPOINT.exec(value)?.[1]?.toLowerCase().replace(/:443$/, '');
    if (host === undefined) throw bad(`${name} of the connection string is not of the form https://host.`);
    if (!hosts.includes(host)) throw foreign(name);
  }
  if (elements.has('endpointsuffix') || endpoints.length === 0) {
    const suffix = (elements.get('endpointsuffix') ?? SUFFIX_DEFAULT).toLowerCase().replace(/:443$/, '');
    const services = ['blob', 'queue', 'table', 'file'];
    if (!services.some((service) => hosts.includes(`${account}.${service}.${suffix}`))) throw foreign('EndpointSuffix');
  }
}
