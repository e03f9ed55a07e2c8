import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as clock from '../../local/clock.ts';
import { BusyError, LockLostError } from '../../src/core/errors.ts';
import type { Locks } from '../../src/ports/locks.ts';
import { tableLocks } from '../../src/store/lockTable.ts';
import { startWire, type Wire } from '../azure/wire.fixtures.ts';
import { type Account, hasty, startAccount } from './store.fixtures.ts';

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
    await account.raw.createEntity({ partitionKey: 'locks', rowKey: rowOf(key), holder: 'a'.repeat(32) });
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
    const through = account.own.connectionString.replace(`:${account.azurite.ports.table}/`, `:${wire.port}/`);
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
      for (let turn = 0; turn < count; turn += 1) await expect(locks.take(key)).rejects.toBeInstanceOf(BusyError);
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
});
