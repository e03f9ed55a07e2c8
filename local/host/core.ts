/**
 * `@azure/functions-core` as the Node worker of Azure Functions provides it (measured contract: azure-facts 9.6), so that
 * an unmodified app registers its functions here. The module exists on no registry: `require` is taught to answer it.
 */
import module from 'node:module';

export type Binding = {
  type: string;
  name?: string;
  direction: 'in' | 'out';
  [option: string]: unknown;
};
export type Metadata = { name: string; bindings: Record<string, Binding>; retryOptions?: unknown };
export type Level = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';
export type Category = 'user' | 'system' | 'customMetric';
export type Callback = (...args: unknown[]) => unknown;

/** A value on the wire between host and worker: one member is set. */
export type TypedData = {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  double?: number;
  http?: HttpData;
};
type Nullable = Record<string, { value: string }>;
export type HttpData = {
  method?: string;
  url?: string;
  nullableHeaders?: Nullable;
  nullableQuery?: Nullable;
  nullableParams?: Nullable;
  statusCode?: string;
  headers?: Record<string, string>;
  cookies?: { name: string; value: string; [option: string]: unknown }[];
  body?: TypedData;
};

export type Response = {
  invocationId: string;
  outputData?: { name: string; data: TypedData }[];
  returnValue?: TypedData | null;
};

/** What the library makes of one call; the worker drives it in this order. */
export interface InvocationModel {
  getArguments(): Promise<{ context: object; inputs: unknown[] }>;
  invokeFunction(context: object, inputs: unknown[], callback: Callback): Promise<unknown>;
  getResponse(context: object, result: unknown): Promise<Response>;
}
export interface Model {
  getInvocationModel(coreContext: object): InvocationModel;
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>>;
}
export type Registered = { metadata: Metadata; callback: Callback; model: Model };
type HookCallback = (context: Record<string, unknown>) => unknown;

/** What one entry file registered. */
export class Registrations {
  readonly functions = new Map<string, Registered>();
  readonly hooks = new Map<string, HookCallback[]>();
}

class Disposable {
  readonly #dispose: () => void;
  constructor(dispose: () => void) {
    this.#dispose = dispose;
  }
  static from(...all: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const one of all) one.dispose();
    });
  }
  dispose(): void {
    this.#dispose();
  }
}

let current = new Registrations();
let model: Model | undefined;
let writeLog: (level: Level, category: Category, message: string) => void = () => {};
const hookNames = new Set<string>([
  'appStart',
  'appTerminate',
  'preInvocation',
  'postInvocation',
  'log',
]);

/** The module itself. `@azure/functions` keeps it for good, so it stays one object while entries and hosts come and go. */
export const core = {
  version: '3.13.0',
  hostVersion: '4.1037.0',
  Disposable,
  setProgrammingModel(next: Model): void {
    model = next;
  },
  getProgrammingModel: (): Model | undefined => model,
  registerFunction(metadata: Metadata, callback: Callback): Disposable {
    const { functions } = current;
    if (!model) throw new Error('A programming model must be set before functions are registered.');
    if (functions.has(metadata.name))
      throw new Error(`A function with the name "${metadata.name}" has already been registered.`);
    functions.set(metadata.name, { metadata, callback, model });
    return new Disposable(() => functions.delete(metadata.name));
  },
  registerHook(name: string, callback: HookCallback): Disposable {
    if (!hookNames.has(name)) throw new RangeError(`Unrecognized hook "${name}"`);
    const { hooks } = current;
    hooks.set(name, [...(hooks.get(name) ?? []), callback]);
    return new Disposable(() =>
      hooks.set(
        name,
        (hooks.get(name) ?? []).filter((other) => other !== callback),
      ),
    );
  },
  log(level: Level, category: Category, message: string): void {
    writeLog(level, category, message);
  },
};

const provided = Symbol.for('keyturn.functions-core');
type Require = (this: unknown, id: string) => unknown;

/**
 * Answers `require('@azure/functions-core')` from now on; the first `app.*` call must come later, since the library looks
 * once. Under Node the worker's own way: `Module.prototype.require` is wrapped. Under jest that prototype is not used, there
 * a virtual mock does it (`import.meta.jest`, ESM mode), so a test has nothing to set up.
 */
export function provideCore(): void {
  const { jest } = import.meta as {
    jest?: { mock(name: string, make: () => unknown, options: { virtual: true }): unknown };
  };
  if (jest) {
    jest.mock('@azure/functions-core', () => core, { virtual: true });
    return;
  }
  const prototype = module.prototype as { require: Require; [provided]?: true };
  if (prototype[provided]) return;
  const real = prototype.require;
  prototype.require = function (id) {
    return id === '@azure/functions-core' ? core : real.call(this, id);
  };
  prototype[provided] = true;
}

const byNamespace = new WeakMap<object, Registrations>();
let loading: Promise<unknown> = Promise.resolve();

/**
 * Runs `load` (an import) and answers what it registered. Modules run once per process, so a second load of the same
 * entry answers what the first one registered.
 */
export function registrationsOf(
  load: () => Promise<unknown>,
  log: typeof writeLog,
): Promise<Registrations> {
  const result = loading.then(async () => {
    current = new Registrations();
    writeLog = log;
    const made = current;
    const namespace = await load();
    if (typeof namespace !== 'object' || namespace === null) return made;
    const earlier = byNamespace.get(namespace);
    if (made.functions.size === 0 && earlier) return earlier;
    byNamespace.set(namespace, made);
    return made;
  });
  loading = result.catch(() => undefined); // the caller gets the error; the next load only waits for the end of this one
  return result;
}
