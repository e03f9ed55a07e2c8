/** What can be seen of the product from outside: the records of its log, and the answers of its webhook. */
import diagnostics from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LogRecord } from '../host/host.ts';

/** One record of the product's log. */
export type ProductRecord = { readonly message: string; readonly [field: string]: unknown };

/** Keeps the product's records; `onRecord` sees each as it comes. */
export class Records {
  readonly all: ProductRecord[] = [];
  onRecord: (record: ProductRecord) => void = () => {};

  readonly take = ({ category, message }: LogRecord): void => {
    const record = category === 'user' ? parsed(message) : undefined;
    if (!record) return;
    this.all.push(record);
    this.onRecord(record);
  };

  /** The records with this message and these fields, of those that came after the first `from`. */
  matching(
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
    from = 0,
  ): ProductRecord[] {
    return this.all
      .slice(from)
      .filter(
        (record) =>
          record.message === message && Object.entries(fields).every(([k, v]) => record[k] === v),
      );
  }
}

/** The library's own lines are text; the product writes one JSON object a line. */
function parsed(line: string): ProductRecord | undefined {
  if (!line.startsWith('{')) return undefined;
  const record: unknown = JSON.parse(line);
  return typeof record === 'object' &&
    record !== null &&
    'message' in record &&
    typeof record.message === 'string'
    ? (record as ProductRecord)
    : undefined;
}

export interface WebhookAnswer {
  /** `SubscriptionValidation` or `Notification`. */
  readonly type: string;
  readonly subscription: string;
  readonly status: number;
}

/** Notes how the Event Grid webhook of this process's host answers (node: diagnostics_channel, http.server.response.finish). */
export function watchWebhook(): { readonly answers: readonly WebhookAnswer[]; stop(): void } {
  const answers: WebhookAnswer[] = [];
  const channel = 'http.server.response.finish';
  const note = (event: unknown) => {
    const { request, response } = event as { request: IncomingMessage; response: ServerResponse };
    if (!request.url?.startsWith('/runtime/webhooks/EventGrid')) return;
    const header = (name: string) => String(request.headers[name] ?? '');
    const type = header('aeg-event-type');
    answers.push({
      type,
      subscription: header('aeg-subscription-name'),
      status: response.statusCode,
    });
  };
  diagnostics.subscribe(channel, note);
  return { answers, stop: () => void diagnostics.unsubscribe(channel, note) };
}
