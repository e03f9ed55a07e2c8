/** Key Vault bodies: what is accepted, what is answered. Missing members are absent, never null (recorded). */
import { json, Refusal } from './exchange.ts';
import { kvError } from './keyVaultErrors.ts';
import type { Request } from './service.ts';
import type { Change, DeletedSecret, NewVersion, Secret, Vault, Version } from './vault.ts';
import { hostOf, type World } from './world.ts';

const VALUE_BYTES_MAX = 25_600;
const CONTENT_TYPE_MAX = 255;
const TAGS_MAX = 15;
const PAGE_MAX = 25;

const NAME = /^[0-9a-zA-Z-]{1,127}$/;

export function checkName(name: string): string {
  if (!NAME.test(name)) throw new Refusal(kvError.badName(name));
  return name;
}

type Limits = Pick<Vault, 'tagLength'>;

/** Reads a PUT's body. */
export function newVersion(request: Request, limits: Limits): NewVersion {
  const { value } = json(request) ?? {};
  if (typeof value !== 'string' || Buffer.byteLength(value) > VALUE_BYTES_MAX)
    throw new Refusal(kvError.badProperty());
  return { value, ...change(request, limits) };
}

/** Reads what PUT and PATCH have in common. */
export function change(request: Request, { tagLength }: Limits): Change {
  const body = json(request);
  if (!body) throw new Refusal(kvError.badProperty());
  const { contentType, tags, attributes = {} } = body;
  if (typeof attributes !== 'object' || attributes === null)
    throw new Refusal(kvError.badProperty());
  const { enabled, nbf, exp }: { enabled?: unknown; nbf?: unknown; exp?: unknown } = attributes;
  return {
    ...given(
      'contentType',
      contentType,
      (text) => typeof text === 'string' && text.length <= CONTENT_TYPE_MAX,
    ),
    ...given('tags', tags, (found) => areTags(found, tagLength)),
    ...given('enabled', enabled, (flag) => typeof flag === 'boolean'),
    ...given('nbf', nbf, isTime),
    ...given('exp', exp, isTime),
  };
}

/** The member by itself where it was given and is good, nothing where it was not; null counts as not given. */
function given(name: keyof Change, value: unknown, good: (value: unknown) => boolean): Change {
  if (value === undefined || value === null) return {};
  if (!good(value)) throw new Refusal(kvError.badProperty());
  return { [name]: value };
}

const isTime = (value: unknown) => Number.isInteger(value) && Number(value) >= 0; // the SDK's 2038 fault shows as a negative number

function areTags(value: unknown, tagLength: number): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const tags = Object.entries(value);
  const fits = (text: unknown) => typeof text === 'string' && text.length <= tagLength;
  return tags.length <= TAGS_MAX && tags.every(([name, text]) => fits(name) && fits(text));
}

const defined = (members: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

export class Bodies {
  private readonly vault: Vault;
  private readonly origin: string;

  constructor(vault: Vault, world: World) {
    this.vault = vault;
    this.origin = `https://${hostOf(world, `${vault.name.toLowerCase()}.vault`)}`;
  }

  /** A version without its value: the answer to PATCH, and an item of `…/versions`. */
  properties({ name }: Secret, version: Version): Record<string, unknown> {
    const { id, contentType, tags, kid } = version;
    const managed = kid === undefined ? undefined : true;
    const address = `${this.origin}/secrets/${name}/${id}`;
    return defined({
      id: address,
      contentType,
      attributes: this.attributes(version),
      tags,
      kid,
      managed,
    });
  }

  full(secret: Secret, version: Version): Record<string, unknown> {
    return { value: version.value, ...this.properties(secret, version) };
  }

  /** An item of `/secrets`: the id has no version. */
  item(secret: Secret): Record<string, unknown> {
    return {
      ...this.properties(secret, last(secret)),
      id: `${this.origin}/secrets/${secret.name}`,
    };
  }

  deleted(secret: DeletedSecret): Record<string, unknown> {
    const { name, deletedDate, scheduledPurgeDate } = secret;
    const recoveryId = `${this.origin}/deletedsecrets/${name}`;
    return {
      recoveryId,
      deletedDate,
      scheduledPurgeDate,
      ...this.properties(secret, last(secret)),
    };
  }

  deletedItem(secret: DeletedSecret): Record<string, unknown> {
    return { ...this.deleted(secret), id: `${this.origin}/secrets/${secret.name}` };
  }

  /**
   * One page of a list that is sorted by `key`. The link names the last key, so a list may change between pages;
   * between two pages come empty ones, as recorded (azure-facts 2.4).
   */
  page<T>(
    request: Request,
    items: T[],
    key: (item: T) => string,
    show: (item: T) => Record<string, unknown>,
  ) {
    const { query, path } = request;
    const size = Number(query.get('maxresults') ?? PAGE_MAX);
    if (!Number.isInteger(size) || size < 1 || size > PAGE_MAX)
      throw new Refusal(kvError.badProperty());
    const { after, empty } = readToken(query.get('$skiptoken'));
    const rest = items
      .filter((item) => key(item) > after)
      .sort((a, b) => (key(a) < key(b) ? -1 : 1));
    const taken = empty > 0 ? [] : rest.slice(0, size);
    const end = taken.at(-1);
    const next = {
      after: end === undefined ? after : key(end),
      empty: empty > 0 ? empty - 1 : this.vault.emptyPages,
    };
    const link = new URLSearchParams(query);
    link.set('$skiptoken', Buffer.from(JSON.stringify(next)).toString('base64url'));
    const nextLink =
      rest.length > taken.length
        ? `${this.origin}${path}?${link.toString().replace('%24skiptoken', '$skiptoken')}`
        : null;
    return { value: taken.map(show), nextLink };
  }

  private attributes({ enabled, nbf, exp, created, updated }: Version) {
    const { recoverableDays } = this.vault;
    return defined({
      enabled,
      nbf,
      exp,
      created,
      updated,
      recoveryLevel: 'Recoverable+Purgeable',
      recoverableDays,
    });
  }
}

function readToken(token: string | null): { after: string; empty: number } {
  if (token === null) return { after: '', empty: 0 };
  try {
    const { after, empty }: { after?: unknown; empty?: unknown } = JSON.parse(
      Buffer.from(token, 'base64url').toString(),
    );
    if (typeof after === 'string' && typeof empty === 'number') return { after, empty };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Refusal(kvError.badProperty());
}

export function last(secret: Secret): Version {
  const version = secret.versions.at(-1);
  if (!version) throw new Error(`secret ${secret.name} without versions`);
  return version;
}
