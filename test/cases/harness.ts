/**
 * The whole product against the local Azure, for the cases: the real entry in the mini host, Key Vault, ARM, Entra and
 * storage as they answer, one movable clock for all. Nothing happens by itself but queue messages: no timer runs, no
 * subscription delivers; a test posts events, sweeps and moves the clock.
 *
 * One tenant serves a file; `clear()` before each test takes out secrets, rows, messages, faults, logs:
 *
 *     let tenant: Tenant;
 *     beforeAll(async () => { tenant = await startTenant(); });
 *     beforeEach(() => tenant.clear());
 *     afterAll(() => tenant.stop());
 *
 *     tenant.seed('st-a', { account: 'acct1' });      // a person's secret in kv1 that holds key1 of acct1
 *     await tenant.goTo(tenant.dueOn('st-a'));         // sweeps on the way: the index is fresh, the secret just due
 *     await tenant.event('st-a');                      // 202
 *     await tenant.settle();                           // worked off, the looks after it too
 *     expect(tenant.regenerations('acct1')).toBe(1);
 *     await tenant.check();                            // cases section 13
 *
 * A secret of a person is due `every` (60 d) after it was made or, with an expiry, a quarter of its life and at most 30 d
 * before that. `settle` moves the clock in small steps to make hidden messages visible, by 90 s unless told otherwise.
 */

import type { z } from 'zod';
import type { Account, AccountOptions } from '../../local/azure/accounts.ts';
import type { Azure } from '../../local/azure/azure.ts';
import { startAzure, type TenantOptions } from '../../local/azure/tenant.ts';
import type { VaultOptions, Version } from '../../local/azure/vault.ts';
import { appAccount } from '../../local/azure/world.ts';
import * as clock from '../../local/clock.ts';
import { type Host, type LogRecord, startHost } from '../../local/host/host.ts';
import { OperationBody } from '../../src/api/operationBody.ts';
import { createApp, provideApp } from '../../src/app/app.ts';
import type { Clock } from '../../src/core/clock.ts';
import { movingClock } from './clock.ts';
import { checkInvariants, type Except } from './invariants.ts';
import { OwnStorage, type RawRow } from './ownStorage.ts';
import { type EventOptions, eventAbout, type Seed, seed } from './person.ts';
import { Time } from './time.ts';

export type { Seed } from './person.ts';

export interface TenantSetup {
  /** Default: kv1, kv2. */
  vaults?: (string | VaultOptions)[];
  /** Default: acct1 to acct5, each with consent for every secret of every vault. */
  accounts?: (AccountOptions & { consent?: string })[];
  /** Resources with access keys of other types; none by default. */
  keyed?: NonNullable<TenantOptions['keyed']>;
  /** None by default; consent for logins has to name them. */
  sqlServers?: NonNullable<TenantOptions['sqlServers']>;
  /** Settings beside those of the tenant. */
  env?: Record<string, string>;
}

/** A record of the product's log. */
export type ProductRecord = Record<string, unknown> & { message: string };

const ACCOUNTS = ['acct1', 'acct2', 'acct3', 'acct4', 'acct5'];

export async function startTenant(setup: TenantSetup = {}): Promise<Tenant> {
  clock.install();
  const {
    vaults = ['kv1', 'kv2'],
    accounts = ACCOUNTS.map((name) => ({ name })),
    keyed = [],
    sqlServers = [],
    env = {},
  } = setup;
  const azure = await startAzure({
    tenant: {
      vaults: vaults.map((given) => (typeof given === 'string' ? { name: given } : given)),
      accounts,
      keyed,
      sqlServers,
    },
  });
  const settings = { ...azure.env(), ...env };
  const lines: LogRecord[] = [];
  const host = await startHost({
    entry: () => import('../../src/functions/index.ts'),
    storageConnection: settings.AzureWebJobsStorage ?? '',
    env: settings,
    log: (line) => lines.push(line),
    timers: false,
    shows: async (queue) => (await azure.azurite.queued(appAccount, queue))?.shows,
  });
  const own = new OwnStorage(settings.AzureWebJobsStorage ?? '', azure.azurite);
  await own.create();
  return new Tenant(azure, host, own, settings, lines);
}

/** The tenant as a test works with it; sweeps, clock and waiting are in `Time`. */
export class Tenant extends Time {
  readonly azure: Azure;
  /** Everything that host and product logged. */
  readonly lines: LogRecord[];
  /** Bodies and headers of every HTTP answer. */
  readonly answers: string[] = [];
  /** Every key that any account ever had in this test. */
  readonly keysSeen = new Set<string>();
  readonly #settings: Record<string, string>;
  /** Role assignments and flags of accounts as they were at the start. */
  readonly #grants: Azure['world']['roles']['all'];
  readonly #given: ReadonlyMap<Account, object>;

  constructor(
    azure: Azure,
    host: Host,
    own: OwnStorage,
    settings: Record<string, string>,
    lines: LogRecord[],
  ) {
    super(host, own);
    this.azure = azure;
    this.lines = lines;
    this.#settings = settings;
    this.#grants = structuredClone(azure.world.roles.all);
    this.#given = new Map(
      [...azure.world.accounts.values()].map((account) => [account, flagsOf(account)]),
    );
    for (const account of azure.world.accounts.values()) {
      const regenerate = account.regenerate.bind(account);
      account.regenerate = (slot) => {
        this.keysSeen.add(account.key(slot));
        const made = regenerate(slot);
        this.keysSeen.add(made);
        return made;
      };
    }
    for (const keyed of azure.world.keyed.values())
      keyed.onKey = (value) => this.keysSeen.add(value);
    this.configure();
  }

  /** A new app with these settings beside the tenant's, as a restart would make it. */
  configure(env: Record<string, string> = {}, productClock: Clock = movingClock()): void {
    provideApp(createApp({ ...this.#settings, ...env }, { clock: productClock }));
  }

  /** No secret, row, message, fault, lock or log of an earlier test is left; grants are as at the start, the clock stays. */
  async clear(): Promise<void> {
    await this.host.drain();
    for (const vault of this.azure.world.vaults.values()) {
      vault.secrets.clear();
      vault.deleted.clear();
      vault.tags = {};
    }
    for (const account of this.azure.world.accounts.values())
      Object.assign(account, this.#given.get(account));
    this.azure.world.roles.all.splice(
      0,
      Number.POSITIVE_INFINITY,
      ...structuredClone(this.#grants),
    );
    this.azure.world.applications.length = 0;
    this.azure.world.locks.remove();
    this.azure.world.eventSubscriptions.length = 0;
    this.azure.world.systemTopics.length = 0;
    this.azure.world.consumers.clear();
    for (const server of this.azure.world.sqlServers.values()) server.reset();
    this.azure.heal();
    await this.own.clear();
    this.azure.calls.length = 0;
    this.lines.length = 0;
    this.answers.length = 0;
    this.keysSeen.clear();
    this.configure();
  }

  // What a person does

  /** A new version as a person makes it: all of its tags, no state. */
  seed(name: string, given: Seed = {}): Version {
    return seed(this.azure, name, given);
  }

  /** Posts an event about the current version, or `version`; `body` replaces members of the event. */
  async event(name: string, given: EventOptions = {}): Promise<Response> {
    const url = given.url ?? this.host.eventGridUrl('secretEvents');
    const headers = { 'content-type': 'application/json', 'aeg-event-type': 'Notification' };
    return await this.#fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify([eventAbout(this.azure, name, given)]),
    });
  }

  /** `POST …/rotate` by a person with these roles (default: all three). */
  rotate(name: string, body: object = {}, given: RequestOptions = {}): Promise<Response> {
    return this.#post('rotate', name, body, given);
  }

  /** `POST …/revoke`, in the same way. */
  revoke(name: string, body: object = {}, given: RequestOptions = {}): Promise<Response> {
    return this.#post('revoke', name, body, given);
  }

  /** `POST …/hold`, in the same way. */
  hold(name: string, body: object, given: RequestOptions = {}): Promise<Response> {
    return this.#post('hold', name, body, given);
  }

  /** `POST …/leaked`, in the same way. */
  leaked(name: string, body: object = {}, given: RequestOptions = {}): Promise<Response> {
    return this.#post('leaked', name, body, given);
  }

  /** `POST …/undo`, in the same way. */
  undo(name: string, body: object = {}, given: RequestOptions = {}): Promise<Response> {
    return this.#post('undo', name, body, given);
  }

  /** The operation that an answer of these led to, as it stands now. */
  async operation(accepted: Response): Promise<z.infer<typeof OperationBody>> {
    const shown = await this.request(accepted.headers.get('operation-location') ?? '');
    return OperationBody.parse(await shown.json());
  }

  async #post(call: string, name: string, body: object, given: RequestOptions): Promise<Response> {
    const { vault = 'kv1', headers = {} } = given;
    return await this.request(`/api/vaults/${vault}/secrets/${name}/${call}`, {
      ...given,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  /** A request to the product's API with a token of the tenant. */
  async request(
    path: string,
    { roles = ALL_ROLES, oid, token, ...init }: ApiRequest = {},
  ): Promise<Response> {
    const bearer =
      token ?? (await this.azure.issueToken({ roles, ...(oid === undefined ? {} : { oid }) }));
    const headers = { authorization: `Bearer ${bearer}`, ...init.headers };
    return await this.#fetch(`${this.host.url}${path}`, { ...init, headers });
  }

  // What can be seen

  /** When the current version is due by age, with a minute more: `every` after it was made. */
  dueOn(name: string, { vault = 'kv1', days = 60 }: { vault?: string; days?: number } = {}): Date {
    return new Date((this.current(name, vault).created + days * 86_400 + 60) * 1000);
  }

  /** The current version; throws where there is none. */
  current(name: string, vault = 'kv1'): Version {
    const found = this.azure.vault(vault).current(name);
    if (!found) throw new Error(`${vault} has no ${name}`);
    return found;
  }

  versions(name: string, vault = 'kv1'): Version[] {
    return this.azure.vault(vault).versions(name);
  }

  /** The tag `rotator-state` of a version, decoded. */
  stateOf({ tags = {} }: Version): Record<string, string> {
    const parts = (tags['rotator-state'] ?? '').split(';').filter((part) => part !== '');
    return Object.fromEntries(parts.map((part) => part.split('=').map(decodeURIComponent)));
  }

  /** Keys that were regenerated at an account since the last `clear`, whoever was told. */
  regenerations(account: string): number {
    const path = `/storageaccounts/${account}/regeneratekey`;
    return this.azure.changes().filter(({ route, path: called }) => {
      return route === 'arm.regenerateKey' && called.toLowerCase().endsWith(path);
    }).length;
  }

  /** Everything that Keyturn tried to change at targets, refused or not. */
  targetWrites(): number {
    return this.azure.writes().filter(({ route }) => route.startsWith('arm.')).length;
  }

  /** What the product logged, parsed; `message` narrows it. */
  logs(message?: string): ProductRecord[] {
    const records = this.lines
      .filter(({ category }) => category === 'user')
      .map((line) => JSON.parse(line.message));
    return records.filter((record) => message === undefined || record.message === message);
  }

  /** Alerts, or those that are about this secret: alone or, told by a sweep, as one of several. */
  alerts(name?: string): ProductRecord[] {
    return this.logs('alert').filter(
      (alert) => name === undefined || namesIn(alert).includes(name),
    );
  }

  rows(): Promise<RawRow[]> {
    return this.own.rows();
  }

  /** What the table remembers of a secret. */
  async row(name: string, vault = 'kv1'): Promise<Record<string, unknown> | undefined> {
    const rows = await this.rows();
    return rows.find(
      ({ partition, json }) => partition.startsWith('secrets-') && same(json, { vault, name }),
    )?.json;
  }

  /** The invariants that hold at the end of every case. */
  check(except: Except = {}): Promise<void> {
    return checkInvariants(this, except);
  }

  async stop(): Promise<void> {
    await this.host.stop();
    await this.azure.stop();
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const response = await fetch(url, init);
    const text = await response.clone().text();
    this.answers.push(JSON.stringify([response.status, [...response.headers], text]));
    return response;
  }
}

/** The secrets that an alert names: one, or the first ten of several. */
export const namesIn = ({ name, names }: ProductRecord): string[] =>
  names === undefined ? [String(name)] : JSON.parse(`[${String(names)}]`);
const same = (
  json: Record<string, unknown>,
  { vault, name }: { vault: string; name: string },
): boolean => json.vault === vault && json.name === name;
const flagsOf = ({
  allowSharedKeyAccess,
  keyExpirationDays,
  sasExpirationPeriod,
  locked,
}: Account) => ({
  ...{ allowSharedKeyAccess, keyExpirationDays, sasExpirationPeriod, locked },
});
const ALL_ROLES = ['Keyturn.Read', 'Keyturn.Rotate', 'Keyturn.Revoke'];

export interface ApiRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  roles?: string[];
  oid?: string;
  /** Instead of one that is issued. */
  token?: string;
}
export interface RequestOptions extends Pick<ApiRequest, 'headers' | 'roles' | 'oid' | 'token'> {
  vault?: string;
}
