import { createHash } from 'node:crypto';
import type { TableClient } from '@azure/data-tables';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as clock from '../../local/clock.ts';
import { BusyError, LockLostError } from '../../src/core/errors.ts';
import type { Locks } from '../../src/ports/locks.ts';
import { tableLocks } from '../../src/store/lockTable.ts';
import { type Account, hasty, startAccount } from './store.fixtures.ts';
import { startWire, type Wire } from './wire.fixtures.ts';

const rowOf = (key: string) => createHash('sha256').update(key).digest('hex');

describe('locks in the table', () => {
  let account: Account;
  let locks: Locks;
  let key: string;
  let count = 0;

  beforeAll(async () => {
    clock.install();
    account = await startAccount();
    locks = tableLocks(account.own, hasty);
  });
  afterAll(async () => {
    await account.azurite.stop();
  });
  beforeEach(() => {
    key = `kv1/secret-${++count}`;
  });
  afterEach(() => clock.reset());

  it('gives a lock to one of ten that ask at once', async () => {
    const taken = await Promise.all(Array.from({ length: 10 }, () => locks.take(key)));
    expect(taken.filter((lock) => lock !== undefined)).toHaveLength(1);
  });

  it('gives it again after its release', async () => {
    const first = await locks.take(key);
    await first?.release();
    expect(await locks.take(key)).toBeDefined();
  });

  it('treats keys that differ in case as one', async () => {
    await locks.take(key);
    expect(await locks.take(key.toUpperCase())).toBeUndefined();
  });

  it('lasts 90 seconds of the time of the table service', async () => {
    await locks.take(key);
    clock.advance({ seconds: 85 });
    expect(await locks.take(key)).toBeUndefined();
    clock.advance({ seconds: 10 });
    expect(await locks.take(key)).toBeDefined();
  });

  it('lasts 90 seconds more from each renewal', async () => {
    const lock = await locks.take(key);
    for (let turn = 0; turn < 3; turn += 1) {
      clock.advance({ seconds: 80 });
      await lock?.renew();
    }
    clock.advance({ seconds: 80 });
    expect(await locks.take(key)).toBeUndefined();
  });

  it('refuses the renewal of a holder that froze while another took the lock', async () => {
    const frozen = await locks.take(key);
    clock.advance({ seconds: 100 });
    const other = await locks.take(key);
    await expect(frozen?.renew()).rejects.toBeInstanceOf(LockLostError);
    await expect(frozen?.renew()).rejects.toBeInstanceOf(LockLostError);
    await frozen?.release();
    await other?.renew(); // the release of the one that lost it took nothing away
  });

  it('of a holder that froze is not given back by it: its release leaves the lock of the next one', async () => {
    const frozen = await locks.take(key);
    clock.advance({ seconds: 100 });
    const other = await locks.take(key);
    await frozen?.release();
    expect(await locks.take(key)).toBeUndefined();
    await other?.renew();
  });

  it('lets a holder renew after the end if nobody came', async () => {
    const lock = await locks.take(key);
    clock.advance({ minutes: 10 });
    await lock?.renew();
    expect(await locks.take(key)).toBeUndefined();
  });

  it.each([
    ['until the year 9999', { holder: 'a'.repeat(32), until: '9999-12-31T00:00:00Z' }],
    ['of a number', { holder: 7 }],
    ['without a holder', {}],
    ['of markup', { holder: '<img src=x onerror=alert(1)>' }],
    ['of 30 KB', { holder: 'a'.repeat(30_000) }],
  ])('SEC-07: a lock row %s holds nobody up', async (_, columns) => {
    await locks.take('other'); // makes the table
    await account.raw.createEntity({ partitionKey: 'locks', rowKey: rowOf(key), ...columns });
    const lock = await locks.take(key);
    await lock?.renew();
    expect(lock).toBeDefined();
  });

  it('SEC-07: the lock of another pass is waited for', async () => {
    await locks.take('other');
    await account.raw.createEntity({
      partitionKey: 'locks',
      rowKey: rowOf(key),
      holder: 'a'.repeat(32),
    });
    expect(await locks.take(key)).toBeUndefined();
  });
});

describe('locks over a broken wire', () => {
  let account: Account;
  let wire: Wire;
  let locks: Locks;

  beforeAll(async () => {
    account = await startAccount();
    wire = await startWire(account.azurite.ports.table);
    const through = account.own.connectionString.replace(
      `:${account.azurite.ports.table}/`,
      `:${wire.port}/`,
    );
    locks = tableLocks({ connectionString: through }, hasty);
    await locks.take('warm');
  });
  afterAll(async () => {
    await wire.stop();
    await account.azurite.stop();
  });

  it('keeps a lock whose renewal was applied and not answered', async () => {
    const lock = await locks.take('a');
    wire.dropAnswers('PUT', 1);
    await lock?.renew();
    await lock?.renew();
    expect(await locks.take('a')).toBeUndefined();
  });

  it('keeps a lock whose taking was applied and not answered', async () => {
    wire.dropAnswers('POST', 1);
    const lock = await locks.take('b');
    expect(lock).toBeDefined();
    await lock?.renew();
  });

  it('repeats a renewal that never arrived', async () => {
    const lock = await locks.take('c');
    wire.dropRequests('PUT', 1);
    await lock?.renew();
    expect(await locks.take('c')).toBeUndefined(); // it is held, by the one that was repeated
    await lock?.renew();
  });

  it.each([1, 3])(
    'ATK-15: is taken by nobody where %i answers come without the time, and by the next who can tell',
    async (count) => {
      const key = `dated-${count}`;
      const held = await locks.take(key);
      wire.dropHeader('GET', 'date', count);
      for (let turn = 0; turn < count; turn += 1)
        await expect(locks.take(key)).rejects.toBeInstanceOf(BusyError);
      await held?.renew();
      expect(await locks.take(key)).toBeUndefined();
      await held?.release();
      expect(await locks.take(key)).toBeDefined();
    },
  );

  it('says busy, and not lost, when the table is silent', async () => {
    const lock = await locks.take('d');
    wire.dropRequests('PUT', 100);
    await expect(lock?.renew()).rejects.toBeInstanceOf(BusyError);
    wire.dropRequests('PUT', 0);
    await lock?.renew();
  });

  describe('the table answers otherwise than it should', () => {
    let count = 0;
    let key: string;
    const raw = (): TableClient => account.raw;
    const row = () => raw().getEntity<{ holder: string }>('locks', rowOf(key));
    beforeEach(() => {
      key = `answer-${++count}`;
      wire.came.length = 0;
    });
    afterEach(() => {
      for (const method of ['GET', 'PUT', 'POST', 'DELETE']) wire.refuse(method, 500, 0);
    });

    it.each([408, 500, 503])(
      'a lock whose taking was applied and answered with %i is held',
      async (status) => {
        wire.refuse('POST', status, 1, { applied: true });
        const lock = await locks.take(key);
        await lock?.renew();
        expect(lock).toBeDefined();
        expect(await locks.take(key)).toBeUndefined();
      },
    );

    it.each([408, 500, 503])(
      'one whose taking was answered with %i and not applied is held by nobody',
      async (status) => {
        wire.refuse('POST', status, 1);
        expect(await locks.take(key)).toBeUndefined();
        expect(await locks.take(key)).toBeDefined();
      },
    );

    it.each([408, 500, 503])(
      'a renewal that was applied and answered with %i is one',
      async (status) => {
        const lock = await locks.take(key);
        const { etag } = await row();
        wire.refuse('PUT', status, 1, { applied: true });
        await lock?.renew();
        expect((await row()).etag).not.toBe(etag);
        expect(wire.came.filter((method) => method === 'PUT')).toHaveLength(1);
        await lock?.release();
        await expect(row()).rejects.toMatchObject({ statusCode: 404 });
      },
    );

    it.each([408, 500, 503])(
      'a renewal answered with %i and not applied is sent three times, then it is busy',
      async (status) => {
        const lock = await locks.take(key);
        wire.refuse('PUT', status, 100);
        await expect(lock?.renew()).rejects.toMatchObject({ reason: 'storage-busy' });
        expect(wire.came.filter((method) => method === 'PUT')).toHaveLength(3);
        wire.refuse('PUT', status, 2);
        await lock?.renew();
        await lock?.release();
        expect(await locks.take(key)).toBeDefined();
      },
    );

    it('what the table refuses is no lock, and says so', async () => {
      wire.refuse('POST', 403, 1);
      await expect(locks.take(key)).rejects.toMatchObject({ reason: 'failed' });
      const lock = await locks.take(key);
      wire.refuse('PUT', 403, 1);
      await expect(lock?.renew()).rejects.toMatchObject({ reason: 'failed' });
      wire.refuse('DELETE', 403, 1);
      await expect(lock?.release()).rejects.toMatchObject({ reason: 'failed' });
      wire.refuse('GET', 403, 1);
      await expect(locks.take(key)).rejects.toMatchObject({ reason: 'failed' });
    });

    it.each([404, 412, 429, 500, 503])(
      'a release that is answered with %i ends the pass well',
      async (status) => {
        const lock = await locks.take(key);
        wire.refuse('DELETE', status, 1);
        await lock?.release();
        await lock?.release();
        expect(wire.came.filter((method) => method === 'DELETE')).toHaveLength(1);
      },
    );

    it('a release without an answer ends the pass well', async () => {
      const lock = await locks.take(key);
      wire.dropRequests('DELETE', 1);
      await lock?.release();
    });

    it.each([500, 503])('who cannot read the row takes no lock: %i', async (status) => {
      await locks.take(key);
      wire.refuse('GET', status, 100);
      await expect(locks.take(key)).rejects.toMatchObject({ reason: 'storage-busy' });
    });

    it('nor where the table is silent', async () => {
      wire.dropRequests('GET', 100);
      await expect(locks.take(key)).rejects.toMatchObject({ reason: 'storage-busy' });
      wire.dropRequests('GET', 0);
    });

    it('ATK-15: an answer without its time says what is missing', async () => {
      await locks.take(key);
      wire.dropHeader('GET', 'date', 1);
      await expect(locks.take(key)).rejects.toMatchObject({
        reason: 'storage-busy',
        detail: 'The table answered without its time, by which locks are judged.',
      });
    });

    it('SEC-07: a lock that would last longer than two minutes is void, one of less is not', async () => {
      const at = (seconds: number) => new Date(Date.now() - seconds * 1000).toUTCString();
      await locks.take(key);
      wire.setHeader('GET', 'date', at(25), 1);
      expect(await locks.take(key)).toBeUndefined();
      wire.setHeader('GET', 'date', at(40), 1);
      expect(await locks.take(key)).toBeDefined();
    });

    it('a lock whose row somebody deleted is lost, and its renewal makes none', async () => {
      const lock = await locks.take(key);
      await raw().deleteEntity('locks', rowOf(key));
      await expect(lock?.renew()).rejects.toBeInstanceOf(LockLostError);
      await expect(lock?.renew()).rejects.toBeInstanceOf(LockLostError);
      expect(await locks.take(key)).toBeDefined();
    });

    it('one that was given back is not renewed', async () => {
      const lock = await locks.take(key);
      await lock?.release();
      await expect(lock?.renew()).rejects.toBeInstanceOf(LockLostError);
      expect(await locks.take(key)).toBeDefined();
    });

    it('a late twin of an earlier renewal takes nothing away: the lock is renewed, and given back', async () => {
      const lock = await locks.take(key);
      const twin = async () => {
        const { partitionKey = '', rowKey = '', holder } = await row();
        await raw().updateEntity({ partitionKey, rowKey, holder }, 'Replace');
      };
      await twin();
      await lock?.renew();
      await twin();
      wire.refuse('PUT', 503, 1);
      await lock?.renew();
      await lock?.release();
      await expect(row()).rejects.toMatchObject({ statusCode: 404 });
    });

    it('of a renewal without an answer another pass may be the end: then it is lost', async () => {
      const lock = await locks.take(key);
      await raw().updateEntity(
        { partitionKey: 'locks', rowKey: rowOf(key), holder: 'b'.repeat(32) },
        'Replace',
      );
      wire.refuse('PUT', 503, 1);
      await expect(lock?.renew()).rejects.toBeInstanceOf(LockLostError);
      await lock?.release();
      expect((await row()).holder).toBe('b'.repeat(32));
    });
  });
});
