/** `storage-account-key`: the two access keys of a storage account in turn. */
import { z } from 'zod';
import { type Clock, minutesBetween } from '../core/clock.ts';
import { BusyError, KeyturnError, UnknownOutcomeError } from '../core/errors.ts';
import { type Handle, parseResourceId, type ResourceId, type RotationId } from '../core/ids.ts';
import { quote } from '../core/quote.ts';
import type { Secret } from '../core/secret.ts';
import type {
  Credential,
  Manifest,
  Obstacle,
  Parameters,
  Rotator,
  Target,
  TargetState,
  Verdict,
} from '../ports/rotator.ts';
import { hostOf, privateLinkOf } from '../targets/hosts.ts';
import { hoursAllowed, hoursDeclared } from '../targets/sasPeriod.ts';
import type { Keys, StorageAccountFacts, StorageKeyProbe, StorageKeysApi } from '../targets/storageKeys.ts';
import { parseOptions } from './kit/options.ts';
import { SharedList } from './kit/sharedList.ts';

export interface StorageAccountKeyOptions {
  readonly keys: StorageKeysApi;
  readonly probe: StorageKeyProbe;
  readonly clock: Clock;
  /** `core.windows.net`: no host that ends otherwise is dialled. */
  readonly storageSuffix: string;
}

/** In the order in which a first credential takes them: people use key1 first, so key2 is the idle one. */
const SLOTS = ['key2', 'key1'] as const;
type Slot = (typeof SLOTS)[number];

const ACCOUNT_TYPE = 'Microsoft.Storage/storageAccounts';
const ACCOUNT_NAME = /^[a-z0-9]{3,24}$/i;
const Options = z.strictObject({
  'longest-sas': z
    .string()
    .regex(/^\d{1,4}[dh]$/, { error: 'expected days or hours, as `45d` or `12h`' })
    .optional()
    .describe('The longest life of any SAS that is signed with the key. The grace must cover it.'),
});

export const storageAccountKeyManifest: Manifest = {
  type: 'storage-account-key',
  title: 'Storage account, access key',
  overlap: 'two-slots',
  rights: {
    actions: [
      'Microsoft.Storage/storageAccounts/read',
      'Microsoft.Storage/storageAccounts/listKeys/action',
      'Microsoft.Storage/storageAccounts/regenerateKey/action',
    ],
  },
  options: Options,
  form: { kind: 'key', dialects: ['storage'] },
};

/** The rotator over the two ports; it keeps nothing but when it issued a key, to be patient with it (case ST-08). */
export function storageAccountKey(deps: StorageAccountKeyOptions): Rotator {
  const spreading = new Spreading(deps.clock);
  return {
    ...storageAccountKeyManifest,
    bind({ target, options }: Parameters) {
      const id = parseResourceId(target, ACCOUNT_TYPE, 'The tag rotator-target', ACCOUNT_NAME);
      return new StorageAccount(id, parseOptions(Options, options)['longest-sas'], deps, spreading);
    },
  };
}

/** How long a new key may take to be accepted everywhere (azure-facts 4.2). */
const MINUTES_TO_SPREAD = 2;
/** No pass stays longer with a key that it issued (design section 3). */
const MINUTES_OF_A_PASS = 16;
/** More than a process issues in that time. */
const ISSUED_MAX = 50;

/** A pass holds its lock for 90 s; a write this long after the first read would come too near to its end. */
const SECONDS_TO_WRITE_MAX = 45;

class StorageAccount implements Target {
  readonly id: string;
  readonly owners: readonly string[];
  readonly #resource: ResourceId;
  readonly #longestSas: string | undefined;
  readonly #deps: StorageAccountKeyOptions;
  readonly #spreading: Spreading;
  readonly #list: SharedList<Keys>;
  #facts: StorageAccountFacts | undefined;

  constructor(
    resource: ResourceId,
    longestSas: string | undefined,
    deps: StorageAccountKeyOptions,
    spreading: Spreading,
  ) {
    this.id = resource.text;
    this.owners = [this.id];
    this.#resource = resource;
    this.#longestSas = longestSas;
    this.#deps = deps;
    this.#spreading = spreading;
    this.#list = new SharedList(() => deps.keys.listKeys(resource), deps.clock);
  }

  async inspect(): Promise<TargetState> {
    const facts = await this.#deps.keys.account(this.#resource);
    this.#facts = facts;
    const graceMin = this.#graceMin(facts);
    const state = { hosts: hostsNamed(this.#resource.name, facts), ...(graceMin === undefined ? {} : { graceMin }) };
    if (!facts.sharedKeys) return { ...state, handles: SLOTS, obstacles: [this.#keysOff()] };
    try {
      const keys = await this.#list.fresh('adopt', 'check');
      return { ...state, handles: SLOTS.filter((slot) => keys.has(slot)), obstacles: [], present: keys };
    } catch (error) {
      // A ReadOnly lock shows itself here, because listKeys is a POST (case ST-01).
      if (!(error instanceof KeyturnError) || error.reason !== 'scope-locked') throw error;
      return { ...state, handles: SLOTS, obstacles: [{ reason: error.reason, detail: error.detail }] };
    }
  }

  async moreHosts(): Promise<readonly string[]> {
    this.#facts ??= await this.#deps.keys.account(this.#resource);
    const zones = zonesUnder(this.#deps.storageSuffix);
    return hostsNamed(this.#resource.name, this.#facts).flatMap((host) => privateLinkOf(host, zones));
  }

  async adopt(value: Secret): Promise<Handle | undefined> {
    return slotOf(await this.#list.for('adopt'), value);
  }

  async issue(_rotation: RotationId, keep: readonly Handle[], _until: Date): Promise<Credential> {
    const startedOn = this.#deps.clock.now();
    const before = await this.#list.fresh();
    const slot = SLOTS.find((name) => before.has(name) && !keep.includes(name));
    if (slot === undefined) {
      throw new KeyturnError('slots-held', { detail: `No key of ${this.#resource.name} is free to be replaced.` });
    }
    const value = await this.#replace(slot, before.get(slot), startedOn);
    this.#spreading.issued(value);
    return { handle: slot, value };
  }

  async check(value: Secret): Promise<Verdict> {
    // In both slots it is live as well: which one it is matters to `adopt` alone.
    const keys = await this.#list.for('check');
    // A list that leaves a slot out says nothing of the value that may be in it.
    if (!SLOTS.some((slot) => keys.get(slot)?.equals(value)))
      return SLOTS.every((slot) => keys.has(slot)) ? 'refused' : 'unknown';
    this.#facts ??= await this.#deps.keys.account(this.#resource);
    const { sharedKeys, blobEndpoint } = this.#facts;
    if (!sharedKeys) return 'unknown';
    if (blobEndpoint === undefined || hostUnder(blobEndpoint, this.#deps.storageSuffix) === undefined) return 'vouched';
    const answer = await this.#deps.probe.tryKey(blobEndpoint, this.#resource.name, value);
    if (answer === 'accepted') {
      this.#spreading.accepted(value);
      return answer;
    }
    if (answer === 'unreachable') return 'vouched';
    if (answer === 'busy') return 'not-yet';
    if (answer.refused === 'KeyBasedAuthenticationNotPermitted') return 'unknown'; // says nothing of the key (ST-04)
    if (answer.refused === 'AuthorizationFailure') return 'vouched'; // the account's firewall; a wrong key is told otherwise
    return this.#spreading.refused(value);
  }

  async revoke(handle: Handle, old: Secret | undefined): Promise<void> {
    const startedOn = this.#deps.clock.now();
    const slot = slotNamed(handle);
    const held = (await this.#list.fresh()).get(slot);
    if (held === undefined || (old !== undefined && !held.equals(old))) return;
    // A key cannot be deleted: one that nobody has read takes its place.
    await this.#replace(slot, held, startedOn);
  }

  async read(handle: Handle): Promise<Secret> {
    const value = (await this.#list.fresh()).get(slotNamed(handle));
    if (value === undefined)
      throw new KeyturnError('failed', { detail: `${this.#resource.name} has no ${quote(handle)}.` });
    return value;
  }

  /** Regenerates the slot and gives back what it holds now, as read at the target; the request goes out once. */
  async #replace(slot: Slot, before: Secret | undefined, startedOn: Date): Promise<Secret> {
    if (minutesBetween(startedOn, this.#deps.clock.now()) * 60 > SECONDS_TO_WRITE_MAX) {
      throw new BusyError('target-busy', { detail: `${this.#resource.name} answered too slowly to go on safely.` });
    }
    let unknown: UnknownOutcomeError;
    try {
      await this.#deps.keys.regenerate(this.#resource, slot);
      unknown = new UnknownOutcomeError('target-busy', { detail: `${slot} of ${this.#resource.name} did not change.` });
    } catch (error) {
      if (!(error instanceof UnknownOutcomeError)) throw error;
      unknown = error;
    }
    // Read in either case: the list says what is true, and a slot that has changed was changed by this request.
    const after = await this.#list.fresh().catch((error: unknown) => {
      // Whatever kept it from being read, the request is out and may still arrive.
      throw error instanceof KeyturnError ? unknown : error;
    });
    const value = after.get(slot);
    if (value === undefined || (before !== undefined && value.equals(before))) throw unknown;
    return value;
  }

  #keysOff(): Obstacle {
    const detail = `Shared keys are switched off at ${this.#resource.name}: use identities and drop the secret.`;
    return { reason: 'keys-off', detail };
  }

  /** Case ST-03: what was signed with a key dies with it, so the key lives as long as the longest SAS may. */
  #graceMin({ sasPeriod }: StorageAccountFacts): TargetState['graceMin'] {
    const declared = hoursDeclared(this.#longestSas);
    const allowed = hoursAllowed(sasPeriod);
    if (declared === undefined && allowed === undefined) return undefined;
    return (declared ?? 0) >= (allowed ?? 0)
      ? { hours: declared ?? 0, because: `longest-sas=${this.#longestSas}` }
      : { hours: allowed ?? 0, because: `the SAS policy of the account allows ${sasPeriod?.slice(0, 16)}` };
  }
}

/** The slot whose key this is; undefined when none is, or both are. */
function slotOf(keys: Keys, value: Secret): Slot | undefined {
  const [slot, other] = SLOTS.filter((name) => keys.get(name)?.equals(value));
  return other === undefined ? slot : undefined;
}

/** Only key1 and key2 are ever replaced (case ST-05). */
function slotNamed(handle: Handle): Slot {
  const slot = SLOTS.find((name) => name === handle);
  if (slot === undefined) throw new KeyturnError('failed', { detail: `There is no slot ${quote(handle)}.` });
  return slot;
}

/**
 * Hosts that ARM names for the account, whatever they end in: a DNS zone is not under the suffix of the cloud (case VAL-10). An
 * endpoint has the account's name before its first point or hyphen; what has not is no host of it, but for its custom domain.
 */
function hostsNamed(account: string, { endpoints, customDomain }: StorageAccountFacts): readonly string[] {
  const own = endpoints.flatMap((address) => hostOf(address)).filter((host) => host.split(/[.-]/)[0] === account);
  return [...new Set([...own, ...hostOf(customDomain)])];
}

/** Zones of storage with names of private endpoints [learn: private-link/private-endpoint-dns]; with the port of a cloud of tests. */
const zonesUnder = (suffix: string): readonly string[] =>
  ['blob', 'queue', 'table', 'file', 'web', 'dfs'].map((service) => `${service}.${suffix.split(':')[0]}`);

/** The host of an address that may be dialled. */
function hostUnder(address: string, suffix: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { protocol, host } = new URL(address);
  return protocol === 'https:' && host.endsWith(`.${suffix}`) ? host : undefined;
}

/**
 * How long a 403 means "not yet": two minutes, to the pass that issued the key and has not seen it work; for ever to any
 * other. A key in its slot that something else keeps from working (a firewall, a clock) is no reason to rotate.
 */
class Spreading {
  readonly #clock: Clock;
  /** The newest last. */
  readonly #issued: { readonly value: Secret; readonly on: Date }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  issued(value: Secret): void {
    this.#issued.push({ value, on: this.#clock.now() });
    if (this.#issued.length > ISSUED_MAX) this.#issued.shift();
  }

  /** It is in force: whatever refuses it from now on, a key that stands in its slot is no reason to rotate. */
  accepted(value: Secret): void {
    const at = this.#issued.findIndex((issued) => issued.value.equals(value));
    if (at >= 0) this.#issued.splice(at, 1);
  }

  refused(value: Secret): 'not-yet' | 'refused' {
    const own = this.#issued.find((issued) => issued.value.equals(value));
    const minutes = own === undefined ? 0 : minutesBetween(own.on, this.#clock.now());
    return minutes >= MINUTES_TO_SPREAD && minutes <= MINUTES_OF_A_PASS ? 'refused' : 'not-yet';
  }
}
