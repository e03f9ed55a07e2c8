/**
 * What a value seems to be, by the same rules by which a credential is opened later: for suggestions. Of the value nothing leaves but
 * the names of hosts and of what stands at them, to be looked up at Azure; the credential leaves as a `Secret` where the target
 * itself has to be asked.
 */
import { KeyturnError } from '../core/errors.ts';
import type { KeyDialect } from '../core/formSpec.ts';
import { mask } from '../core/mask.ts';
import { Secret } from '../core/secret.ts';
import type { Dialect } from './dialect.ts';
import { keyDialects, loginDialects } from './dialects.ts';
import { pointerOf } from './document.ts';
import { elementsOf } from './elements.ts';
import { readDocument } from './form.ts';
import type { TextPart } from './part.ts';
import { addressesOf, oneOf } from './roles.ts';
import { looksLikeDocument } from './shape.ts';
import { partsOf } from './text.ts';

/** Whose connection string a text is. */
export type Family = KeyDialect | keyof typeof loginDialects | 'iotDevice';

interface Placed {
  /** JSON pointer of the member that holds it, where the value is a document. */
  readonly field?: string;
}

/** A connection string: one way to read it, of which there may be several. */
export interface StringSeen extends Placed {
  readonly is: 'string';
  readonly family: Family;
  /** By their public names, without ports, lower case. */
  readonly hosts: readonly string[];
  /** As they stand there, with ports where it names them: what the text has to be allowed to name when it is opened. */
  readonly stated: readonly string[];
  /** The rule of a namespace, and what of it the string is about. */
  readonly rule?: string;
  readonly entity?: string;
  readonly device?: string;
}

/** A text that may be a credential by itself. */
export interface BareSeen extends Placed {
  readonly is: 'key' | 'client-secret';
  readonly bare: Secret;
}

/** A value of a vault has 25 kB; a document has few members that hold a credential. */
const MEMBERS_MAX = 60;
const STRING_MAX = 8192;

/** Every reading of a value that makes sense; none of what is no credential that Keyturn knows. */
export function recognise(value: Secret): readonly (StringSeen | BareSeen)[] {
  const text = value
    .open()
    .replace(/^[\s\ufeff]+/, '')
    .trimEnd();
  if (text === '' || text.startsWith('keyturn:')) return [];
  const strings = stringsIn(text);
  if (strings.length > 0) return strings;
  if (!looksLikeDocument(text)) return [...bareIn(text), ...linesIn(text)];
  return membersIn(text);
}

/** `.env`, properties and YAML look like no document at their first letter. */
const linesIn = (text: string) => (/[\n:=]/.test(text) ? membersIn(text) : []);

function membersIn(text: string): readonly (StringSeen | BareSeen)[] {
  const members = readDocument(text)?.members ?? [];
  if (members.length > MEMBERS_MAX) return [];
  return members.flatMap(({ path, value, fixed }) => {
    const field = pointerOf(path);
    // The way to a member is shown: what looks like a credential there is none.
    if (fixed !== undefined || value === '' || mask(field) !== field) return [];
    return [...stringsIn(value), ...(stringsIn(value).length > 0 ? [] : bareIn(value))].map(
      (seen) => ({
        ...seen,
        field,
      }),
    );
  });
}

function stringsIn(text: string): readonly StringSeen[] {
  if (text.length > STRING_MAX) return [];
  const tables = [
    ...Object.entries(keyDialects).map(
      ([family, dialect]) => [family as Family, [dialect]] as const,
    ),
    ...Object.entries(loginDialects).map(
      ([family, dialects]) => [family as Family, dialects] as const,
    ),
  ];
  const seen = tables.flatMap(([family, dialects]: readonly [Family, readonly Dialect[]]) => {
    const dialect = dialects.find(({ isMeant }) => isMeant(text));
    const found = dialect && attempt(() => readIn(dialect, text));
    return found ? [{ is: 'string' as const, family, ...found }] : [];
  });
  return [...seen, ...deviceIn(text)];
}

type Read = Pick<StringSeen, 'hosts' | 'stated' | 'rule' | 'entity'>;

/** Throws `bad-value` for what clients would not read in this way, and for what has no credential. */
function readIn(dialect: Dialect, text: string): Read | undefined {
  const parts = partsOf(dialect, text);
  const all = (names: readonly string[] = []) => parts.filter(({ name }) => names.includes(name));
  const credential = oneOf(all(dialect.credential), dialect);
  if (dialect.inner) return readIn(dialect.inner(), credential.value);
  if (credential.value === '') return undefined;
  const named = addressesOf(dialect, all(dialect.hosts), all(dialect.port)).map(({ host, port }) =>
    port === undefined || port === '443' ? host : `${host}:${port}`,
  );
  const account = accountIn(parts);
  const stated = [...named, ...(account === undefined ? [] : [account])];
  if (stated.length === 0) return undefined;
  const hosts = [...new Set(stated.map((host) => publicName(host.replace(/:\d+$/, ''))))];
  return {
    hosts,
    stated,
    ...nameIn(parts, 'rule', ['sharedaccesskeyname', 'user']),
    ...nameIn(parts, 'entity', ['entitypath']),
  };
}

/** A storage account by its name, where the string names no endpoint. */
function accountIn(parts: readonly TextPart[]): string | undefined {
  const textOf = (name: string) => parts.find((part) => part.name === name)?.value.toLowerCase();
  const account = textOf('accountname');
  if (account === undefined || !/^[a-z0-9]{3,24}$/.test(account) || textOf('tableendpoint'))
    return undefined;
  const suffix = (textOf('endpointsuffix') ?? 'core.windows.net').replace(/:443$/, '');
  return /^[a-z0-9.-]+(?::\d+)?$/.test(suffix) ? `${account}.blob.${suffix}` : undefined;
}

/** Names of rules and entities are shown: what looks like a credential in the wrong place is not (finding ATK-07). */
function nameIn<Key extends 'rule' | 'entity' | 'device'>(
  parts: readonly TextPart[],
  as: Key,
  names: readonly string[],
): { readonly [key in Key]?: string } {
  const found = parts.find(({ name }) => names.includes(name))?.value;
  const fits =
    found !== undefined && /^[A-Za-z0-9][\w.-]{0,39}$/.test(found) && mask(found) === found;
  return (fits ? { [as]: found } : {}) as { readonly [key in Key]?: string };
}

/** Every name of a storage account and of a private endpoint leads to the resource of the public one. */
const publicName = (host: string): string =>
  host
    .replace('.privatelink.', '.')
    .replace(
      /^([a-z0-9]{3,24})(?:-secondary)?\.(?:z\d{1,3}\.)?(?:blob|queue|table|file|dfs|web)\.(?=core\.|storage\.)/,
      '$1.blob.',
    )
    .replace(
      /^([a-z0-9-]+)\.(?:mongo|cassandra|gremlin|table)\.cosmos\.azure\.(com|cn)$/,
      '$1.documents.azure.$2',
    );

/** A device of an IoT hub: no dialect of a kind that lists keys. */
function deviceIn(text: string): readonly StringSeen[] {
  if (!/^HostName=[^;]+;DeviceId=[^;]+;SharedAccessKey=[A-Za-z0-9+/]{4,}={0,2};?$/i.test(text))
    return [];
  const parts = attempt(() => elementsOf(text, 'service')) ?? [];
  const host = parts.find(({ name }) => name === 'hostname')?.value.toLowerCase();
  if (host === undefined || !/^[a-z0-9.-]+$/.test(host)) return [];
  return [
    {
      is: 'string',
      family: 'iotDevice',
      hosts: [host],
      stated: [host],
      ...nameIn(parts, 'device', ['deviceid']),
    },
  ];
}

/** Keys of 16, 32 and 64 bytes in base64 or hexadecimal, and those of App Service's own making: they prove nothing by themselves. */
const KEY = /^(?:[A-Za-z0-9+/]{42,43}={1,2}|[A-Za-z0-9+/]{86}==|[0-9a-f]{32}|[A-Za-z0-9]{32,90})$/;
/** Client secrets of Entra: three characters, a digit, `Q~`, as they are printed in its own examples; unverified as a rule. */
const CLIENT_SECRET = /^[\w.~-]{3}\dQ~[\w.~-]{31,34}$/;

function bareIn(text: string): readonly BareSeen[] {
  if (CLIENT_SECRET.test(text)) return [{ is: 'client-secret', bare: new Secret(text) }];
  return KEY.test(text) ? [{ is: 'key', bare: new Secret(text) }] : [];
}

/** What the rules of a dialect refuse is not meant in it. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}
