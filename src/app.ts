/** Composition root: settings → clients → the deps of a pass. Importing it reads no setting and sends nothing. */
import './core/quiet.ts';
import { ManagedIdentityCredential } from '@azure/identity';
import { createArm } from './azure/arm.ts';
import { type Cloud, CustomCloud, clouds, vaultUrl } from './azure/cloud.ts';
import { consentFrom, parseConsentMap } from './azure/consent.ts';
import { vaultTagsFrom } from './azure/vaultTags.ts';
import { type Clock, systemClock } from './core/clock.ts';
import { KeyturnError, withoutText } from './core/errors.ts';
import type { SecretRef } from './core/ids.ts';
import { jsonLog, type Log, type LogLevel } from './core/log.ts';
import { Look } from './core/look.ts';
import type { Environment } from './core/ownStorage.ts';
import { quote } from './core/quote.ts';
import { readSettings, type Settings, SettingsError } from './core/settings.ts';
import { type Auth, type Caller, createAuth } from './http/auth.ts';
import { type InventoryPage, inventory, type SecretDetail, secretDetail } from './inventory.ts';
import { history, operation, type RotateAnswer, type RotateCall, rotate } from './operations.ts';
import { giveUp } from './poison.ts';
import { healthOf, type Probes, type Readiness, readiness } from './readiness.ts';
import type { Config, Deps } from './reconcile/deps.ts';
import { reconcile } from './reconcile/pass.ts';
import { mergePolicy } from './reconcile/policy.ts';
import { sweep } from './reconcile/sweep.ts';
import type { InventoryFilter } from './requests/inventory.ts';
import { fromQueue } from './requests/queue.ts';
import { isSkip, type Skip } from './requests/skip.ts';
import { allRotators, registry } from './rotators/registry.ts';
import { blobAudit } from './store/audit.ts';
import { tableLocks } from './store/locks.ts';
import { lookQueue } from './store/queue.ts';
import { queueReach } from './store/reach.ts';
import { tableRows } from './store/rows.ts';
import type { OwnStorage } from './store/storage.ts';
import type { History, Operation } from './store/store.ts';
import { keyVaults } from './vault/keyVault.ts';

export interface Overrides {
  readonly clock?: Clock;
  /** Fetches the tenant's signing keys. */
  readonly fetch?: typeof fetch;
  readonly log?: Log;
}

/** What triggers call. */
export interface App {
  readonly settings: Settings<Cloud>;
  readonly auth: Auth;
  /** Records what came in and is no look for us. */
  skip(message: string, skip: Skip): void;
  /** Puts the look of an event on the queue, at most one per secret and minute. Throws `BusyError` when the queue was not reached. */
  accept(look: Look): Promise<void>;
  /** One pass for one message; a message that is no look is recorded and done with (case SEC-05). */
  work(message: unknown): Promise<void>;
  /** A message that the host gave up on. */
  poison(message: unknown): Promise<void>;
  sweep(): Promise<void>;
  rotate(call: RotateCall): Promise<RotateAnswer>;
  operation(id: string, caller: Caller): Promise<Operation>;
  inventory(filter: InventoryFilter, caller: Caller): Promise<InventoryPage>;
  secret(ref: SecretRef, caller: Caller): Promise<SecretDetail>;
  /** Own storage answers and the identity gives a token; asked at most once in ten seconds. */
  health(): Promise<boolean>;
  readiness(caller: Caller): Promise<Readiness>;
  history(ref: SecretRef, caller: Caller): Promise<History>;
  /** The same app, logging elsewhere. */
  withLog(log: Log): App;
}

/** Builds an app from an environment. Throws `SettingsError` with all that is wrong; sends nothing yet. */
export function createApp(env: Environment, overrides: Overrides = {}): App {
  const { clock = systemClock, log = jsonLog(toConsole), ...rest } = overrides;
  const settings = readSettings(env, CustomCloud);
  const cloud = 'custom' in settings.cloud ? settings.cloud.custom : clouds[settings.cloud.name];
  // One identity, named: a chain would pick up whatever the environment holds (case FN-04).
  const credential = new ManagedIdentityCredential({ clientId: settings.identity.clientId });
  const rotators = registry(allRotators({ cloud, credential, clock }));
  checkSettings(settings, rotators.types);
  const { tenantId: tenant, audience } = settings;
  const auth = createAuth({ tenant, authority: cloud.authority, audience, clock, ...rest });
  let made: Omit<Deps, 'log'> | undefined;
  const ground = { settings, cloud, credential, rotators, clock };
  const clients = () => (made ??= depsOf(ground));
  let probing: Probes | undefined;
  const probes = () => (probing ??= probesOf(ground, clients()));
  return appOf({ settings, auth, clients, probes, health: healthOf(probes, clock) }, log);
}

interface Parts {
  readonly settings: Settings<Cloud>;
  readonly auth: Auth;
  /** Made on first use and kept, for their tokens (azure-facts 8.3). */
  readonly clients: () => Omit<Deps, 'log'>;
  readonly probes: () => Probes;
  readonly health: (log: Log) => Promise<boolean>;
}

function appOf(parts: Parts, log: Log): App {
  const { settings, auth, clients, probes, health } = parts;
  const deps = (): Deps => ({ ...clients(), log });
  const skip = (message: string, { skip: reason, detail }: Skip) => log('warn', message, { reason, detail });
  return {
    settings,
    auth,
    skip,
    async accept(look) {
      const { vault, name } = look;
      const queued = await deps().queue.offer(Look.parse(look));
      if (!queued) log('info', 'event served by a look that waits', { vault, name });
    },
    async work(message) {
      const look = fromQueue(message);
      if (isSkip(look)) skip('message skipped', look);
      else await guarded(reconcile(look, deps()));
    },
    async poison(message) {
      const look = fromQueue(message);
      if (isSkip(look)) skip('message skipped', look);
      else await guarded(giveUp(look, deps()));
    },
    async sweep() {
      await guarded(sweep(deps()));
    },
    rotate: (call) => rotate(call, deps()),
    operation: (id, caller) => operation(id, caller, deps()),
    inventory: (filter, caller) => inventory(filter, caller, deps()),
    secret: (ref, caller) => secretDetail(ref, caller, deps()),
    health: () => health(log),
    readiness: (caller) => readiness(caller, deps(), probes()),
    history: (ref, caller) => history(ref, caller, deps()),
    withLog: (other) => appOf(parts, other),
  };
}

/** The host prints what a trigger throws, so no text of strangers leaves here. */
const guarded = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw withoutText(error);
  });

/** What only the modules behind the settings can judge: better said at the start than found out by every secret's refusal. */
function checkSettings({ consent, policy, rotators }: Settings<Cloud>, known: readonly string[]): void {
  const checks = {
    KEYTURN_CONSENT: () => parseConsentMap(consent),
    KEYTURN_POLICY: () => mergePolicy([{ where: 'KEYTURN_POLICY', text: policy }]),
  };
  const problems = Object.entries(checks).flatMap(([name, check]) => {
    try {
      check();
      return [];
    } catch (error) {
      if (!(error instanceof KeyturnError)) throw error;
      return [`${name} does not fit: ${error.detail}`];
    }
  });
  const strange = rotators.filter((type) => !known.includes(type)).map((type) => quote(type));
  if (strange.length > 0) problems.push(`KEYTURN_ROTATORS names ${strange.join(', ')}. Known: ${known.join(', ')}.`);
  if (problems.length > 0) throw new SettingsError(problems);
}

interface Ground {
  readonly settings: Settings<Cloud>;
  readonly cloud: Cloud;
  readonly credential: ManagedIdentityCredential;
  readonly rotators: Deps['rotators'];
  readonly clock: Clock;
}

function depsOf({ settings, cloud, credential, rotators, clock }: Ground): Omit<Deps, 'log'> {
  const own = ownOf({ settings, cloud, credential });
  const arm = createArm({ cloud, credential, clock });
  const vaults = settings.vaults.map(({ name }) => ({ name, url: vaultUrl(cloud, name) }));
  return {
    vaults: keyVaults({ vaults, credential, clock }),
    vaultTags: vaultTagsFrom({ arm, vaultIds: settings.vaults.map(({ text }) => text), clock }),
    rotators,
    consent: consentFrom({ map: settings.consent, arm, principalId: settings.identity.principalId }),
    rows: tableRows(own, clock),
    locks: tableLocks(own, clock),
    queue: lookQueue(own, clock),
    audit: blobAudit(own),
    clock,
    config: configOf(settings),
  };
}

const ownOf = ({ settings: { hostStorage }, cloud, credential }: Omit<Ground, 'rotators' | 'clock'>): OwnStorage =>
  'connectionString' in hostStorage ? hostStorage : { ...hostStorage, storageSuffix: cloud.storageSuffix, credential };

function probesOf(ground: Ground, { rows }: Pick<Deps, 'rows'>): Probes {
  const { cloud, credential } = ground;
  return {
    table: () => rows.sweptOn(),
    queue: queueReach(ownOf(ground)),
    // The library's own text stays unread: it may hold what the endpoint was sent.
    token: () =>
      credential.getToken(`${cloud.armAudience}/.default`).catch(() => {
        throw new KeyturnError('no-identity');
      }),
  };
}

function configOf({ instance, mode, rate, rotators, policy, capDays, ownStorage, ownerTag }: Settings<Cloud>): Config {
  return {
    ...{ instance, mode, rate, policy, ownStorage, ownerTag },
    enabled: rotators,
    ...(capDays === undefined ? {} : { capDays }),
  };
}

let memo: App | undefined;

/** Gives this process an app that was made elsewhere, with another clock for example. Triggers use it from then on. */
export function provideApp(app: App): void {
  memo = app;
}

/** The app of this process, made from its environment on the first call; its records go to `write`. */
export function getApp(write: (level: LogLevel, line: string) => void): App {
  memo ??= createApp(process.env);
  return memo.withLog(jsonLog(write));
}

const toConsole = (level: LogLevel, line: string): void => console[level](line);
