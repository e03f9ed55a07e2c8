/** One call of a function, in the order of the Node worker (azure-facts 9.6): arguments, pre hooks, call, post hooks, response. */
import { randomBytes, randomUUID } from 'node:crypto';
import type {
  Binding,
  Callback,
  Category,
  Level,
  Metadata,
  Registered,
  Registrations,
  Response,
  TypedData,
} from './core.ts';

/** A line of log of the host or of a function. */
export type LogRecord = {
  time: string;
  level: Level;
  category: Category | 'host';
  message: string;
  functionName?: string;
  invocationId?: string;
};

/** What the trigger hands over. */
export type Trigger = { data: TypedData; metadata?: Record<string, TypedData> };

/** Hands output bindings of a finished call to their services; a failure fails the call. */
type Send = (metadata: Metadata, response: Response) => Promise<void>;

/** The input binding that starts the function. */
export function triggerOf({ metadata }: Registered): { key: string; binding: Binding } {
  const found = Object.entries(metadata.bindings).find(([, { type }]) => /trigger$/i.test(type));
  if (!found) throw new Error(`Function ${metadata.name} has no trigger`);
  return { key: found[0], binding: found[1] };
}

/** Runs functions of one app. A throw of the handler rejects with the handler's own error, as in the worker. */
export class Invoker {
  readonly #registrations: Registrations;
  readonly #log: (record: LogRecord) => void;
  readonly #send: Send;
  readonly #appHookData = {};
  readonly #running = new Set<Promise<unknown>>();
  #started = 0;

  constructor(registrations: Registrations, log: (record: LogRecord) => void, send: Send) {
    this.#registrations = registrations;
    this.#log = log;
    this.#send = send;
  }

  /** Calls under way. */
  get running(): number {
    return this.#running.size;
  }

  /** Calls begun so far. */
  get started(): number {
    return this.#started;
  }

  /** Waits for the calls that run now, whatever becomes of them. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  /** Runs appStart or appTerminate hooks. */
  async appHooks(name: 'appStart' | 'appTerminate', functionAppDirectory: string): Promise<void> {
    await this.#hooks(name, { functionAppDirectory });
  }

  run(registered: Registered, trigger: Trigger): Promise<Response> {
    this.#started++;
    const call = this.#call(registered, trigger);
    this.#running.add(call);
    const forget = () => this.#running.delete(call);
    call.then(forget, forget);
    return call;
  }

  async #call(registered: Registered, trigger: Trigger): Promise<Response> {
    const invocationId = randomUUID();
    const { name } = registered.metadata;
    const note = (level: Level, message: string) =>
      this.#log({
        time: new Date().toISOString(),
        level,
        category: 'host',
        message,
        functionName: name,
        invocationId,
      });
    const startMs = performance.now();
    const duration = () =>
      `Id=${invocationId}, Duration=${Math.round(performance.now() - startMs)}ms`;
    note('information', `Executing 'Functions.${name}' (Id=${invocationId})`);
    try {
      const response = await this.#work(registered, trigger, invocationId);
      note('information', `Executed 'Functions.${name}' (Succeeded, ${duration()})`);
      return response;
    } catch (error) {
      // The real host logs message and stack of what a handler throws, so a value in there leaks here too.
      note(
        'error',
        `Executed 'Functions.${name}' (Failed, ${duration()}) ${error instanceof Error ? error.stack : String(error)}`,
      );
      throw error;
    }
  }

  async #work(registered: Registered, trigger: Trigger, invocationId: string): Promise<Response> {
    const { metadata, model, callback } = registered;
    const context = this.#coreContext(registered, trigger, invocationId);
    const invocation = model.getInvocationModel(context);
    const { context: invocationContext, inputs } = await invocation.getArguments();
    const hookData = {};
    context.state = 'preInvocationHooks';
    const before = { hookData, invocationContext, inputs, functionCallback: callback };
    await this.#hooks('preInvocation', before);
    context.state = 'invocation';
    const after = {
      hookData,
      invocationContext,
      inputs: before.inputs,
      result: null as unknown,
      error: null as unknown,
    };
    try {
      after.result = await invocation.invokeFunction(
        invocationContext,
        before.inputs,
        before.functionCallback as Callback,
      );
    } catch (error) {
      after.error = error ?? new Error(`Function ${metadata.name} threw ${String(error)}`);
    }
    context.state = 'postInvocationHooks';
    await this.#hooks('postInvocation', after);
    if (after.error) throw after.error;
    const response = await invocation.getResponse(invocationContext, after.result);
    await this.#send(metadata, response);
    return response;
  }

  #coreContext(registered: Registered, trigger: Trigger, invocationId: string) {
    const { metadata } = registered;
    const ids = { functionName: metadata.name, invocationId };
    return {
      invocationId,
      metadata,
      request: {
        invocationId,
        functionId: metadata.name,
        inputData: [{ name: triggerOf(registered).key, data: trigger.data }],
        triggerMetadata: trigger.metadata ?? {},
        traceContext: { traceParent: `00-${hex(16)}-${hex(8)}-00`, traceState: '', attributes: {} },
        retryContext: null,
      },
      state: undefined as string | undefined,
      log: (level: Level, category: Category, message: string) =>
        this.#log({ time: new Date().toISOString(), level, category, message, ...ids }),
    };
  }

  /** Hooks get a context object with shared data and may change its members. */
  async #hooks(name: string, context: object): Promise<void> {
    const shared = Object.assign(context, { appHookData: this.#appHookData });
    if (!('hookData' in shared)) Object.assign(shared, { hookData: {} });
    for (const hook of this.#registrations.hooks.get(name) ?? [])
      await hook(shared as Record<string, unknown>);
  }
}

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
