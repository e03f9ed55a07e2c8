/** Calls that no trigger starts (tests, `/admin/functions`), and waiting for all calls to be over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Registered, Registrations, Response } from './core.ts';
import { type Invoker, type Trigger, triggerOf } from './invoke.ts';
import type { QueueListener } from './queues.ts';
import type { TimerListener } from './timers.ts';

export class Runs {
  readonly #registrations: Registrations;
  readonly #invoker: Invoker;
  readonly #timers: ReadonlyMap<string, { timer: TimerListener }>;

  constructor(
    registrations: Registrations,
    invoker: Invoker,
    timers: ReadonlyMap<string, { timer: TimerListener }>,
  ) {
    this.#registrations = registrations;
    this.#invoker = invoker;
    this.#timers = timers;
  }

  /** Calls a function that is not triggered by HTTP; resolves with its response or rejects with its error. */
  async invoke(name: string, input: unknown): Promise<Response> {
    const registered = this.#registrations.functions.get(name);
    if (!registered) throw new Error(`There is no function ${name}`);
    const trigger = this.#trigger(registered, input);
    if (!trigger) throw new Error(`Function ${name} is triggered by HTTP: send it a request`);
    return this.#invoker.run(registered, trigger);
  }

  /** Starts a call in the background. False when there is no such function. */
  startNow(name: string, input: string | undefined): boolean {
    const registered = this.#registrations.functions.get(name);
    const trigger = registered && this.#trigger(registered, input);
    if (!registered || !trigger) return false;
    void this.#invoker.run(registered, trigger).catch(() => undefined); // the invoker has logged it; the caller got its 202
    return true;
  }

  #trigger(registered: Registered, input: unknown): Trigger | undefined {
    const text = typeof input === 'string' ? input : JSON.stringify(input ?? null);
    switch (triggerOf(registered).binding.type.toLowerCase()) {
      case 'timertrigger':
        return this.#timers.get(registered.metadata.name)?.timer.trigger(false);
      case 'queuetrigger':
        return {
          data: { string: text },
          metadata: { QueueTrigger: { string: text }, DequeueCount: { int: 1 } },
        };
      case 'eventgridtrigger':
        return { data: { json: text }, metadata: {} };
      default:
        return undefined;
    }
  }
}

/**
 * Resolves when no call runs, no timer is due and no queue shows a message, all true at one time: a call that ends between
 * two looks may have sent a message, so the looks count only if no call began around them.
 */
export async function drain(
  invoker: Invoker,
  queues: readonly QueueListener[],
  timers: readonly TimerListener[],
): Promise<void> {
  for (;;) {
    await invoker.settle();
    await Promise.all(queues.map((queue) => queue.settle()));
    const { started } = invoker;
    const due = timers.some((timer) => timer.isDue);
    const empty = await Promise.all(queues.map((queue) => queue.isEmpty()));
    if (!due && empty.every(Boolean) && invoker.running === 0 && invoker.started === started)
      return;
    await sleep(10);
  }
}
