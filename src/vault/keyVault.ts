/** The vault over Key Vault's data plane. */
import type { TokenCredential } from '@azure/identity';
import { SecretClient, type SecretProperties } from '@azure/keyvault-secrets';
import type { Clock } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { KeyturnError, UnknownOutcomeError } from '../core/errors.ts';
import { SECRET_NAME, VERSION_ID, type VersionId } from '../core/ids.ts';
import { onlyTo, patience, SINGLE_SEND } from '../core/pipeline.ts';
import { Secret } from '../core/secret.ts';
import { wireFailure } from '../core/wire.ts';
import type {
  Current,
  NewVersion,
  SecretItem,
  Vault,
  Vaults,
  Version,
  VersionInfo,
} from '../ports/vault.ts';
import { refusedRead, refusedWrite, type Write } from './refusals.ts';
import type { ServedVaults } from './served.ts';

export interface KeyVaultOptions {
  /** The vaults that are served, asked for anew each time. */
  readonly served: Pick<ServedVaults, 'names' | 'gap' | 'find'>;
  /** The address of a vault, from its name and the cloud. */
  readonly urlOf: (name: string) => string;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}

/** The SDK computes `(ms / 1000) | 0`: an expiry past this second goes out negative (azure-facts 8.3). */
const EXPIRY_MAX = new Date('2038-01-19T03:14:07Z');

/** The vaults that are served; clients are made when a vault is first opened and kept with their tokens. */
export function keyVaults({ served, urlOf, credential, clock }: KeyVaultOptions): Vaults {
  const opened = new Map<string, Vault>();
  return {
    get names() {
      return served.names;
    },
    get gap() {
      return served.gap;
    },
    discovered: (name) => served.find(name)?.discovered === true,
    open(given) {
      const name = served.find(given)?.id.name;
      if (name === undefined) return undefined;
      const vault = opened.get(name) ?? new KeyVault(name, urlOf(name), credential, clock);
      opened.set(name, vault);
      return vault;
    },
  };
}

class KeyVault implements Vault {
  readonly name: string;
  readonly #client: SecretClient;
  /** The first request of a client goes out without token and body; a write must not be that one (azure-facts 2.5). */
  #challenged = false;

  constructor(name: string, url: string, credential: TokenCredential, clock: Clock) {
    this.name = name;
    this.#client = new SecretClient(url, credential, {
      ...SINGLE_SEND,
      additionalPolicies: [
        { policy: patience(clock), position: 'perCall' },
        { policy: onlyTo(url), position: 'perCall' },
      ],
    });
  }

  async current(secret: string): Promise<Current> {
    const version = await this.#read(secret);
    return version ?? 'gone';
  }

  async version(secret: string, id: VersionId): Promise<Version | undefined> {
    const version = await this.#read(secret, checkedVersion(id));
    return version === 'disabled' ? undefined : version;
  }

  async versions(secret: string): Promise<readonly VersionInfo[]> {
    const found: VersionInfo[] = [];
    const pages = this.#client.listPropertiesOfSecretVersions(checkedName(secret)).byPage();
    for await (const page of this.#pages(pages, `list the versions of ${secret}`))
      found.push(...page.map(infoOf));
    return found;
  }

  async *list(): AsyncIterable<readonly SecretItem[]> {
    for await (const page of this.#pages(
      this.#client.listPropertiesOfSecrets().byPage(),
      'list the secrets',
    )) {
      yield page.map(itemOf);
    }
  }

  async retag(
    secret: string,
    id: VersionId,
    tags: VersionInfo['tags'],
    enabled?: boolean,
  ): Promise<void> {
    const changes = compact({ tags: { ...tags }, enabled });
    await this.#write('retag', secret, () =>
      this.#client.updateSecretProperties(checkedName(secret), checkedVersion(id), changes),
    );
  }

  async store(
    secret: string,
    { value, tags, contentType, expiresOn }: NewVersion,
  ): Promise<VersionId> {
    if (!(expiresOn <= EXPIRY_MAX)) {
      throw new KeyturnError('failed', {
        detail: 'The expiry is past 2038-01-19, which the SDK cannot send.',
      });
    }
    const options = compact({ tags: { ...tags }, expiresOn, contentType });
    const stored = await this.#write('store', secret, () =>
      this.#client.setSecret(checkedName(secret), value.reveal(), options),
    );
    const id = stored.properties.version?.toLowerCase();
    if (id !== undefined && VERSION_ID.test(id)) return id;
    throw new UnknownOutcomeError('vault-busy', {
      detail: `${this.name} stored ${secret} but named no version.`,
    });
  }

  async #read(secret: string, version?: VersionId): Promise<Version | 'disabled' | undefined> {
    try {
      const options = version === undefined ? {} : { version };
      const { value, properties } = await this.#client.getSecret(checkedName(secret), options);
      this.#challenged = true;
      return { ...infoOf(properties), value: Secret.unopened(value ?? '') };
    } catch (error) {
      const { status, inner } = wireFailure(error);
      this.#challenged ||= status !== undefined;
      if (status === 404) return undefined;
      if (status === 403 && inner === 'SecretDisabled') return 'disabled';
      throw refusedRead(error, this.name, `read ${secret}`);
    }
  }

  async *#pages(
    pages: AsyncIterable<SecretProperties[]>,
    doing: string,
  ): AsyncIterable<SecretProperties[]> {
    try {
      for await (const page of pages) {
        this.#challenged = true;
        yield page;
      }
    } catch (error) {
      throw refusedRead(error, this.name, doing);
    }
  }

  async #write<T>(write: Write, secret: string, send: () => Promise<T>): Promise<T> {
    if (!this.#challenged) await this.#read(secret);
    try {
      return await send();
    } catch (error) {
      throw refusedWrite(error, { write, vault: this.name, secret });
    }
  }
}

/** Names come from parsed messages and lists; one that does not look so must not become a path. */
function checkedName(name: string): string {
  if (!SECRET_NAME.test(name)) throw new KeyturnError('gone');
  return name;
}

/** An empty version in a PATCH or GET means the latest one: never that. */
function checkedVersion(id: VersionId): VersionId {
  if (!VERSION_ID.test(id)) throw new KeyturnError('gone');
  return id;
}

function infoOf(properties: SecretProperties): VersionInfo {
  return { id: (properties.version ?? '').toLowerCase(), ...common(properties) };
}

function itemOf(properties: SecretProperties): SecretItem {
  return { name: properties.name.toLowerCase(), ...common(properties) };
}

function common(properties: SecretProperties): Omit<VersionInfo, 'id'> {
  const { enabled, createdOn, updatedOn, expiresOn, tags, contentType, managed, certificateKeyId } =
    properties;
  return compact({
    enabled: enabled !== false,
    createdOn: createdOn ?? new Date(0),
    updatedOn: updatedOn ?? createdOn ?? new Date(0),
    expiresOn,
    tags: tags ?? {},
    contentType,
    managed: managed === true || certificateKeyId !== undefined,
  });
}
