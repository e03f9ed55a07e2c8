import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TableClient } from '@azure/data-tables';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Azurite, newKey, startAzurite } from '../../local/azurite.ts';
import * as clock from '../../local/clock.ts';
import { mapLocalhost } from '../../local/names.ts';

const once = { retryOptions: { maxTries: 1, maxRetries: 0 } };
let azurite: Azurite;

beforeAll(async () => {
  clock.install();
  azurite = await startAzurite();
});
afterAll(async () => {
  clock.reset();
  await azurite.stop();
});

/** The status of one signed read per service, in the order blob, queue, table. */
async function statuses(connection: string): Promise<number[]> {
  const calls = [
    () => BlobServiceClient.fromConnectionString(connection, once).getProperties(),
    () => QueueServiceClient.fromConnectionString(connection, once).getProperties(),
    () =>
      TableClient.fromConnectionString(connection, 'people', {
        allowInsecureConnection: true,
        ...once,
      }).createTable(),
  ];
  return Promise.all(calls.map((call) => statusOf(call)));
}

async function statusOf(call: () => Promise<unknown>): Promise<number> {
  try {
    await call();
    return 200;
  } catch (error) {
    return (error as { statusCode: number }).statusCode;
  }
}

describe('Azurite in this process', () => {
  it('refuses the old key and takes the new one from the next request on', async () => {
    const own = await startAzurite({ accounts: { rotated: { key1: newKey(), key2: newKey() } } });
    const old = own.connectionString('rotated');
    expect(await statuses(old)).toEqual([200, 200, 200]);
    own.setKeys('rotated', newKey(), newKey());
    expect(await statuses(old)).toEqual([403, 403, 403]);
    expect((await statuses(own.connectionString('rotated'))).slice(0, 2)).toEqual([200, 200]);
    await own.stop();
  });

  it('takes the second key as well as the first', async () => {
    const [key1, key2] = [newKey(), newKey()];
    azurite.setKeys('twokeys', key1, key2);
    const connection = azurite.connectionString('twokeys').replace(key1, key2);
    expect((await statuses(connection)).slice(0, 2)).toEqual([200, 200]);
  });

  it('keeps the accounts of two instances apart', async () => {
    const other = await startAzurite({
      accounts: { elsewhere: { key1: newKey(), key2: newKey() } },
    });
    const stranger = other
      .connectionString()
      .replaceAll(String(other.ports.blob), String(azurite.ports.blob));
    expect(
      await statusOf(() => BlobServiceClient.fromConnectionString(stranger, once).getProperties()),
    ).not.toBe(200);
    await other.stop();
  });

  it('verifies requests that came to account.blob.… through a proxy which leaves Host alone', async () => {
    mapLocalhost();
    const [key1, key2] = [newKey(), newKey()];
    azurite.setKeys('proxied', key1, key2);
    const proxy = createServer((request, response) => {
      const target = {
        host: '127.0.0.1',
        port: azurite.ports.blob,
        path: request.url ?? '/',
        method: request.method ?? 'GET',
      };
      const onward = httpRequest(
        { ...target, headers: request.headers, setHost: false },
        (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        },
      );
      request.pipe(onward);
    });
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    const url = `http://proxied.blob.core.keyturn.localhost:${(proxy.address() as AddressInfo).port}`;
    const read = (key: string) =>
      statusOf(() =>
        new BlobServiceClient(
          url,
          new StorageSharedKeyCredential('proxied', key),
          once,
        ).getProperties(),
      );
    expect([await read(key1), await read(key2), await read(newKey())]).toEqual([200, 200, 403]);
    proxy.close();
    proxy.closeAllConnections();
  });

  it('dates answers, errors too, and shows delayed messages by the movable clock', async () => {
    const connection = azurite.connectionString();
    const queue = QueueServiceClient.fromConnectionString(connection).getQueueClient('delayed');
    const table = TableClient.fromConnectionString(connection, 'locks', {
      allowInsecureConnection: true,
    });
    await Promise.all([queue.create(), table.createTable()]);
    await queue.sendMessage('later', { visibilityTimeout: 300, messageTimeToLive: -1 });
    expect((await queue.receiveMessages()).receivedMessageItems).toHaveLength(0);

    clock.advance({ minutes: 10 });
    expect((await queue.receiveMessages()).receivedMessageItems).toHaveLength(1);
    const dates: string[] = [];
    const onResponse = (response: { headers: { get(name: string): string | undefined } }) => {
      dates.push(response.headers.get('date') ?? '');
    };
    await table.createEntity({ partitionKey: 'a', rowKey: 'b' }, { onResponse });
    await statusOf(() => table.getEntity('a', 'absent', { onResponse }));
    await statusOf(() =>
      table.updateEntity({ partitionKey: 'a', rowKey: 'b' }, 'Replace', {
        etag: 'W/"old"',
        onResponse,
      }),
    );
    expect(dates.map((date) => Math.abs(Date.parse(date) - clock.now()) < 5000)).toEqual([
      true,
      true,
      true,
    ]);
  });
});
