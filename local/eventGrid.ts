/**
 * Event Grid's delivery of Key Vault events to webhooks, as strict as the service (azure-facts 3.1 to 3.4): the handshake
 * comes first, the body is an array, an answer counts for 30 s, failures are repeated on the documented schedule.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

export type Schema = 'EventGridSchema' | 'CloudEventSchemaV1_0';

/** What happened to a version of a secret; `nbf` and `exp` are seconds since 1970. */
export interface SecretEvent {
  vaultId: string;
  vaultName: string;
  type: `Microsoft.KeyVault.${string}`;
  objectName: string;
  version: string;
  /** Address of the version, as the vault names it. */
  id: string;
  nbf?: number | null;
  exp?: number | null;
}

export interface Subscription {
  name: string;
  vaultId: string;
  endpoint: string;
  schema?: Schema;
  /** Pauses before the second, third, … attempt; the last one repeats. Default: the documented schedule. */
  retrySeconds?: readonly number[];
}

/** One line of what Event Grid did; `status` 0 means no answer in time. */
export type DeliveryRecord = {
  subscription: string;
  kind: 'handshake' | 'delivered' | 'retry' | 'dropped';
  status: number;
  event?: string;
  attempt: number;
};

type Wire = {
  id: string;
  eventType: string;
  subject: string;
  eventTime: string;
  topic: string;
  data: object;
};
type Answer = { status: number; text: string; headers: Headers };

const documentedRetry = [10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200];
/** Shortest pause after these answers (azure-facts 3.2). */
const slowAnswers: Record<number, number> = { 404: 300, 408: 120, 503: 30 };
const final = new Set([400, 401, 403, 413]);
const answerTimeoutMs = 30_000;
const maxAttempts = 30;
const timeToLiveMs = 1440 * 60_000;
const handshakeRetryMs = 1000;

/** All subscriptions of the local tenant. Deliveries run on real time, events are dated by the movable clock. */
export class EventGrid {
  readonly #log: (record: DeliveryRecord) => void;
  readonly #subscriptions: { subscription: Subscription; ready: Promise<boolean> }[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #stopped = new AbortController();

  constructor(options: { log?: (record: DeliveryRecord) => void } = {}) {
    this.#log = options.log ?? (() => {});
  }

  /** Validates the endpoint until it answers as it must; what is raised meanwhile is delivered then. Resolves when valid. */
  async subscribe(subscription: Subscription): Promise<void> {
    const ready = this.#handshake(subscription);
    this.#subscriptions.push({ subscription, ready });
    await ready;
  }

  /** Who is subscribed, in the order in which they came. */
  subscribed(): readonly Subscription[] {
    return this.#subscriptions.map(({ subscription }) => subscription);
  }

  /** Tells every subscriber of the vault, in the background. */
  raise(event: SecretEvent): void {
    const wire = toWire(event);
    for (const { subscription, ready } of this.#subscriptions) {
      if (subscription.vaultId.toLowerCase() !== event.vaultId.toLowerCase()) continue;
      const delivery = ready.then((valid) =>
        valid ? this.#deliver(subscription, wire) : undefined,
      );
      this.#pending.add(delivery);
      void delivery.finally(() => this.#pending.delete(delivery));
    }
  }

  /** Resolves when every event raised so far has been accepted or dropped. */
  async idle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** Ends handshakes and deliveries; what was not delivered is lost. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#subscriptions.map(({ ready }) => ready));
    await this.idle();
  }

  async #handshake(subscription: Subscription): Promise<boolean> {
    for (let attempt = 0; !this.#stopped.signal.aborted; attempt++) {
      const { valid, status } = await (subscription.schema === 'CloudEventSchemaV1_0'
        ? this.#askForConsent(subscription)
        : this.#sendCode(subscription));
      this.#log({ subscription: subscription.name, kind: 'handshake', status, attempt });
      if (valid) return true;
      await this.#pause(handshakeRetryMs);
    }
    return false;
  }

  /** Event Grid schema: the endpoint must echo the code with status 200; 202 is refused. */
  async #sendCode({
    name,
    vaultId,
    endpoint,
  }: Subscription): Promise<{ valid: boolean; status: number }> {
    const validationCode = randomUUID();
    const validationUrl = `https://rp-local.eventgrid.keyturn.localhost:553/eventsubscriptions/${encodeURIComponent(name)}/validate?id=${validationCode}`;
    const event = {
      ...{ id: randomUUID(), topic: vaultId, subject: '', data: { validationCode, validationUrl } },
      ...{
        eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
        eventTime: new Date().toISOString(),
      },
      ...{ metadataVersion: '1', dataVersion: '2' },
    };
    const headers = {
      ...aeg('SubscriptionValidation', name, 0),
      'content-type': 'application/json; charset=utf-8',
    };
    const { status, text } = await this.#send(endpoint, {
      method: 'POST',
      headers,
      body: JSON.stringify([event]),
    });
    return { valid: status === 200 && echoes(text, validationCode), status };
  }

  /** CloudEvents: the endpoint must allow our origin (CloudEvents HTTP webhook specification 4.1). */
  async #askForConsent({ endpoint }: Subscription): Promise<{ valid: boolean; status: number }> {
    const origin = 'eventgrid.azure.net';
    const { status, headers } = await this.#send(endpoint, {
      method: 'OPTIONS',
      headers: { 'WebHook-Request-Origin': origin },
    });
    const allowed = headers.get('WebHook-Allowed-Origin');
    return {
      valid: status >= 200 && status < 300 && (allowed === origin || allowed === '*'),
      status,
    };
  }

  async #deliver(subscription: Subscription, wire: Wire): Promise<void> {
    const { name, endpoint, retrySeconds } = subscription;
    const raisedMs = Date.now();
    for (let attempt = 0; !this.#stopped.signal.aborted; attempt++) {
      const { status } = await this.#send(endpoint, toRequest(subscription, wire, attempt));
      const record = { subscription: name, status, event: wire.id, attempt };
      if (status >= 200 && status <= 204) return this.#log({ ...record, kind: 'delivered' });
      const over = attempt + 1 >= maxAttempts || Date.now() - raisedMs > timeToLiveMs;
      if (final.has(status) || over) return this.#log({ ...record, kind: 'dropped' });
      this.#log({ ...record, kind: 'retry' });
      await this.#pause(
        1000 * (retrySeconds ? scheduled(retrySeconds, attempt) : documentedPause(attempt, status)),
      );
    }
  }

  async #send(endpoint: string, init: RequestInit): Promise<Answer> {
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(answerTimeoutMs)]);
    try {
      const response = await fetch(endpoint, { ...init, redirect: 'manual', signal });
      return { status: response.status, text: await response.text(), headers: response.headers };
    } catch {
      return { status: 0, text: '', headers: new Headers() }; // refused, too late or stopped: all of it is "no answer"
    }
  }

  /** Sleeps without keeping the process alive; wakes at once when stopped. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { ref: false, signal: this.#stopped.signal }).catch(
      (error: unknown) => {
        if (!this.#stopped.signal.aborted) throw error;
      },
    );
  }
}

const scheduled = (seconds: readonly number[], attempt: number): number =>
  seconds[attempt] ?? seconds.at(-1) ?? 0;
const documentedPause = (attempt: number, status: number): number =>
  Math.max(scheduled(documentedRetry, attempt), slowAnswers[status] ?? 0);

function toWire(event: SecretEvent): Wire {
  return {
    ...{ id: randomUUID(), topic: event.vaultId, subject: event.objectName, eventType: event.type },
    eventTime: new Date().toISOString().replace('Z', '0000Z'),
    data: {
      ...{
        Id: event.id,
        VaultName: event.vaultName,
        ObjectType: 'Secret',
        ObjectName: event.objectName,
      },
      ...{ Version: event.version, NBF: event.nbf ?? null, EXP: event.exp ?? null },
    },
  };
}

/** Event Grid schema: an array of one. CloudEvents: one object in structured mode. */
function toRequest({ name, schema }: Subscription, wire: Wire, attempt: number): RequestInit {
  const headers = aeg('Notification', name, attempt);
  if (schema !== 'CloudEventSchemaV1_0') {
    const body = JSON.stringify([{ ...wire, dataVersion: '1', metadataVersion: '1' }]);
    return {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json; charset=utf-8' },
      body,
    };
  }
  const { id, topic, subject, eventType, eventTime, data } = wire;
  const body = JSON.stringify({
    id,
    source: topic,
    subject,
    type: eventType,
    time: eventTime,
    data,
    specversion: '1.0',
  });
  return {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/cloudevents+json; charset=utf-8' },
    body,
  };
}

const aeg = (type: string, subscription: string, attempt: number): Record<string, string> => ({
  'aeg-event-type': type,
  'aeg-subscription-name': subscription,
  'aeg-delivery-count': String(attempt),
  'aeg-data-version': type === 'Notification' ? '1' : '2',
  'aeg-metadata-version': '1',
});

function echoes(text: string, code: string): boolean {
  try {
    const answer: unknown = JSON.parse(text);
    return (
      typeof answer === 'object' &&
      answer !== null &&
      'validationResponse' in answer &&
      answer.validationResponse === code
    );
  } catch (error) {
    if (error instanceof SyntaxError) return false; // an answer that is no JSON is no consent
    throw error;
  }
}
