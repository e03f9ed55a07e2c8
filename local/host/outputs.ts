/** Output bindings: storage queues (base64, one message per element of an array), and the HTTP response, which is not ours. */
import { QueueServiceClient } from '@azure/storage-queue';
import type { Metadata, Response, TypedData } from './core.ts';
import { connectionOf, expand } from './settings.ts';

/** Sends what a finished call left in its output bindings. */
export async function sendOutputs({ name, bindings }: Metadata, response: Response): Promise<void> {
  const outputs = [...(response.outputData ?? [])];
  if (response.returnValue && bindings.$return)
    outputs.push({ name: '$return', data: response.returnValue });
  for (const { name: key, data } of outputs) {
    const binding = bindings[key];
    if (!binding || binding.type === 'http') continue;
    if (binding.type !== 'queue')
      throw new Error(
        `Function ${name}: output ${binding.type} is not supported by the local host`,
      );
    const queueName = expand(String(binding.queueName));
    const queue = QueueServiceClient.fromConnectionString(
      connectionOf(binding.connection),
    ).getQueueClient(queueName);
    await queue.createIfNotExists();
    for (const text of toTexts(data)) await queue.sendMessage(Buffer.from(text).toString('base64'));
  }
}

function toTexts(data: TypedData): string[] {
  if (data.json === undefined) return [data.string ?? String(data.int ?? data.double ?? '')];
  const value: unknown = JSON.parse(data.json);
  if (!Array.isArray(value)) return [data.json];
  return value.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
}
