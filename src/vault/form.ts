/**
 * The form in which a secret holds its credential (design section 2). Rotators see bare values only; what stands around
 * one is kept byte for byte, and a connection string that leads anywhere but to the target is refused (case SEC-02).
 */
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import { Secret } from '../core/secret.ts';
import { locate } from './jsonField.ts';

export interface Form {
  readonly form: 'bare' | 'connection-string' | 'json';
  /** The credential as the target knows it. */
  readonly bare: Secret;
  /** The secret's value with another credential in its place and everything else as it was. */
  fill(bare: Secret): Secret;
}

/**
 * Opens a secret's value.
 *
 * @param field option `field`: a JSON pointer (`/a/b`) or the name of a member at the top
 * @param hosts hosts of the target, lower case, with port where it is not 443: what a connection string may name
 * @throws `bad-value` or `foreign-host`, saying what is wrong and nothing of the value
 */
export function openForm(value: Secret, field: string | undefined, hosts: readonly string[]): Form {
  const text = value.reveal();
  const { form, start, end, read, write } = field === undefined ? plain(text, hosts) : inDocument(text, field, hosts);
  const bare = new Secret(read(text.slice(start, end)));
  return {
    form,
    bare,
    fill(next) {
      if (next.equals(bare)) return value; // also where one text has several spellings, as in JSON
      return new Secret(text.slice(0, start) + write(next.reveal()) + text.slice(end));
    },
  };
}

/** Where in the text the credential stands, and how it is spelled there. */
interface Place {
  readonly form: Form['form'];
  readonly start: number;
  readonly end: number;
  read(spelled: string): string;
  write(bare: string): string;
}

const bad = (detail: string): KeyturnError => new KeyturnError('bad-value', { detail });

function plain(text: string, hosts: readonly string[]): Place {
  if (text === '') throw bad('The value is empty.');
  if (looksLikeDocument(text)) throw bad('The value is a JSON document; name the member with the option `field`.');
  if (/(^|[?&;])sig=[^;]*/i.test(text)) throw bad('The value is a shared access signature, which no rotator replaces.');
  if (looksLikeConnectionString(text)) {
    return { form: 'connection-string', ...keySpan(text, hosts), read: asIs, write: withoutSeparators };
  }
  return { form: 'bare', start: 0, end: text.length, read: asIs, write: asIs };
}

function inDocument(text: string, field: string, hosts: readonly string[]): Place {
  const { start, end } = locate(text, field);
  const spelled = text.slice(start, end);
  const inner = plain(JSON.parse(spelled) as string, hosts);
  if (inner.form === 'bare')
    return { form: 'json', start, end, read: (json) => JSON.parse(json) as string, write: JSON.stringify };
  return {
    form: 'json',
    start,
    end,
    read: (json) => (JSON.parse(json) as string).slice(inner.start, inner.end),
    write(bare) {
      const held = JSON.parse(spelled) as string;
      return JSON.stringify(held.slice(0, inner.start) + inner.write(bare) + held.slice(inner.end));
    },
  };
}

const asIs = (text: string): string => text;
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

/** Names that begin an element of a storage, SQL, Cosmos or Service Bus connection string. */
const ELEMENT =
  /(^|;)\s*(Account(Key|Name|Endpoint)|DefaultEndpointsProtocol|EndpointSuffix|\w*Endpoint|SharedAccess\w+|UseDevelopmentStorage|Server|Data Source|Host|Password|Pwd|User ?Id|Uid)\s*=/i;
const looksLikeConnectionString = (text: string): boolean => ELEMENT.test(text);

const KNOWN =
  /^(accountname|accountkey|defaultendpointsprotocol|endpointsuffix|(blob|queue|table|file|dfs|web)(secondary)?endpoint)$/;
const BASE64 = /^[A-Za-z0-9+/]{4,}={0,2}$/;
/** Stricter than a URL: parsers disagree about everything that this leaves out (`\`, `@`, tabs, paths, queries). */
const ENDPOINT = /^https:\/\/([a-z0-9.-]+(:\d{1,5})?)\/?$/i;
/** Microsoft's default where a connection string names no suffix. */
const SUFFIX_DEFAULT = 'core.windows.net';

/** Where the account key stands in a storage connection string that leads to `hosts` and nowhere else. */
function keySpan(text: string, hosts: readonly string[]): { start: number; end: number } {
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
