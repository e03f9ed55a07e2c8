/**
 * Names and ids. Everything here is input until it has been parsed: by segment, never by joining or prefix, and only
 * the rebuilt, lower-cased text makes an address, a lock key, a consent look-up or a comparison (case SEC-01).
 */
import { createHash } from 'node:crypto';
import { KeyturnError } from './errors.ts';
import { quote } from './quote.ts';

/** A slot or key id under which a target knows a credential: `key1`, a keyId, slot `a`. Never secret. */
export type Handle = string;
/** 16 hex digits, derived from vault, name and the version that the rotation replaces. */
export type RotationId = string;
/** 32 hex digits. */
export type VersionId = string;
export type Tags = Readonly<Record<string, string>>;

/** A secret by name: one name in one vault. Both are lower-cased; the vault keeps its own casing. */
export interface SecretRef {
  readonly vault: string;
  readonly name: string;
}

/** A resource of Azure Resource Manager, parsed and rebuilt. */
export interface ResourceId {
  readonly subscription: string;
  readonly group: string;
  /** Provider and type, as `Microsoft.Storage/storageAccounts`, in the rotator's own spelling. */
  readonly type: string;
  readonly name: string;
  /** The resources above it, the outermost first: a namespace above its rule. */
  readonly above: readonly string[];
  /** The canonical id in lower case, as it stands in an address: what requests, locks, consent and comparisons use. */
  readonly text: string;
}

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/**
 * Microsoft's rule for group names (`^[-\w\._\(\)]+$` of .NET, at most 90, no point at the end: learn, resource-name-rules), whose
 * letters are those of all scripts (case VAL-09), less every name that a URL would fold away. No letter beyond 16 bits is one to .NET.
 */
const GROUP =
  /^(?!\.{1,2}$)(?!.*[\u{10000}-\u{10ffff}])[\p{L}\p{Mn}\p{Nd}\p{Pc}().-]{0,89}[\p{L}\p{Mn}\p{Nd}\p{Pc}()-]$/u;
const NAME = /^(?!\.)[\w.-]{1,126}$/;
export const VAULT_NAME = /^[a-z](?!.*--)[a-z0-9-]{1,22}[a-z0-9]$|^[a-z][a-z0-9]{1,2}$/i;
export const SECRET_NAME = /^[0-9a-z-]{1,127}$/i;
export const VERSION_ID = /^[0-9a-f]{32}$/i;

/**
 * Parses `/subscriptions/<guid>/resourceGroups/<group>/providers/<type>/<name>` or the short `<guid>/<group>/<name>`. Of a
 * type below another (`Microsoft.ServiceBus/namespaces/authorizationRules`) it takes the full id alone, a name after each
 * part of the type. Throws `bad-tags` naming `where` the text came from; says the shape, not more of the text than 64 characters.
 */
export function parseResourceId(
  text: string,
  type: string,
  where: string,
  name: RegExp = NAME,
): ResourceId {
  const [provider = '', ...kinds] = type.split('/');
  const segments = text.split('/');
  const long = text.startsWith('/');
  const [subscription = '', written = ''] = long ? [segments[2], segments[4]] : segments;
  const group = groupIn(written);
  const names = kinds.map((_, at) => (long ? segments[8 + 2 * at] : segments[2]) ?? '');
  const pairs = kinds.flatMap((kind, at) => [kind, names[at] ?? '']);
  const frame = [
    '',
    'subscriptions',
    subscription,
    'resourceGroups',
    written,
    'providers',
    provider,
    ...pairs,
  ];
  const framed = long
    ? segments.length === frame.length &&
      segments.every((part, at) => part.toLowerCase() === frame[at]?.toLowerCase())
    : segments.length === 3 && kinds.length === 1;
  const named = names.every((each) => name.test(each) && !each.includes('..'));
  if (!framed || !GUID.test(subscription) || !isGroup(group) || !named) {
    const short = kinds.length === 1 ? '<subscription guid>/<resource group>/<name> or ' : '';
    const detail = `${where} is ${quote(text)}; expected ${short}the full resource id of a ${type}.`;
    throw new KeyturnError('bad-tags', { detail });
  }
  return rebuilt(subscription.toLowerCase(), group, type, names);
}

/** The name of a group as it was written or, as in an address, with its letters beyond ASCII percent-encoded; with one sigma. */
function groupIn(written: string): string {
  try {
    return written.replace(/(?:%[89a-f][0-9a-f])+/gi, decodeURIComponent).replaceAll('ς', 'σ');
  } catch (error) {
    if (error instanceof URIError) return ''; // no name
    throw error;
  }
}

/**
 * Whether a group's name has one spelling in lower case. Azure compares names in any case, by rules of its own: of letters that
 * others fold into (the sign for kelvin into k, the long s into s) it is not known whether they are the same there, and two groups
 * must never be one here, nor one group two. Of these the sigma at the end of Greek words alone is taken, as the other one.
 */
const isGroup = (name: string): boolean =>
  GROUP.test(name) && [...name].every((letter) => hasOneCase(letter));

function hasOneCase(letter: string): boolean {
  const [lower, upper] = [letter.toLowerCase(), letter.toUpperCase()];
  // Some letters have several for a capital (ß: SS), which stand for nothing else in lower case.
  return lower === letter
    ? upper.length > 1 || upper.toLowerCase() === letter
    : lower.toUpperCase() === letter;
}

function rebuilt(
  subscription: string,
  group: string,
  type: string,
  names: readonly string[],
): ResourceId {
  const [provider = '', ...kinds] = type.split('/');
  const start = `/subscriptions/${subscription}/resourceGroups/${group}/providers/${provider}`;
  const upTo = (length: number) =>
    canonicalId(
      [start, ...kinds.slice(0, length).flatMap((kind, at) => [kind, names[at] ?? ''])].join('/'),
    );
  const above = kinds.slice(1).map((_, at) => upTo(at + 1));
  return {
    subscription,
    group,
    type,
    name: (names.at(-1) ?? '').toLowerCase(),
    above,
    text: upTo(kinds.length),
  };
}

/**
 * An id as `text` has it, to compare one that Azure answers with one of ours: in lower case, letters beyond ASCII percent-encoded.
 * Letter by letter, for a whole text's last capital sigma would become another letter than one in its middle.
 */
export const canonicalId = (id: string): string =>
  id
    .toWellFormed()
    .replace(/\P{ASCII}/gu, (letter) =>
      encodeURIComponent(letter === 'ς' ? 'σ' : letter.toLowerCase()),
    )
    .toLowerCase();

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What the state's `tgt` holds: 8 hex digits over rotator type and canonical target id. */
export const targetHash = (type: string, targetId: string): string =>
  sha256(`${type}\n${targetId.toLowerCase()}`).slice(0, 8);

/** The id of the rotation that replaces `version`; the same for every pass that works on it. */
export const rotationId = ({ vault, name }: SecretRef, version: VersionId): RotationId =>
  sha256(`${vault.toLowerCase()}\n${name.toLowerCase()}\n${version.toLowerCase()}`).slice(0, 16);

/** A UUID of version 8 (RFC 9562: contents of one's own): the same for the same parts, however often it is made. */
export function uuidOf(...parts: readonly string[]): string {
  const bytes = createHash('sha256').update(parts.join('\n')).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The value of a tag, its name compared in any case. */
export function tagOf(tags: Tags, name: string): string | undefined {
  return Object.entries(tags).find(([key]) => key.toLowerCase() === name)?.[1];
}

/** The tags with one of them set (or removed by `undefined`), whatever its casing was; all others as they are. */
export function withTag(tags: Tags, name: string, value: string | undefined): Tags {
  const rest = Object.entries(tags).filter(([key]) => key.toLowerCase() !== name);
  return Object.fromEntries(value === undefined ? rest : [...rest, [name, value]]);
}
