import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BusyError } from '../../src/core/errors.ts';
import { MASK } from '../../src/core/mask.ts';
import type { Audit, AuditRecord } from '../../src/ports/audit.ts';
import { blobAudit } from '../../src/store/auditLog.ts';
import { type Account, startAccount } from './store.fixtures.ts';

const at = new Date('2027-01-02T10:00:00Z');
const since = new Date('2026-10-04T10:00:00Z');
const ref = { vault: 'kv1', name: 'st-a' };
const record = (more: Partial<AuditRecord> = {}): AuditRecord => ({
  ...{
    on: at,
    ...ref,
    step: 'rotate',
    reason: 'due',
    outcome: 'done',
    cause: 'sweep',
    instance: 'keyturn',
  },
  ...more,
});
const later = (minutes: number): Date => new Date(at.getTime() + minutes * 60_000);
const nameOf = (number: number): string => `st-${number}`;

describe('the audit', () => {
  let account: Account;
  let container: ContainerClient;
  let audit: Audit;

  beforeAll(async () => {
    account = await startAccount();
    container = BlobServiceClient.fromConnectionString(
      account.own.connectionString,
    ).getContainerClient('keyturn-audit');
  });
  beforeEach(() => {
    audit = blobAudit(account.own);
  });
  afterEach(() => container.deleteIfExists());
  afterAll(() => account.azurite.stop());

  const text = async (name: string): Promise<string> =>
    (await container.getBlobClient(name).downloadToBuffer()).toString('utf8');
  /** Lines as whoever may write to the container puts them there. */
  async function write(name: string, lines: readonly string[]): Promise<void> {
    await container.createIfNotExists();
    const blob = container.getAppendBlobClient(name);
    await blob.createIfNotExists();
    const body = `${lines.join('\n')}\n`;
    const size = 4 * 1024 * 1024;
    for (let start = 0; start < body.length; start += size) {
      const piece = body.slice(start, start + size);
      await blob.appendBlock(piece, piece.length);
    }
  }

  it('makes container and blob with the first record of a day, in UTC, and keeps one line a record', async () => {
    await audit.append(record());
    await audit.append(record({ step: 'prove', reason: 'accepted' }));
    await audit.append(record({ on: new Date('2027-01-03T00:00:00Z') }));
    const [first, second, ...rest] = (await text('2027/01/02.jsonl')).split('\n');
    expect(JSON.parse(first ?? '')).toEqual({ ...record(), on: at.toISOString() });
    expect(JSON.parse(second ?? '')).toMatchObject({ step: 'prove', reason: 'accepted' });
    expect(rest).toEqual(['']);
    expect((await text('2027/01/03.jsonl')).split('\n')).toHaveLength(2);
    expect((await container.getBlobClient('2027/01/02.jsonl').getProperties()).blobType).toBe(
      'AppendBlob',
    );
  });

  it('loses none of 40 records that two workers append at once', async () => {
    const workers = [audit, blobAudit(account.own)];
    await Promise.all(
      [...Array(40).keys()].map((number) =>
        workers[number % 2]?.append(record({ handle: `key${number}` })),
      ),
    );
    const { records } = await audit.history(ref, since);
    expect(new Set(records.map(({ handle }) => handle)).size).toBe(40);
  });

  it('gives back everything that was recorded, dates and lists too', async () => {
    const id = 'a'.repeat(32);
    const all = record({
      ...{
        caller: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
        as: 'user',
        ticket: '"T-1"',
        note: '"why"',
      },
      ...{
        override: ['window'],
        revoke: 'now',
        operation: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
        rotation: 'r1',
      },
      ...{ version: id, stored: id, handle: 'key2', handles: ['key1'], revokedVersions: [id] },
      ...{ status: 403, code: 'Forbidden', requestId: 'r-1' },
    });
    await audit.append(all);
    expect(await audit.history(ref, since)).toEqual({ records: [all], truncated: false });
  });

  it('shows the last 100 records of the one secret, newest first, over days and blobs', async () => {
    const line = (minutes: number, name = 'st-a') =>
      JSON.stringify(record({ on: later(minutes), name }));
    const first = [...Array(90).keys()].flatMap((minute) => [line(minute), line(minute, 'st-b')]);
    const second = [...Array(20).keys()].map((minute) => line(90 + minute));
    await write('2027/01/02.jsonl', first);
    await write('2027/01/02-2.jsonl', second);
    await write('2027/01/02-10.jsonl', [line(110)]);
    await write('2026/10/03.jsonl', [
      JSON.stringify(record({ on: new Date('2026-10-03T10:00:00Z') })),
    ]);
    const { records, truncated } = await audit.history(ref, since);
    expect(truncated).toBe(false);
    expect(records.map((each) => each.on)).toEqual(
      [...Array(100).keys()].map((number) => later(110 - number)),
    );
    expect(records.every(({ name }) => name === 'st-a')).toBe(true);
  });

  it('ends at the day it is asked for', async () => {
    await write('2026/10/03.jsonl', [
      JSON.stringify(record({ on: new Date('2026-10-03T10:00:00Z') })),
    ]);
    await write('2026/10/04.jsonl', [
      JSON.stringify(record({ on: new Date('2026-10-04T09:00:00Z') })),
    ]);
    expect((await audit.history(ref, since)).records).toEqual([]);
    expect((await audit.history(ref, new Date('2026-10-04T08:00:00Z'))).records).toHaveLength(1);
  });

  it('is empty, not an error, before anything was recorded', async () => {
    expect(await audit.history(ref, since)).toEqual({ records: [], truncated: false });
  });

  it('SEC-06: leaves out lines and blobs that are not its own, and shows a line once that was sent twice', async () => {
    const good = JSON.stringify(record());
    const wrong = [
      '{',
      'null',
      JSON.stringify({ ...record(), value: 'more than there is' }),
      JSON.stringify({ ...record(), ticket: '<script>\u202e' }),
      JSON.stringify({ ...record(), on: 'yesterday' }),
      JSON.stringify({ ...record(), note: 'A'.repeat(10_000) }),
      '',
    ];
    await write('2027/01/02.jsonl', [...wrong, good, ...wrong, good]);
    await write('2027/01/evil.jsonl', [JSON.stringify(record({ handle: 'evil' }))]);
    expect((await audit.history(ref, since)).records).toEqual([record()]);
  });

  it('reads 30 MB at most and says that there may be more', async () => {
    const filler = [...Array(40_000).keys()].map((number) =>
      JSON.stringify({ ...record({ name: nameOf(number) }), x: 'A'.repeat(700) }),
    );
    await write('2027/01/01.jsonl', [JSON.stringify(record())]);
    await write('2027/01/02.jsonl', [
      JSON.stringify(record({ handle: 'too-old' })),
      ...filler,
      JSON.stringify(record()),
    ]);
    const { records, truncated } = await audit.history(ref, since);
    expect(truncated).toBe(true);
    expect(records).toEqual([record()]);
  });

  it('FN-05: hides what looks like a credential in the texts that others had a hand in', async () => {
    const key = 'kEy0'.repeat(22);
    await audit.append(
      record({ ticket: `"${key}"`, note: `it was ${key}`, requestId: key, handles: [key] }),
    );
    const line = await text('2027/01/02.jsonl');
    expect(line).not.toContain('kEy0');
    expect(JSON.parse(line)).toMatchObject({ note: `it was ${MASK}`, requestId: MASK });
  });

  it('writes nothing that it could not read again, and does not print it', async () => {
    const appending = audit.append(record({ code: 'line\nfeed' }));
    await expect(appending).rejects.toMatchObject({
      reason: 'failed',
      detail: expect.stringContaining('code'),
    });
    await expect(appending).rejects.not.toMatchObject({ detail: expect.stringContaining('feed') });
    expect(await container.exists()).toBe(false);
  });

  it('throws BusyError with storage-busy when the storage refuses or does not answer', async () => {
    const { connectionString } = account.own;
    const badKey = connectionString.replace(
      /AccountKey=[^;]*/,
      `AccountKey=${Buffer.alloc(64).toString('base64')}`,
    );
    const refused = blobAudit({ connectionString: badKey });
    const silent = blobAudit({
      connectionString: connectionString.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1'),
    });
    for (const other of [refused, silent]) {
      const error = await other.append(record()).then(String, (thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(BusyError);
      expect(error).toMatchObject({ reason: 'storage-busy' });
    }
    await expect(refused.history(ref, since)).rejects.toMatchObject({ reason: 'storage-busy' });
  });
});

describe('a day with more records than a blob takes', () => {
  /** Answers as the service does at 50,000 blocks (learn: rest/api/storageservices/append-block). */
  const full = new Set(['/acct/keyturn-audit/2027/01/02.jsonl']);
  const asked: string[] = [];
  let server: Server;
  let audit: Audit;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = decodeURIComponent((request.url ?? '').replace(/\?.*/, ''));
      asked.push(path);
      request.resume();
      const code = full.has(path) ? 'BlockCountExceedsLimit' : undefined;
      response.writeHead(code ? 409 : 201, code ? { 'x-ms-error-code': code } : {}).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const key = Buffer.alloc(64).toString('base64');
    audit = blobAudit({
      connectionString: `DefaultEndpointsProtocol=http;AccountName=acct;AccountKey=${key};BlobEndpoint=http://127.0.0.1:${port}/acct;`,
    });
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('goes on in a second blob, does not ask the full one again, and begins the next day with the first', async () => {
    await audit.append(record());
    await audit.append(record());
    await audit.append(record({ on: new Date('2027-01-03T00:00:00Z') }));
    expect(asked.map((path) => path.replace('/acct/keyturn-audit/', ''))).toEqual([
      '2027/01/02.jsonl',
      '2027/01/02-2.jsonl',
      '2027/01/02-2.jsonl',
      '2027/01/03.jsonl',
    ]);
  });
});
