import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type DeliveryRecord, EventGrid, type SecretEvent } from '../../local/eventGrid.ts';

type Post = { method: string; headers: IncomingHttpHeaders; body: string };
type Reply = { status: number; body?: string; headers?: Record<string, string> };

const vaultId =
  '/subscriptions/00000000-0000-0000-0000-000000000003/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1';
const near: SecretEvent = {
  ...{
    vaultId,
    vaultName: 'kv1',
    type: 'Microsoft.KeyVault.SecretNearExpiry',
    objectName: 'db',
    version: 'a'.repeat(32),
  },
  ...{ id: `https://kv1.vault.azure.net/secrets/db/${'a'.repeat(32)}`, exp: 1_788_134_400 },
};

let server: Server | undefined;
let grid: EventGrid | undefined;
afterEach(async () => {
  await grid?.stop();
  server?.close();
  server?.closeAllConnections();
});

/** A subscriber that completes the handshake and answers notifications as told, one reply per attempt, then 200. */
async function subscriber(
  replies: Reply[] = [],
  handshake = echo,
): Promise<{ endpoint: string; posts: Post[] }> {
  const posts: Post[] = [];
  server = createServer(async (request, response) => {
    const post = {
      method: request.method ?? '',
      headers: request.headers,
      body: await text(request),
    };
    posts.push(post);
    const isHandshake =
      post.method === 'OPTIONS' || post.headers['aeg-event-type'] === 'SubscriptionValidation';
    const {
      status,
      body = '',
      headers = {},
    } = isHandshake ? handshake(post) : (replies.shift() ?? { status: 200 });
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, posts };
}

function echo({ body }: Post): Reply {
  const [event] = JSON.parse(body) as { data: { validationCode: string } }[];
  return { status: 200, body: JSON.stringify({ validationResponse: event?.data.validationCode }) };
}

const notifications = (posts: Post[]) =>
  posts.filter(({ headers }) => headers['aeg-event-type'] === 'Notification');

describe('Event Grid delivery', () => {
  it('sends the handshake first and the event as an array of one with PascalCase data', async () => {
    const { endpoint, posts } = await subscriber();
    grid = new EventGrid();
    void grid.subscribe({ name: 'keyturn', vaultId, endpoint });
    grid.raise(near);
    await grid.idle();
    const [handshake, notification] = posts;
    expect(handshake?.headers['aeg-event-type']).toBe('SubscriptionValidation');
    expect(JSON.parse(handshake?.body ?? '')[0].data.validationUrl).toMatch(/^https:/);
    expect(notification?.headers).toMatchObject({
      ...{
        'aeg-event-type': 'Notification',
        'aeg-subscription-name': 'keyturn',
        'aeg-delivery-count': '0',
      },
      ...{ 'aeg-data-version': '1', 'aeg-metadata-version': '1' },
    });
    expect(JSON.parse(notification?.body ?? '')).toEqual([
      {
        ...{
          id: expect.any(String),
          topic: vaultId,
          subject: 'db',
          eventType: near.type,
          eventTime: expect.any(String),
        },
        ...{ dataVersion: '1', metadataVersion: '1' },
        data: {
          ...{
            Id: near.id,
            VaultName: 'kv1',
            ObjectType: 'Secret',
            ObjectName: 'db',
            Version: near.version,
          },
          ...{ NBF: null, EXP: near.exp },
        },
      },
    ]);
  });

  it('repeats an event after 503 with the same id and a higher count', async () => {
    const { endpoint, posts } = await subscriber([{ status: 503 }, { status: 500 }]);
    grid = new EventGrid();
    await grid.subscribe({ name: 'keyturn', vaultId, endpoint, retrySeconds: [0.02] });
    grid.raise(near);
    await grid.idle();
    const sent = notifications(posts);
    expect(sent.map(({ headers }) => headers['aeg-delivery-count'])).toEqual(['0', '1', '2']);
    expect(new Set(sent.map(({ body }) => JSON.parse(body)[0].id)).size).toBe(1);
  });

  it.each([400, 401, 403, 413])('drops an event that was answered %d (EG-09)', async (status) => {
    const { endpoint, posts } = await subscriber([{ status }]);
    const records: DeliveryRecord[] = [];
    grid = new EventGrid({ log: (record) => records.push(record) });
    await grid.subscribe({ name: 'keyturn', vaultId, endpoint, retrySeconds: [0.01] });
    grid.raise(near);
    await grid.idle();
    expect(notifications(posts)).toHaveLength(1);
    expect(records.at(-1)).toMatchObject({ kind: 'dropped', status });
  });

  it('delivers nothing to an endpoint whose handshake answer is 202 instead of 200', async () => {
    const { endpoint, posts } = await subscriber([], (post) => ({ ...echo(post), status: 202 }));
    grid = new EventGrid();
    void grid.subscribe({ name: 'keyturn', vaultId, endpoint });
    grid.raise(near);
    await new Promise((done) => setTimeout(done, 200));
    expect(posts).toHaveLength(1);
    expect(notifications(posts)).toHaveLength(0);
  });

  it('sends CloudEvents after asking for consent with OPTIONS (EG-02)', async () => {
    const consent = () => ({
      status: 200,
      headers: { 'WebHook-Allowed-Origin': 'eventgrid.azure.net' },
    });
    const { endpoint, posts } = await subscriber([], consent);
    grid = new EventGrid();
    await grid.subscribe({ name: 'keyturn', vaultId, endpoint, schema: 'CloudEventSchemaV1_0' });
    grid.raise(near);
    await grid.idle();
    expect(posts[0]).toMatchObject({
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': 'eventgrid.azure.net' },
    });
    expect(posts[1]?.headers['content-type']).toMatch(/^application\/cloudevents\+json/);
    expect(JSON.parse(posts[1]?.body ?? '')).toMatchObject({
      source: vaultId,
      type: near.type,
      specversion: '1.0',
    });
  });

  it('tells only the subscribers of the vault', async () => {
    const { endpoint, posts } = await subscriber();
    grid = new EventGrid();
    await grid.subscribe({ name: 'keyturn', vaultId: `${vaultId}-other`, endpoint });
    grid.raise(near);
    await grid.idle();
    expect(notifications(posts)).toHaveLength(0);
  });
});
