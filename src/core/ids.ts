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
  /** The canonical id in lower case: what locks, consent and comparisons use. */
  readonly text: string;
}

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Microsoft's rule for group names, less every name that a URL would fold away. */
const GROUP = /^(?!\.{1,2}$)[\w().-]{0,89}[\w()-]$/;
const NAME = /^(?!\.)[\w.-]{1,126}$/;
export const VAULT_NAME = /^[a-z](?!.*--)[a-z0-9-]{1,22}[a-z0-9]$|^[a-z][a-z0-9]{1,2}$/i;
export const SECRET_NAME = /^[0-9a-z-]{1,127}$/i;
export const VERSION_ID = /^[0-9a-f]{32}$/i;

/**
 * Parses `/subscriptions/<guid>/resourceGroups/<group>/providers/<type>/<name>` or the short `<guid>/<group>/<name>`.
 * Throws `bad-tags` (or the reason given) naming `where` the text came from; says the shape, not more of the text than 64 characters.
 */
export function parseResourceId(text: string, type: string, where: string, name: RegExp = NAME): ResourceId {
  const segments = text.split('/');
  const [provider, kind] = type.split('/') as [string, string];
  const long = text.startsWith('/');
  const [subscription = '', group = '', last = ''] = long ? [segments[2], segments[4], segments[8]] : segments;
  const frame = [
    '',
    'subscriptions',
    segments[2],
    'resourceGroups',
    segments[4],
    'providers',
    provider,
    kind,
    segments[8],
  ];
  const framed = long
    ? segments.length === 9 && segments.every((part, at) => part.toLowerCase() === frame[at]?.toLowerCase())
    : segments.length === 3;
  if (!framed || !GUID.test(subscription) || !GROUP.test(group) || !name.test(last) || last.includes('..')) {
    throw new KeyturnError('bad-tags', {
      detail: `${where} is ${quote(text)}; expected <subscription guid>/<resource group>/<name> or the full resource id of a ${type}.`,
    });
  }
  return rebuilt(subscription.toLowerCase(), group, type, last);
}

function rebuilt(subscription: string, group: string, type: string, name: string): ResourceId {
  const text = `/subscriptions/${subscription}/resourceGroups/${group}/providers/${type}/${name}`.toLowerCase();
  return { subscription, group, type, name: name.toLowerCase(), text };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What the state's `tgt` holds: 8 hex digits over rotator type and canonical target id. */
export const targetHash = (type: string, targetId: string): string =>
  sha256(`${type}\n${targetId.toLowerCase()}`).slice(0, 8);

/** The id of the rotation that replaces `version`; the same for every pass that works on it. */
export const rotationId = ({ vault, name }: SecretRef, version: VersionId): RotationId =>
  sha256(`${vault.toLowerCase()}\n${name.toLowerCase()}\n${version.toLowerCase()}`).slice(0, 16);

/** The value of a tag, its name compared in any case. */
export function tagOf(tags: Tags, name: string): string | undefined {
  return Object.entries(tags).find(([key]) => key.toLowerCase() === name)?.[1];
}

/** The tags with one of them set (or removed by `undefined`), whatever its casing was; all others as they are. */
export function withTag(tags: Tags, name: string, value: string | undefined): Tags {
  const rest = Object.entries(tags).filter(([key]) => key.toLowerCase() !== name);
  return Object.fromEntries(value === undefined ? rest : [...rest, [name, value]]);
}
