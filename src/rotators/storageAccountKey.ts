/** `storage-account-key`: the two access keys of a storage account in turn. */
import { z } from 'zod';
import { type Clock, minutesBetween } from '../core/clock.ts';
import { compact } from '../core/compact.ts';
import { type Handle, parseResourceId, type ResourceId } from '../core/ids.ts';
import type { Secret } from '../core/secret.ts';
import type {
  Manifest,
  Obstacle,
  Parameters,
  Rotator,
  TargetFacts,
  Verdict,
} from '../ports/rotator.ts';
import type { Regeneration } from '../targets/armKeys.ts';
import { hostOf, privateLinkOf } from '../targets/hosts.ts';
import { hoursAllowed, hoursDeclared } from '../targets/sasPeriod.ts';
import type {
  StorageAccountFacts,
  StorageKeyProbe,
  StorageKeysApi,
} from '../targets/storageKeys.ts';
import { parseOptions } from './kit/options.ts';
import { type SlotFacts, type SlotKeys, twoSlots } from './kit/twoSlots.ts';

export interface StorageAccountKeyOptions {
  readonly keys: StorageKeysApi;
  readonly probe: StorageKeyProbe;
  readonly clock: Clock;
  /** `core.windows.net`: no host that ends otherwise is dialled. */
  readonly storageSuffix: string;
}

/** In the order in which a first credential takes them: people use key1 first, so key2 is the idle one. */
const SLOTS: readonly Handle[] = ['key2', 'key1'];

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
      const account = new StorageAccount(
        id,
        parseOptions(Options, options)['longest-sas'],
        deps,
        spreading,
      );
      return twoSlots({
        id: id.text,
        owners: [id.text],
        name: id.name,
        slots: SLOTS,
        clock: deps.clock,
        facts: () => account.facts(),
        moreHosts: () => account.moreHosts(),
        list: () => account.list(),
        regenerate: (slot) => account.regenerate(slot),
        looks: { ended: 1, lost: 1 },
        tried: (value) => account.tried(value),
        made: (value) => spreading.issued(value),
      });
    },
  };
}

/** How long a new key may take to be accepted everywhere (azure-facts 4.2). */
const MINUTES_TO_SPREAD = 2;
/** No pass stays longer with a key that it issued (design section 3). */
const MINUTES_OF_A_PASS = 16;
/** More than a process issues in that time. */
const ISSUED_MAX = 50;

/** One account, read once: a target is bound anew for every pass. */
class StorageAccount {
  readonly #resource: ResourceId;
  readonly #longestSas: string | undefined;
  readonly #deps: StorageAccountKeyOptions;
  readonly #spreading: Spreading;
  #facts: StorageAccountFacts | undefined;

  constructor(
    resource: ResourceId,
    longestSas: string | undefined,
    deps: StorageAccountKeyOptions,
    spreading: Spreading,
  ) {
    this.#resource = resource;
    this.#longestSas = longestSas;
    this.#deps = deps;
    this.#spreading = spreading;
  }

  async facts(): Promise<SlotFacts> {
    const facts = await this.#deps.keys.account(this.#resource);
    this.#facts = facts;
    const graceMin = this.#graceMin(facts);
    return compact({
      hosts: hostsNamed(this.#resource.name, facts),
      graceMin,
      off: facts.sharedKeys ? undefined : this.#keysOff(),
    });
  }

  async moreHosts(): Promise<readonly string[]> {
    this.#facts ??= await this.#deps.keys.account(this.#resource);
    const zones = zonesUnder(this.#deps.storageSuffix);
    return hostsNamed(this.#resource.name, this.#facts).flatMap((host) =>
      privateLinkOf(host, zones),
    );
  }

  async list(): Promise<SlotKeys> {
    const keys = await this.#deps.keys.listKeys(this.#resource);
    return new Map([...keys].map(([slot, value]) => [slot, { value }]));
  }

  async regenerate(slot: Handle): Promise<Regeneration> {
    await this.#deps.keys.regenerate(this.#resource, slot);
    return { over: true };
  }

  async tried(value: Secret): Promise<Verdict> {
    this.#facts ??= await this.#deps.keys.account(this.#resource);
    const { sharedKeys, blobEndpoint } = this.#facts;
    if (!sharedKeys) return 'unknown';
    if (
      blobEndpoint === undefined ||
      hostUnder(blobEndpoint, this.#deps.storageSuffix) === undefined
    )
      return 'vouched';
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

  #keysOff(): Obstacle {
    const detail = `Shared keys are switched off at ${this.#resource.name}: use identities and drop the secret.`;
    return { reason: 'keys-off', detail };
  }

  /** Case ST-03: what was signed with a key dies with it, so the key lives as long as the longest SAS may. */
  #graceMin({ sasPeriod }: StorageAccountFacts): TargetFacts['graceMin'] {
    const declared = hoursDeclared(this.#longestSas);
    const allowed = hoursAllowed(sasPeriod);
    if (declared === undefined && allowed === undefined) return undefined;
    return (declared ?? 0) >= (allowed ?? 0)
      ? { hours: declared ?? 0, because: `longest-sas=${this.#longestSas}` }
      : {
          hours: allowed ?? 0,
          because: `the SAS policy of the account allows ${sasPeriod?.slice(0, 16)}`,
        };
  }
}

/**
 * Hosts that ARM names for the account, whatever they end in: a DNS zone is not under the suffix of the cloud (case VAL-10). An
 * endpoint has the account's name before its first point or hyphen; what has not is no host of it, but for its custom domain.
 */
function hostsNamed(
  account: string,
  { endpoints, customDomain }: StorageAccountFacts,
): readonly string[] {
  const own = endpoints
    .flatMap((address) => hostOf(address))
    .filter((host) => host.split(/[.-]/)[0] === account);
  return [...new Set([...own, ...hostOf(customDomain)])];
}

/** Zones of storage with names of private endpoints [learn: private-link/private-endpoint-dns]; with the port of a cloud of tests. */
const zonesUnder = (suffix: string): readonly string[] =>
  ['blob', 'queue', 'table', 'file', 'web', 'dfs'].map(
    (service) => `${service}.${suffix.split(':')[0]}`,
  );

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
