/** One vault's secrets: versions, soft delete, backup. Routes and tests ("a person") go through the same methods. */
import { randomBytes } from 'node:crypto';
import { now } from '../clock.ts';
import { Refusal } from './exchange.ts';
import { kvError } from './keyVaultErrors.ts';

export const NEAR_EXPIRY_SECONDS = 30 * 86_400; // fixed by Azure (azure-facts 2.3)
const VERSIONS_IN_BACKUP_MAX = 500; // azure-facts 2.3

export interface Version {
  /** 32 hex digits, random: it says nothing about order. */
  id: string;
  value: string;
  tags?: Record<string, string>;
  contentType?: string;
  enabled: boolean;
  nbf?: number;
  exp?: number;
  created: number;
  updated: number;
  /** Set on the secret behind a certificate. */
  kid?: string;
}

/** What a PUT gives; nothing of an older version is inherited (azure-facts 2.3). */
export type NewVersion = Pick<Version, 'value'> &
  Partial<Pick<Version, 'tags' | 'contentType' | 'enabled' | 'nbf' | 'exp' | 'kid'>>;
export type Change = Partial<Pick<Version, 'tags' | 'contentType' | 'enabled' | 'nbf' | 'exp'>>;

export type PersonsVersion = Omit<NewVersion, 'value' | 'nbf' | 'exp'> & {
  expiresOn?: Date;
  notBefore?: Date;
};

export interface Secret {
  /** As first written; names compare case-insensitively. */
  name: string;
  /** In the order they were set: the last one is current. Nobody outside sees this order. */
  versions: Version[];
}

export interface DeletedSecret extends Secret {
  deletedDate: number;
  scheduledPurgeDate: number;
  /** Milliseconds; until then the deletion is under way. */
  deletedOn: number;
}

export interface VaultEvent {
  type: 'SecretNewVersionCreated' | 'SecretNearExpiry' | 'SecretExpired';
  secret: Secret;
  version: Version;
}

export interface VaultOptions {
  name: string;
  resourceGroup?: string;
  tags?: Record<string, string>;
  rbac?: boolean;
  /** Seconds until a deleted secret appears among the deleted ones; Azure was seen to take 4 to 14. */
  deleteSeconds?: number;
  /** Empty pages between two pages of a list; Azure was seen to send two in a row. */
  emptyPages?: number;
  /** Characters of a tag: 512 in the documents of 2026-04, 256 before; the stricter one, so that nobody relies on more. */
  tagLength?: 256 | 512;
}

export class Vault {
  readonly name: string;
  /** The ARM id. */
  readonly id: string;
  tags: Record<string, string>;
  rbac: boolean;
  deleteSeconds: number;
  emptyPages: number;
  tagLength: number;
  readonly recoverableDays = 90;
  readonly secrets = new Map<string, Secret>();
  readonly deleted = new Map<string, DeletedSecret>();
  /** Names recovered and not yet seen: the first GET is 404 (azure-facts 2.4). */
  readonly returning = new Set<string>();
  private readonly backups = new Map<string, Secret>();
  private readonly raised = new Set<string>();
  private readonly listener: (event: VaultEvent) => void;

  constructor(options: VaultOptions, groupId: string, listener: (event: VaultEvent) => void) {
    this.name = options.name;
    this.id = `${groupId}/providers/Microsoft.KeyVault/vaults/${options.name}`;
    this.tags = options.tags ?? {};
    this.rbac = options.rbac ?? true;
    this.deleteSeconds = options.deleteSeconds ?? 1;
    this.emptyPages = options.emptyPages ?? 1;
    this.tagLength = options.tagLength ?? 256;
    this.listener = listener;
  }

  find(name: string): Secret | undefined {
    return this.secrets.get(name.toLowerCase());
  }

  /** The secret; throws where there is none. */
  secret(name: string): Secret {
    const found = this.find(name);
    if (!found) throw new Refusal(kvError.notFound(name));
    return found;
  }

  /** The versions of a secret in the order they were set; empty for an unknown name. */
  versions(name: string): Version[] {
    return this.find(name)?.versions ?? [];
  }

  current(name: string): Version | undefined {
    return this.versions(name).at(-1);
  }

  /** The version of this id, or the current one for an empty id. */
  version(name: string, id: string): Version {
    const found =
      id === ''
        ? this.current(name)
        : this.versions(name).find((version) => version.id === id.toLowerCase());
    if (!found) throw new Refusal(kvError.notFound(id === '' ? name : `${name}/${id}`));
    return found;
  }

  /** What a person does in the portal: a new version with exactly this. */
  set(
    name: string,
    value: string,
    { expiresOn, notBefore, ...rest }: PersonsVersion = {},
  ): Version {
    const dates = {
      ...(expiresOn ? { exp: Math.floor(expiresOn.getTime() / 1000) } : {}),
      ...(notBefore ? { nbf: Math.floor(notBefore.getTime() / 1000) } : {}),
    };
    return this.put(name, { value, ...rest, ...dates });
  }

  /** What an IaC apply does: the tags of a version (empty id: the current one) become exactly these. */
  retag(name: string, id: string, tags: Record<string, string>): Version {
    return this.update(name, id, { tags });
  }

  put(name: string, given: NewVersion): Version {
    const key = name.toLowerCase();
    this.refuseWhileDeleted(key, name);
    const secret = this.secrets.get(key) ?? { name, versions: [] };
    const at = seconds();
    const version: Version = {
      ...structuredClone(given),
      id: randomBytes(16).toString('hex'),
      enabled: given.enabled ?? true,
      created: at,
      updated: at,
    };
    secret.versions.push(version);
    this.secrets.set(key, secret);
    this.returning.delete(key);
    this.listener({ type: 'SecretNewVersionCreated', secret, version });
    this.raiseExpiries(secret);
    return version;
  }

  /** Changes what is named and leaves the rest; tags are replaced as a whole (azure-facts 2.4). */
  update(name: string, id: string, change: Change): Version {
    const version = this.version(name, id);
    Object.assign(version, structuredClone(change), { updated: seconds() });
    this.raiseExpiries(this.secret(name));
    return version;
  }

  delete(name: string): DeletedSecret {
    const key = name.toLowerCase();
    const secret = this.secret(name);
    const deletedDate = seconds();
    const gone = {
      ...secret,
      deletedDate,
      scheduledPurgeDate: deletedDate + this.recoverableDays * 86_400,
      deletedOn: now() + this.deleteSeconds * 1000,
    };
    this.secrets.delete(key);
    this.deleted.set(key, gone);
    return gone;
  }

  /** The deleted secret once the deletion is done, else undefined. */
  findDeleted(name: string): DeletedSecret | undefined {
    const found = this.deleted.get(name.toLowerCase());
    return found && found.deletedOn <= now() ? found : undefined;
  }

  recover(name: string): Secret {
    const { name: stored, versions } = this.requireDeleted(name);
    const secret = { name: stored, versions };
    this.deleted.delete(name.toLowerCase());
    this.secrets.set(name.toLowerCase(), secret);
    this.returning.add(name.toLowerCase());
    return secret;
  }

  purge(name: string): void {
    this.requireDeleted(name);
    this.deleted.delete(name.toLowerCase());
  }

  /** An opaque text from which `restore` makes the secret again, all versions with their tags (case IAC-05). */
  backup(name: string): string {
    const secret = this.secret(name);
    if (secret.versions.length > VERSIONS_IN_BACKUP_MAX)
      throw new Refusal(kvError.tooManyVersions(name));
    const blob = randomBytes(48).toString('base64url');
    this.backups.set(blob, structuredClone(secret));
    return blob;
  }

  restore(blob: string): Secret {
    const kept = this.backups.get(blob);
    if (!kept) throw new Refusal(kvError.badProperty());
    const key = kept.name.toLowerCase();
    this.refuseWhileDeleted(key, kept.name);
    if (this.secrets.has(key)) throw new Refusal(kvError.exists(kept.name));
    const secret = structuredClone(kept);
    this.secrets.set(key, secret);
    return secret;
  }

  /** Raises what the clock has reached: near expiry and expiry of current versions, each once. */
  tick(): void {
    for (const secret of this.secrets.values()) this.raiseExpiries(secret);
  }

  private raiseExpiries(secret: Secret): void {
    const version = secret.versions.at(-1);
    if (version?.exp === undefined) return;
    const left = version.exp - now() / 1000;
    const raise = (type: VaultEvent['type'], when: boolean) => {
      const key = `${type} ${version.id}`;
      if (!when || this.raised.has(key)) return;
      this.raised.add(key);
      this.listener({ type, secret, version });
    };
    raise('SecretNearExpiry', left <= NEAR_EXPIRY_SECONDS);
    raise('SecretExpired', left <= 0);
  }

  private requireDeleted(name: string): DeletedSecret {
    const found = this.findDeleted(name);
    if (!found) throw new Refusal(kvError.deletedNotFound(name));
    return found;
  }

  private refuseWhileDeleted(key: string, name: string): void {
    const gone = this.deleted.get(key);
    if (gone)
      throw new Refusal(
        gone.deletedOn > now() ? kvError.beingDeleted(name) : kvError.deletedName(name),
      );
  }
}

const seconds = () => Math.floor(now() / 1000);
