/**
 * Resources that read secrets: sites and slots, API Management services, container apps. What each holds is what it read last: references
 * are read again after the platform's own time, or when its refresh is called, never by a restart (facts-after F1.3, F2).
 */
import { now } from '../clock.ts';
import type { Vault } from './vault.ts';

/** Where it reads. */
interface Vaults {
  vaults: ReadonlyMap<string, Vault>;
}

export type ConsumerType =
  | 'Microsoft.Web/sites'
  | 'Microsoft.Web/sites/slots'
  | 'Microsoft.ApiManagement/service'
  | 'Microsoft.App/containerApps'
  | (string & {});

export interface ConsumerOptions {
  type: ConsumerType;
  /** Of a slot `site/slot`. */
  name: string;
  resourceGroup?: string;
  tags?: Record<string, string>;
  /** By setting, named value or secret of an app: `@Microsoft.KeyVault(…)` for sites, an address for the others. */
  references?: Record<string, string>;
  /** The same in the connection strings of a site. */
  connections?: Record<string, string>;
}

/** How long each platform keeps what it has read. */
const HOURS_KEPT: Readonly<Record<string, number>> = {
  'microsoft.web/sites': 24,
  'microsoft.web/sites/slots': 24,
  'microsoft.apimanagement/service': 4,
  'microsoft.app/containerapps': 0.5,
};

export class ConsumingResource {
  readonly id: string;
  readonly type: ConsumerType;
  readonly name: string;
  tags: Record<string, string>;
  references: Record<string, string>;
  connections: Record<string, string>;
  /** So often the platform interrupted it. */
  restarts = 0;
  /** Statuses that the next looks at references show, one each, before what is so. */
  readonly statuses: string[] = [];
  readonly #held = new Map<string, { value: string | undefined; on: number }>();

  constructor(
    { type, name, tags = {}, references = {}, connections = {} }: ConsumerOptions,
    groupId: string,
  ) {
    const [provider = '', ...kinds] = type.split('/');
    const names = name.split('/');
    this.id = `${groupId}/providers/${provider}/${kinds.map((kind, at) => `${kind}/${names[at]}`).join('/')}`;
    this.type = type;
    this.name = name;
    this.tags = tags;
    this.references = references;
    this.connections = connections;
  }

  /** What it would log in with now; undefined where the reference leads nowhere. */
  valueOf(setting: string, world: Vaults): string | undefined {
    const held = this.#held.get(setting);
    const hours = HOURS_KEPT[this.type.toLowerCase()] ?? 24;
    if (held && now() < held.on + hours * 3_600_000) return held.value;
    return this.#read(setting, world);
  }

  /** When it was read last. */
  readOn(setting: string, world: Vaults): number {
    this.valueOf(setting, world);
    return this.#held.get(setting)?.on ?? now();
  }

  /** Reads again: all of them, or one. */
  refresh(world: Vaults, setting?: string): void {
    if (this.type.toLowerCase().startsWith('microsoft.web/')) this.restarts += 1;
    const all =
      setting === undefined ? Object.keys({ ...this.references, ...this.connections }) : [setting];
    for (const each of all) this.#read(each, world);
  }

  statusOf(setting: string, world: Vaults): string {
    const found = secretNamed(this.references[setting] ?? this.connections[setting] ?? '');
    if (!found) return 'InvalidSyntax';
    const vault = world.vaults.get(found.vault.toLowerCase());
    if (!vault) return 'VaultNotFound';
    if (!vault.current(found.name)) return 'SecretNotFound';
    if (found.version && !vault.versions(found.name).some(({ id }) => id === found.version))
      return 'SecretVersionNotFound';
    return 'Resolved';
  }

  #read(setting: string, world: Vaults): string | undefined {
    const found = secretNamed(this.references[setting] ?? this.connections[setting] ?? '');
    const vault = found && world.vaults.get(found.vault.toLowerCase());
    const version = found?.version
      ? vault?.versions(found.name).find(({ id }) => id === found.version)
      : found && vault?.current(found.name);
    const value = version?.enabled ? version.value : undefined;
    this.#held.set(setting, { value, on: now() });
    return value;
  }
}

interface Named {
  vault: string;
  name: string;
  version?: string;
}

/** The secret that a reference or an address names. */
export function secretNamed(text: string): Named | undefined {
  const [, inside = text] = /^@Microsoft\.KeyVault\((.*)\)$/i.exec(text) ?? [];
  const address =
    /^(?:SecretUri=)?https:\/\/([\w-]+)\.[\w.:-]+\/secrets\/([\w-]+)(?:\/([0-9a-f]{32})?)?$/i.exec(
      inside,
    );
  const long = /^VaultName=([\w-]+);SecretName=([\w-]+)(?:;SecretVersion=([0-9a-f]{32}))?$/i.exec(
    inside,
  );
  const [, vault, name, version] = address ?? long ?? [];
  if (vault === undefined || name === undefined) return undefined;
  return { vault, name, ...(version === undefined ? {} : { version }) };
}
