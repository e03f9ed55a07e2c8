/**
 * Storage queue triggers: polling, encoding, renewal, tries and the poison queue as on the host (azure-facts 9.2, 9.5, findings
 * HST-02 and HST-03; the order of things is that of `QueueProcessor` and `QueueServiceClientProvider` in the Storage extension).
 */
import { isUtf8 } from 'node:buffer';
import {
  type DequeuedMessageItem,
  type QueueClient,
  QueueServiceClient,
} from '@azure/storage-queue';
import type { Registered } from './core.ts';
import type { Invoker, Trigger } from './invoke.ts';

/** `extensions.queues` of host.json, with its defaults. */
export type QueueOptions = {
  batchSize: number;
  newBatchThreshold?: number;
  maxDequeueCount: number;
  visibilityTimeout: string;
  messageEncoding: 'base64' | 'none';
};
export const queueDefaults: QueueOptions = {
  ...{
    batchSize: 16,
    maxDequeueCount: 5,
    visibilityTimeout: '00:00:00',
    messageEncoding: 'base64',
  },
};

const leaseSeconds = 600;
const renewAfterMs = (leaseSeconds / 2) * 1000;
const firstPauseMs = 50;
const longestPauseMs = 1000;
/** A queue that is not there is asked for again after this long, and every time it is a line of the log. */
const missingPauseMs = 10_000;

const poisonSuffix = '-poison';

type Running = {
  message: DequeuedMessageItem;
  popReceipt: string;
  renewedMs: number;
  over: boolean;
};

export interface QueueSetup {
  registered: Registered;
  queueName: string;
  connection: string;
  invoker: Invoker;
  options: QueueOptions;
  warn: (message: string) => void;
  /** Whether a queue shows a message, where that is known without asking it. */
  shows: ((queue: string) => Promise<boolean | undefined>) | undefined;
}

/** Feeds one function from its queue. */
export class QueueListener {
  readonly queueName: string;
  readonly #queue: QueueClient;
  /** Undefined for a poison queue, which has none of its own. */
  readonly #poison: QueueClient | undefined;
  readonly #registered: Registered;
  readonly #invoker: Invoker;
  readonly #options: QueueOptions;
  readonly #warn: (message: string) => void;
  readonly #shows: (queue: string) => Promise<boolean | undefined>;
  readonly #running = new Map<Running, Promise<void>>();
  #stopped = false;
  #receiving = false;
  #wake: () => void = () => {};
  #loop: Promise<void> | undefined;

  constructor(setup: QueueSetup) {
    const service = QueueServiceClient.fromConnectionString(setup.connection);
    this.queueName = setup.queueName;
    this.#queue = service.getQueueClient(setup.queueName);
    const poisoned = setup.queueName.endsWith(poisonSuffix);
    this.#poison = poisoned ? undefined : service.getQueueClient(setup.queueName + poisonSuffix);
    this.#registered = setup.registered;
    this.#invoker = setup.invoker;
    this.#options = setup.options;
    this.#warn = setup.warn;
    this.#shows = setup.shows ?? (async () => undefined);
  }

  /** Makes no queue: whoever deploys the app does. */
  start(): void {
    this.#loop = this.#poll();
  }

  /** Takes no more messages and waits for the loop, not for runs. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#loop;
  }

  /** Resolves when all messages in hand are done with. */
  async settle(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  /** True when nothing is in hand and the queue shows no message. Wakes the loop if there is something to do. */
  async isEmpty(): Promise<boolean> {
    if (this.#receiving || this.#running.size > 0) return false;
    const shows = (await this.#shows(this.queueName)) ?? (await this.#peek());
    if (shows) this.#wake();
    return !shows && !this.#receiving && this.#running.size === 0;
  }

  async #peek(): Promise<boolean> {
    try {
      return (
        (await this.#queue.peekMessages({ numberOfMessages: 1 })).peekedMessageItems.length > 0
      );
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async #poll(): Promise<void> {
    const { batchSize, newBatchThreshold = Math.floor(batchSize / 2) } = this.#options;
    let pauseMs = firstPauseMs;
    while (!this.#stopped) {
      await this.#renew();
      const found = this.#running.size <= newBatchThreshold ? await this.#receive(batchSize) : 0;
      if (found === 'missing') {
        await this.#sleep(missingPauseMs);
        continue;
      }
      pauseMs =
        found > 0 || this.#running.size > 0 ? firstPauseMs : Math.min(pauseMs * 2, longestPauseMs);
      if (await this.#sleep(pauseMs)) pauseMs = firstPauseMs;
    }
  }

  async #receive(batchSize: number): Promise<number | 'missing'> {
    this.#receiving = true;
    try {
      if ((await this.#shows(this.queueName)) === false) return 0;
      const options = {
        numberOfMessages: Math.min(batchSize, 32),
        visibilityTimeout: leaseSeconds,
      };
      const { receivedMessageItems } = await this.#queue.receiveMessages(options);
      for (const message of receivedMessageItems) this.#take(message);
      return receivedMessageItems.length;
    } catch (error) {
      if (isMissing(error)) {
        this.#warn(`404 QueueNotFound: the queue ${this.queueName} does not exist.`);
        return 'missing';
      }
      this.#warn(`Queue ${this.queueName} could not be read: ${String(error)}`);
      return 0;
    } finally {
      this.#receiving = false;
    }
  }

  #take(message: DequeuedMessageItem): void {
    const running: Running = {
      message,
      popReceipt: message.popReceipt,
      renewedMs: Date.now(),
      over: false,
    };
    const work = this.#handle(running)
      .catch((error: unknown) =>
        this.#warn(`Message ${message.messageId} of ${this.queueName}: ${String(error)}`),
      )
      .finally(() => this.#running.delete(running));
    this.#running.set(running, work);
  }

  async #handle(running: Running): Promise<void> {
    const { message } = running;
    const bytes = this.#decode(message.messageText);
    if (bytes === undefined) {
      // No function ever sees such a message: to the poison queue at once, and the poison function's turn is no better.
      this.#warn(
        `Message decoding has failed! Check MessageEncoding settings. MessageId=${message.messageId}.`,
      );
      return this.#bury(running);
    }
    if (message.dequeueCount > this.#options.maxDequeueCount) return this.#bury(running); // earlier tries died without an answer
    const done = await this.#run(message, bytes);
    running.over = true;
    if (done) await this.#queue.deleteMessage(message.messageId, running.popReceipt);
    else await this.#fail(running);
  }

  /** Whether the function took it. What is no UTF-8 can't be handed over: a failed try without a call. */
  async #run(message: DequeuedMessageItem, bytes: Buffer): Promise<boolean> {
    if (!isUtf8(bytes)) {
      this.#warn(
        `Queue message's body cannot be converted to string because it contains non-UTF8 bytes, message id=${message.messageId}`,
      );
      return false;
    }
    return await this.#invoker
      .run(this.#registered, toTrigger(message, bytes.toString('utf8')))
      .then(
        () => true,
        () => false, // logged by the invoker; what counts here is the next try
      );
  }

  async #fail(running: Running): Promise<void> {
    if (!this.#poison) return; // left hidden until its lease is over: tried again ten minutes after it was taken
    const { maxDequeueCount, visibilityTimeout } = this.#options;
    const { messageId, dequeueCount } = running.message;
    if (dequeueCount >= maxDequeueCount) return this.#bury(running);
    await this.#queue.updateMessage(
      messageId,
      running.popReceipt,
      undefined,
      toSeconds(visibilityTimeout),
    );
  }

  async #bury({ message, popReceipt }: Running): Promise<void> {
    if (!this.#poison) return; // stays where it is, hidden for ten minutes, again and again
    const { maxDequeueCount } = this.#options;
    this.#warn(
      `Message has reached MaxDequeueCount of ${maxDequeueCount}. Moving message to queue '${this.#poison.name}'.`,
    );
    await this.#poison.createIfNotExists();
    await this.#poison.sendMessage(message.messageText);
    await this.#queue.deleteMessage(message.messageId, popReceipt);
  }

  /** By the movable clock and before every receive, so that a jump does not hand this host its own messages again. */
  async #renew(): Promise<void> {
    for (const running of this.#running.keys()) {
      if (running.over || Date.now() - running.renewedMs < renewAfterMs) continue;
      try {
        const { messageId } = running.message;
        const renewed = await this.#queue.updateMessage(
          messageId,
          running.popReceipt,
          undefined,
          leaseSeconds,
        );
        if (renewed.popReceipt) running.popReceipt = renewed.popReceipt;
        running.renewedMs = Date.now();
      } catch (error) {
        this.#warn(
          `Message ${running.message.messageId} of ${this.queueName} could not be renewed: ${String(error)}`,
        );
      }
    }
  }

  #decode(text: string): Buffer | undefined {
    if (this.#options.messageEncoding === 'none') return Buffer.from(text);
    const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
    return isBase64 ? Buffer.from(text, 'base64') : undefined;
  }

  /** True when woken before the time. */
  #sleep(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms, false);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

const isMissing = (error: unknown): boolean =>
  (error as { code?: unknown }).code === 'QueueNotFound';

/** Names and forms as the host sends them. */
function toTrigger(message: DequeuedMessageItem, text: string): Trigger {
  const time = (date: Date) => ({ json: JSON.stringify(date) });
  return {
    data: { string: text },
    metadata: {
      QueueTrigger: { string: text },
      DequeueCount: { int: message.dequeueCount },
      Id: { string: message.messageId },
      PopReceipt: { string: message.popReceipt },
      InsertionTime: time(message.insertedOn),
      ExpirationTime: time(message.expiresOn),
      NextVisibleTime: time(message.nextVisibleOn),
    },
  };
}

/** `hh:mm:ss` of host.json. */
function toSeconds(span: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = span.split(':').map(Number);
  return hours * 3600 + minutes * 60 + seconds;
}
