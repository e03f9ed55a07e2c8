/** Event bodies through the real handler and a Functions host, down to the message on the queue. */
import { app } from '@azure/functions';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Azurite, startAzurite } from '../../local/azurite.ts';
import * as clock from '../../local/clock.ts';
import { type Host, type LogRecord, startHost } from '../../local/host/host.ts';
import { secretEvents } from '../../src/functions/events.ts';
import { bodies, kv1, look, topic } from '../api/bodies.ts';

const guid = (last: number) => `00000000-0000-4000-8000-00000000000${last}`;
const logs: LogRecord[] = [];
let azurite: Azurite;
let host: Host;
let stopped: Promise<void> | undefined;
const stopStorage = () => (stopped ??= azurite.stop());

beforeAll(async () => {
  clock.install();
  azurite = await startAzurite();
  host = await startHost({
    // This trigger alone: nothing takes the messages off the queue again.
    entry: async () => app.eventGrid('secretEvents', { handler: secretEvents }),
    storageConnection: azurite.connectionString(),
    env: {
      KEYTURN_TENANT_ID: guid(1),
      KEYTURN_IDENTITY_CLIENT_ID: guid(2),
      KEYTURN_IDENTITY_PRINCIPAL_ID: guid(3),
      KEYTURN_VAULTS: kv1,
      KEYTURN_AUDIENCE: 'api://keyturn',
      KEYTURN_SWEEP_SCHEDULE: '0 7 * * * *',
    },
    log: (record) => logs.push(record),
  });
});
afterAll(async () => {
  await host.stop();
  await stopStorage();
});
/** An event less than a minute after another about its secret would be the later look. */
beforeEach(async () => {
  logs.splice(0);
  clock.advance({ minutes: 2 });
});

const deliver = (event: unknown): Promise<Response> =>
  fetch(host.eventGridUrl('secretEvents'), {
    method: 'POST',
    body: JSON.stringify([event]),
    headers: { 'content-type': 'application/json', 'aeg-event-type': 'Notification' },
  });

async function takeMessages(): Promise<unknown[]> {
  const queue = QueueServiceClient.fromConnectionString(azurite.connectionString()).getQueueClient(
    'keyturn-work',
  );
  await queue.createIfNotExists();
  const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 });
  return Promise.all(
    receivedMessageItems.map(async ({ messageId, popReceipt, messageText, expiresOn }) => {
      await queue.deleteMessage(messageId, popReceipt);
      expect(expiresOn.getUTCFullYear()).toBe(9999);
      return JSON.parse(Buffer.from(messageText, 'base64').toString('utf8'));
    }),
  );
}
const records = () =>
  logs.filter(({ category }) => category === 'user').map(({ message }) => JSON.parse(message));

describe('secretEvents', () => {
  it.each(bodies)(
    'puts one message on the queue for $title (EG-01, EG-02)',
    async ({ event, version }) => {
      expect((await deliver(event)).status).toBe(202);
      const { version: named, ...rest } = look;
      expect(await takeMessages()).toEqual([
        version === false ? rest : { ...rest, version: named },
      ]);
    },
  );

  it.each<[string, object, string]>([
    ['a key', { eventType: 'Microsoft.KeyVault.KeyNearExpiry', topic, data: {} }, 'bad-request'],
    ['a vault that is not on the list', { ...bodies[0]?.event, topic: `${topic}x` }, 'not-allowed'],
    ['no data', { eventType: 'Microsoft.KeyVault.SecretExpired', topic }, 'bad-request'],
  ])(
    'answers an event about %s as accepted and records why it does nothing (EG-08, EG-11)',
    async (_title, event, reason) => {
      expect((await deliver(event)).status).toBe(202);
      expect(await takeMessages()).toEqual([]);
      expect(records()).toEqual([{ message: 'event skipped', reason, detail: expect.any(String) }]);
    },
  );

  it('fails only when the message cannot be put on the queue, so that Event Grid comes again (EG-08)', async () => {
    await stopStorage();
    expect((await deliver(bodies[0]?.event)).status).toBe(500);
    expect(
      (await deliver({ eventType: 'Microsoft.KeyVault.KeyNearExpiry', topic, data: {} })).status,
    ).toBe(202);
  });
});
