/** Composition root: settings → clients → the deps of a pass. Importing it reads no setting and sends nothing. */
import './quiet.ts';
import { createHash } from 'node:crypto';
import { ManagedIdentityCredential } from '@azure/identity';
import { type Auth, createAuth } from '../api/auth.ts';
import type { ApiDeps } from '../api/call.ts';
import { isUnreadable } from '../api/inbox/message.ts';
import { fromQueue } from '../api/inbox/queueMessage.ts';
import { isSkip, type NoLook } from '../api/inbox/skip.ts';
import { healthOf, type Probes } from '../api/readiness.ts';
import { type Cloud, cloudChoice, cloudNamed } from '../azure/cloud.ts';
import { parseConsentMap } from '../azure/consentReader.ts';
import { withAlertWords } from '../core/alertWords.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { KeyturnError, withoutText } from '../core/errors.ts';
import type { ResourceId } from '../core/ids.ts';
import { jsonLog, type Log, type LogLevel } from '../core/log.ts';
import { Look } from '../core/look.ts';
import type { NotifySink } from '../core/notify.ts';
import type { Environment } from '../core/ownStorage.ts';
import { quote } from '../core/quote.ts';
import { readSettings, type Settings, SettingsError } from '../core/settings.ts';
import type { LeftOut } from '../core/vaultList.ts';
import type { Deps } from '../ports/deps.ts';
import type { Rotator } from '../ports/rotator.ts';
import { reconcile } from '../reconcile/pass.ts';
import { allRotators, registry } from '../rotators/registry.ts';
import { eventDelay } from '../sweep/pace.ts';
import { sweep } from '../sweep/sweep.ts';
import { mergePolicy } from '../tags/policy.ts';
import { type Clients, clientsOf, probesOf } from './clients.ts';
import { exposures } from './exposed.ts';
import { deliverMessage, giveUpNotice } from './noticeDoors.ts';
import { giveUp, giveUpEvents, unreadable, watchPoison } from './poison.ts';
import { keepHeapSmall } from './smallHeap.ts';
import { Stopping } from './stopping.ts';

export interface Overrides {
  readonly clock?: Clock;
  /** Fetches the tenant's signing keys. */
  readonly fetch?: typeof fetch;
  readonly log?: Log;
  /** Instead of all that there are, for servers that are not Azure's. */
  readonly rotators?: readonly Rotator[];
}

/** What triggers call. */
export interface App {
  readonly settings: Settings<Cloud>;
  readonly auth: Auth;
  /** Records what came in and is no look for us. */
  skip(message: string, skip: NoLook): void;
  /** Whether nobody can read this message of a queue; then it is recorded and alerted (finding HST-02). */
  isUnreadable(queue: string, message: unknown): Promise<boolean>;
  /** Puts the look of an event on the queue, at most one per secret and minute. Throws `BusyError` when the queue was not reached. */
  accept(look: Look): Promise<void>;
  /** The vaults whose events are accepted. Throws `BusyError` where that is not known yet. */
  vaults(): Promise<readonly ResourceId[]>;
  /** One pass for one message; a message that is no look is recorded and done with (case SEC-05). */
  work(message: unknown): Promise<void>;
  /** A message that the host gave up on. */
  poison(message: unknown): Promise<void>;
  /** Delivers one notice; what a sink does not take is put back. Throws `BusyError` where that was not possible either. */
  notice(message: unknown): Promise<void>;
  /** A notice that the host gave up on. */
  poisonNotice(message: unknown): Promise<void>;
  /** Events that the host gave up on, parsed. Throws `BusyError` when the queue was not reached. */
  poisonEvents(events: readonly (Look | NoLook)[]): Promise<void>;
  sweep(): Promise<void>;
  /** What the calls over HTTP work with. Throws `BusyError` where the vaults are not known yet. */
  api(): Promise<ApiDeps>;
  /** Own storage answers and the identity gives a token; asked at most once in ten seconds. */
  health(): Promise<boolean>;
  /** The same app, logging elsewhere. */
  withLog(log: Log): App;
}

/** Builds an app from an environment. Throws `SettingsError` with all that is wrong; sends nothing yet. */
export function createApp(env: Environment, overrides: Overrides = {}): App {
  const { clock = systemClock, log = jsonLog(toConsole), rotators: given, ...rest } = overrides;
  const exposed = exposures(env, env === process.env ? process.execArgv : []);
  if (exposed.length > 0) throw new SettingsError(exposed, 'exposed');
  const settings = readSettings(env, cloudChoice, { lenient: true });
  const cloud =
    'custom' in settings.cloud ? settings.cloud.custom : cloudNamed(settings.cloud.name);
  // One identity, named: a chain would pick up whatever the environment holds (case FN-04).
  const credential = new ManagedIdentityCredential({ clientId: settings.identity.clientId });
  const { tenantId: tenant, audience, databaseUser } = settings;
  const identityIds = [settings.identity.principalId, settings.identity.clientId];
  const user = databaseUser === undefined ? {} : { databaseUser };
  const all = { cloud, credential, clock, tenantId: tenant, identityIds, ...user };
  const rotators = registry(given ?? allRotators(all));
  checkSettings(settings, rotators.types, cloud);
  const auth = createAuth({
    tenant,
    authority: cloud.authority,
    sts: cloud.sts,
    audience,
    clock,
    ...rest,
  });
  let made: Clients | undefined;
  const ground = { settings, cloud, credential, rotators, clock };
  const clients = () => (made ??= clientsOf(ground));
  let probing: Probes | undefined;
  const probes = () => (probing ??= probesOf(ground, clients().deps));
  return appOf({ settings, auth, clients, probes, health: healthOf(probes, clock) }, log);
}

interface Parts {
  readonly settings: Settings<Cloud>;
  readonly auth: Auth;
  /** Made on first use and kept, for their tokens (azure-facts 8.3). */
  readonly clients: () => Clients;
  readonly probes: () => Probes;
  readonly health: (log: Log) => Promise<boolean>;
}

function appOf(parts: Parts, given: Log): App {
  const { settings, auth, clients, probes, health } = parts;
  const log = withAlertWords(given, {
    publicUrl: settings.publicUrl,
    observes: settings.mode === 'observe',
  });
  const deps = (): Deps => ({ ...clients().deps, log, stop: stopping.signal });
  /** With the vaults that the last sweep discovered, `vault` among them if it was. */
  const ready = async (vault?: string): Promise<Deps> => {
    await clients().served.know(vault);
    return deps();
  };
  const skip = (message: string, { skip: reason, detail }: NoLook) =>
    log('warn', message, { reason, detail });
  const isUnread = async (queue: string, message: unknown): Promise<boolean> => {
    if (!isUnreadable(message)) return false;
    await guarded(unreadable(queue, message, deps()));
    return true;
  };
  const foundVaults = () => {
    const { discovery, leftOut } = clients().served;
    const unread = settings.unreadVaults.map((each): LeftOut => ({ ...each, reason: 'settings' }));
    return { discovery, leftOut: [...leftOut, ...unread] };
  };
  return {
    settings,
    auth,
    skip,
    isUnreadable: isUnread,
    async accept(look) {
      const { vault, name } = look;
      const queued = await deps().queue.offer(Look.parse(look), () =>
        eventDelay(look, clients().pace, deps()),
      );
      if (!queued) log('info', 'event served by a look that waits', { vault, name });
    },
    async vaults() {
      const { served } = clients();
      await served.know();
      return served.ids;
    },
    async work(message) {
      if (await isUnread('keyturn-work', message)) return;
      const look = fromQueue(message);
      if (isSkip(look)) skip('message skipped', look);
      else await stopping.run(guarded(ready(look.vault).then((known) => reconcile(look, known))));
    },
    async poison(message) {
      if (await isUnread('keyturn-work-poison', message)) return;
      const look = fromQueue(message);
      if (isSkip(look)) skip('message skipped', look);
      else await guarded(ready(look.vault).then((known) => giveUp(look, known)));
    },
    async notice(message) {
      if (await isUnread('keyturn-notices', message)) return;
      await guarded(deliverMessage(message, clients().deliveries, deps()));
    },
    async poisonNotice(message) {
      if (await isUnread('keyturn-notices-poison', message)) return;
      await guarded(giveUpNotice(message, deps()));
    },
    poisonEvents: (events) => guarded(giveUpEvents(events, clients().pace, deps())),
    async sweep() {
      await guarded(clients().served.refresh(log, { observes: settings.mode === 'observe' }));
      await guarded(sweep(deps()).finally(() => watchPoison(clients().poisonLengths, deps())));
      await guarded(clients().pruneMarks());
    },
    async api() {
      const known = await ready();
      return { ...known, probes, foundVaults };
    },
    health: () => health(log),
    withLog: (other) => appOf(parts, other),
  };
}

/** The host prints what a trigger throws, so no text of strangers leaves here. */
const guarded = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw withoutText(error);
  });

/** What only the modules behind the settings can judge: better said at the start than found out by every secret's refusal. */
function checkSettings(
  { consent, policy, limits, rotators, notify }: Settings<Cloud>,
  known: readonly string[],
  cloud: Cloud,
): void {
  const checks = {
    KEYTURN_CONSENT: () => parseConsentMap(consent),
    KEYTURN_POLICY: () =>
      mergePolicy([{ where: 'KEYTURN_POLICY', text: policy, from: 'settings' }], limits),
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
  problems.push(...(notify?.sinks ?? []).flatMap((sink) => wrongTopic(sink, cloud)));
  const strange = rotators.filter((type) => !known.includes(type)).map((type) => quote(type));
  if (strange.length > 0)
    problems.push(`KEYTURN_ROTATORS names ${strange.join(', ')}. Known: ${known.join(', ')}.`);
  if (problems.length > 0) throw new SettingsError(problems);
}

/** A topic gets a token of the identity, so it has to be one of this cloud (design section 6). */
function wrongTopic(sink: NotifySink, { eventGridSuffix }: Cloud): readonly string[] {
  if (sink.kind !== 'eventgrid') return [];
  const { host, pathname, search } = new URL(sink.endpoint);
  const isTopic = eventGridSuffix !== undefined && host.endsWith(eventGridSuffix);
  if (isTopic && pathname === '/api/events' && search === '') return [];
  const expected = `https://<topic>.<region>${eventGridSuffix ?? '.eventgrid.azure.net'}/api/events`;
  return [
    `KEYTURN_NOTIFY does not fit: the endpoint of the sink ${quote(sink.name)} is none of a topic; expected ${expected}.`,
  ];
}

/** The end of this process, for the passes that run in it. */
export const stopping = new Stopping();

let memo: App | undefined;
/** Whether this process has said that its settings do not fit: once is enough, they cannot change under it. */
let faultTold = false;
/** The app whose start was told. */
let told: App | undefined;

/** Gives this process an app that was made elsewhere, with another clock for example. Triggers use it from then on. */
export function provideApp(app: App): void {
  memo = app;
}

function first(write: (level: LogLevel, line: string) => void): App {
  try {
    const app = createApp(process.env);
    keepHeapSmall();
    return app;
  } catch (error) {
    tellFault(error, jsonLog(write));
    throw error;
  }
}

/** Looks at the settings of this process and says what does not fit, so that an app that nobody calls says it, too. */
export function tellOfSettings(write: (level: LogLevel, line: string) => void): void {
  faultTold = false;
  if (memo) return;
  try {
    tellUnread(createApp(process.env), jsonLog(write));
  } catch (error) {
    tellFault(error, jsonLog(write));
  }
}

/** Names and no values: what stands in a wrong setting may be a secret in the wrong place (finding HST-04). */
function tellFault(error: unknown, log: Log): void {
  if (!(error instanceof SettingsError) || faultTold) return;
  withAlertWords(log, { observes: false })('error', 'alert', {
    reason: error.reason,
    names: error.names.join(', '),
  });
  faultTold = true;
}

/** Entries of lists that were left out: the app works, and whoever named these vaults has to know that they are not served. */
function tellUnread({ settings }: App, log: Log): void {
  const { unreadVaults: unread, mode } = settings;
  if (unread.length === 0 || faultTold) return;
  const fields = {
    cause: 'The settings name vaults by what is no id; those are not served, and all others are.',
    vaults: unread.map(({ vault }) => vault).join(', '),
    count: unread.length,
    detail: unread[0]?.detail,
  };
  withAlertWords(log, { observes: mode === 'observe' })('error', 'alert', {
    reason: 'settings',
    ...fields,
  });
  faultTold = true;
}

/** The app of this process, made from its environment on the first call; its records go to `write`. */
export function getApp(write: (level: LogLevel, line: string) => void): App {
  memo ??= first(write);
  const log = jsonLog(write);
  if (told !== memo) {
    // Whoever changes the settings is Keyturn (design section 6): an alert looks for a fingerprint that was not there before.
    const { instance, mode } = memo.settings;
    log('info', 'started', { instance, mode, settings: fingerprint(memo.settings) });
    tellUnread(memo, log);
    told = memo;
  }
  return memo.withLog(log);
}

/** Tells one set of settings from another and says nothing else of them. */
const fingerprint = (settings: Settings<Cloud>): string =>
  createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);

const toConsole = (level: LogLevel, line: string): void => console[level](line);
