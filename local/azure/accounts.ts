/** One storage account: its two keys, flags, lock. The data plane itself is Azurite's. */
import { randomBytes } from 'node:crypto';
import { now } from '../clock.ts';

export type Slot = 'key1' | 'key2';
export const slots: readonly Slot[] = ['key1', 'key2'];

export interface AccountOptions {
  name: string;
  resourceGroup?: string;
  allowSharedKeyAccess?: boolean;
  /** Days, as in `keyPolicy.keyExpirationPeriodInDays`. */
  keyExpirationDays?: number;
  /** As in `sasPolicy.sasExpirationPeriod`, for example `1.00:00:00`. */
  sasExpirationPeriod?: string;
  tags?: Record<string, string>;
  /** Identity-based file access is on: Kerberos keys stand in the list, before the others (case ST-05). */
  kerberos?: boolean;
  /** `dnsEndpointType=AzureDnsZone`, with this zone: hosts as `acct1.z01.blob.storage.azure.net`, which nothing here serves. */
  dnsZone?: string;
  /** Read access to the other region: secondary endpoints are shown. */
  readable?: boolean;
  /** Endpoints by routing are published, and those of IPv6. */
  routed?: boolean;
  /** As in `customDomain.name`. */
  customDomain?: string;
}

interface Key {
  value: string;
  /** Milliseconds of the movable clock. */
  createdOn: number;
  creationTime: string;
}

export class Account {
  readonly name: string;
  /** The ARM id. */
  readonly id: string;
  allowSharedKeyAccess: boolean | undefined;
  keyExpirationDays: number | undefined;
  sasExpirationPeriod: string | undefined;
  tags: Record<string, string>;
  kerberos: boolean;
  readonly reached: Pick<AccountOptions, 'dnsZone' | 'readable' | 'routed' | 'customDomain'>;
  /** The level of a resource lock on it. */
  locked: 'ReadOnly' | 'CanNotDelete' | undefined;
  private readonly keys: Record<Slot, Key> = { key1: makeKey(0), key2: makeKey(0) };
  private readonly listener: (key1: string, key2: string) => void;

  constructor(
    options: AccountOptions,
    groupId: string,
    listener: (key1: string, key2: string) => void,
  ) {
    this.name = options.name;
    this.id = `${groupId}/providers/Microsoft.Storage/storageAccounts/${options.name}`;
    this.allowSharedKeyAccess = options.allowSharedKeyAccess;
    this.keyExpirationDays = options.keyExpirationDays;
    this.sasExpirationPeriod = options.sasExpirationPeriod;
    this.tags = options.tags ?? {};
    this.kerberos = options.kerberos ?? false;
    this.reached = options;
    this.listener = listener;
  }

  key(slot: Slot): string {
    return this.keys[slot].value;
  }

  creationTime(slot: Slot): string {
    return this.keys[slot].creationTime;
  }

  /** Makes a new value for a slot at once, also for the data plane; a repeat makes another (azure-facts 4.1). */
  regenerate(slot: Slot): string {
    this.keys[slot] = makeKey(this.keys[slot].createdOn);
    this.listener(this.key('key1'), this.key('key2'));
    return this.key(slot);
  }

  /** Whether a request signed with this value is let in now. */
  accepts(value: string): boolean {
    return this.allowSharedKeyAccess !== false && slots.some((slot) => this.key(slot) === value);
  }

  lock(level: 'ReadOnly' | 'CanNotDelete' = 'ReadOnly'): void {
    this.locked = level;
  }

  unlock(): void {
    this.locked = undefined;
  }
}

/** 64 random bytes, with a creation time in 100 ns as ARM writes it, later than the key before. */
function makeKey(after: number): Key {
  const createdOn = Math.max(now(), after + 1);
  const fraction = String(randomBytes(2).readUInt16BE() % 10_000).padStart(4, '0');
  return {
    value: randomBytes(64).toString('base64'),
    createdOn,
    creationTime: new Date(createdOn).toISOString().replace('Z', `${fraction}Z`),
  };
}
