/** `POST /runtime/webhooks/EventGrid` as the Event Grid extension 3.3.0 answers it (measured: azure-facts 3.4). */
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Answer, parse } from './answer.ts';
import type { Registered } from './core.ts';
import { type Invoker, triggerOf } from './invoke.ts';

/** One invocation per event; 202 only after all have finished, a throw becomes 500 and thereby a redelivery. */
export async function deliverEvents(
  request: IncomingMessage,
  registered: Registered | undefined,
  invoker: Invoker,
): Promise<Answer> {
  if (!registered || triggerOf(registered).binding.type.toLowerCase() !== 'eventgridtrigger')
    return { status: 404 };
  if (request.method === 'OPTIONS') return consent(request);
  if (request.method !== 'POST') return { status: 405 };
  const kind = String(request.headers['aeg-event-type'] ?? '');
  const body = parse(await text(request));
  if (kind === 'Unsubscribe') return { status: 202 };
  if (!body) return { status: 400 };
  if (kind === 'SubscriptionValidation') return validate(body);
  // Of both schemas: seen on the real host, CloudEvents without the header are refused, too (finding HST-07).
  if (kind !== 'Notification') return { status: 400 };
  const runs = [body].flat().map((event) => {
    const json = JSON.stringify(event);
    return invoker.run(registered, {
      data: { json },
      metadata: { data: { json: JSON.stringify(event.data ?? null) } },
    });
  });
  const results = await Promise.allSettled(runs);
  return { status: results.every(({ status }) => status === 'fulfilled') ? 202 : 500 };
}

/** The handshake of the Event Grid schema: the code comes back with 200. */
function validate(body: Record<string, unknown>): Answer {
  const [event] = [body].flat() as { data?: { validationCode?: unknown } }[];
  const validationResponse = event?.data?.validationCode;
  if (typeof validationResponse !== 'string') return { status: 400 };
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  return { status: 200, headers, body: JSON.stringify({ validationResponse }) };
}

/** The handshake of CloudEvents. */
function consent(request: IncomingMessage): Answer {
  const origin = request.headers['webhook-request-origin'];
  if (typeof origin !== 'string') return { status: 400 };
  return {
    status: 200,
    headers: { 'WebHook-Allowed-Origin': origin, 'WebHook-Allowed-Rate': '*' },
  };
}
