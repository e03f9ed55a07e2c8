/**
 * A small Functions host: runs an unmodified app of the v4 model in this process, with HTTP, Event Grid, queue and timer
 * triggers as the real host behaves where Keyturn can notice. Import this module before the app: the library looks once
 * for the host's module.
 */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  type Level,
  provideCore,
  type Registered,
  type Registrations,
  type Response,
  registrationsOf,
} from './core.ts';
import { httpServer, type Keys } from './http.ts';
import { Invoker, type LogRecord, triggerOf } from './invoke.ts';
import { sendOutputs } from './outputs.ts';
import { QueueListener, type QueueSetup, queueDefaults } from './queues.ts';
import { drain, Runs } from './runs.ts';
import { connectionOf, expand, type HostJson, readHostJson, setEnvironment } from './settings.ts';
import { TimerListener } from './timers.ts';

export type { LogRecord } from './invoke.ts';

export interface HostOptions {
  /** Path of the entry file, or a function that imports it (under jest: `() => import('…')`). */
  entry: string | (() => Promise<unknown>);
  /** Default: any free port. */
  port?: number;
  /** App settings: set in `process.env` until the host stops. One process has one environment. */
  env?: Record<string, string>;
  /** Storage of the app; becomes the setting `AzureWebJobsStorage`. */
  storageConnection: string;
  log?: (record: LogRecord) => void;
  systemKey?: string;
  masterKey?: string;
  functionKey?: string;
  /** A path or the content. Default: `host.json` of the working directory, if there is one. */
  hostJson?: string | HostJson;
  /** Whether a queue shows a message, where that is known without asking its service; undefined: ask. Spares empty answers. */
  shows?: (queue: string) => Promise<boolean | undefined>;
  /** Timers fire by themselves (default), or only by `invoke` and `/admin/functions` (false). */
  timers?: boolean;
}

export interface Host {
  readonly url: string;
  readonly port: number;
  readonly keys: Keys;
  readonly functions: readonly { name: string; type: string }[];
  /** Calls a function with a timer, queue or Event Grid trigger and waits; rejects with what the handler throws. */
  invoke(name: string, input?: unknown): Promise<Response>;
  /** Address to which Event Grid delivers events for a function. */
  eventGridUrl(functionName: string): string;
  /** Resolves when nothing runs or is due and no queue of the app shows a message. Messages still invisible don't count. */
  drain(): Promise<void>;
  /**
   * As the real host on SIGTERM: takes no more work, tells the worker (hooks `appTerminate`) while its calls go on, cuts what
   * is not done ten seconds later, closes everything.
   */
  stop(): Promise<void>;
}

provideCore();

/** Seen on the real host (finding HST-06). That it waits for running calls meanwhile is how its drain is documented, not seen. */
const stopGraceMs = 10_000;
const newKey = (): string => randomBytes(30).toString('base64url');

/** Loads the entry, starts listeners and serves on 127.0.0.1. Rejects when the entry throws or registers nothing. */
export async function startHost(options: HostOptions): Promise<Host> {
  const env = setEnvironment({ AzureWebJobsStorage: options.storageConnection, ...options.env });
  try {
    return await start(options, env.restore);
  } catch (error) {
    env.restore();
    throw error;
  }
}

async function start(options: HostOptions, restore: () => void): Promise<Host> {
  const log = options.log ?? (() => {});
  const note = (level: Level, message: string) =>
    log({ time: new Date().toISOString(), level, category: 'host', message });
  const registrations = await registrationsOf(
    () => load(options.entry),
    (level, category, message) => log({ time: new Date().toISOString(), level, category, message }),
  );
  if (registrations.functions.size === 0) throw new Error('The entry registered no function');
  for (const { model } of new Set(registrations.functions.values())) await checkCapabilities(model);

  const invoker = new Invoker(registrations, log, sendOutputs);
  const { extensions } = readHostJson(options.hostJson);
  const queueOptions = { ...queueDefaults, ...extensions?.queues };
  const queues = {
    options: queueOptions,
    shows: options.shows,
    warn: (message: string) => note('warning', message),
  };
  const listeners = listen(registrations, invoker, queues);
  const runs = new Runs(registrations, invoker, listeners.timers);
  const directory =
    typeof options.entry === 'string' ? dirname(resolve(options.entry)) : process.cwd();
  await invoker.appHooks('appStart', directory);

  const keys = {
    ...{ master: options.masterKey ?? newKey(), system: options.systemKey ?? newKey() },
    ...{ function: options.functionKey ?? newKey() },
  };
  const routePrefix = extensions?.http?.routePrefix ?? 'api';
  const { functions } = registrations;
  const server = httpServer({
    ...{ functions, invoker, keys, routePrefix },
    startNow: (name, input) => runs.startNow(name, input),
  });
  await new Promise<void>((ready, fail) =>
    server.once('error', fail).listen(options.port ?? 0, '127.0.0.1', ready),
  );
  for (const queue of listeners.queues) queue.start();
  if (options.timers !== false)
    for (const { timer, runOnStartup } of listeners.timers.values()) timer.start(runOnStartup);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  return {
    ...{ url, port, keys },
    functions: [...functions].map(([name, one]) => ({ name, type: triggerOf(one).binding.type })),
    invoke: (name, input) => runs.invoke(name, input),
    eventGridUrl: (name) =>
      `${url}/runtime/webhooks/EventGrid?functionName=${name}&code=${keys.system}`,
    drain: () =>
      drain(
        invoker,
        listeners.queues,
        [...listeners.timers.values()].map(({ timer }) => timer),
      ),
    async stop() {
      for (const { timer } of listeners.timers.values()) timer.stop();
      const closed = new Promise((done) => server.close(done));
      await Promise.all(listeners.queues.map((queue) => queue.stop()));
      const told = invoker.appHooks('appTerminate', directory);
      const settled = Promise.all([
        told,
        invoker.settle(),
        ...listeners.queues.map((queue) => queue.settle()),
      ]);
      await Promise.race([settled, sleep(stopGraceMs, undefined, { ref: false })]);
      server.closeAllConnections();
      await closed;
      restore();
    },
  };
}

const load = (entry: HostOptions['entry']): Promise<unknown> =>
  typeof entry === 'string' ? import(pathToFileURL(resolve(entry)).href) : entry();

/** The worker asks for capabilities once; streams would need a second channel that this host does not have. */
async function checkCapabilities(model: Registered['model']): Promise<void> {
  const capabilities = await model.getCapabilities?.({});
  if (capabilities?.HttpUri)
    throw new Error('The local host does not serve HTTP streams (enableHttpStream)');
}

type Listeners = {
  queues: QueueListener[];
  timers: Map<string, { timer: TimerListener; runOnStartup: boolean }>;
};

function listen(
  { functions }: Registrations,
  invoker: Invoker,
  queues: Pick<QueueSetup, 'options' | 'shows' | 'warn'>,
): Listeners {
  const listeners: Listeners = { queues: [], timers: new Map() };
  for (const [name, registered] of functions) {
    const { binding } = triggerOf(registered);
    const type = binding.type.toLowerCase();
    if (registered.metadata.retryOptions)
      throw new Error(`Function ${name}: retry options are not supported by the local host`);
    if (type === 'queuetrigger') {
      const queueName = expand(String(binding.queueName));
      const connection = connectionOf(binding.connection);
      listeners.queues.push(
        new QueueListener({ ...queues, registered, queueName, connection, invoker }),
      );
    } else if (type === 'timertrigger') {
      const timer = new TimerListener(registered, expand(String(binding.schedule)), invoker);
      listeners.timers.set(name, { timer, runOnStartup: binding.runOnStartup === true });
    } else if (type !== 'httptrigger' && type !== 'eventgridtrigger') {
      throw new Error(`Function ${name}: ${binding.type} is not supported by the local host`);
    }
  }
  return listeners;
}
