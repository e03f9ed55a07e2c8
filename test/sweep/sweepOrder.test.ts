/** Who is listed beside whom, and in which order the looks of a sweep go onto the queue. */
import { describe, expect, it } from '@jest/globals';
import { inSeats } from '../../src/sweep/seats.ts';
import { Turns, type WaitingLook, waitingLook } from '../../src/sweep/turns.ts';

const day = (count: number) => new Date(Date.UTC(2027, 0, count));
const found = (vault: string, name: string, expiresOn?: Date): WaitingLook =>
  waitingLook({ vault, name }, expiresOn ? { expiresOn } : {}, undefined);

describe('looks of a sweep', () => {
  async function order(...given: WaitingLook[]): Promise<string[]> {
    const put: string[] = [];
    const turns = new Turns(async ({ vault, name }) => void put.push(`${vault}/${name}`));
    for (const one of given) await turns.add(one);
    await turns.flush();
    return put;
  }

  it('go onto the queue in turns, so that a vault with many does not bury one with few', async () => {
    const many = Array.from({ length: 100 }, (_, at) => found('big', `s${at}`));
    const put = await order(...many, found('small', 'a'), found('tiny', 'b'));
    expect(put.slice(0, 4)).toEqual(['big/s0', 'small/a', 'tiny/b', 'big/s1']);
    expect(put).toHaveLength(102);
  });

  it('are, within a vault, first of what has expired or is due, last of what has no date', async () => {
    const row = {
      vault: 'kv',
      name: 'due',
      failures: 0,
      view: { state: 'ok' as const, owed: [], dueOn: day(3) },
    };
    const put = await order(
      found('kv', 'none'),
      found('kv', 'later', day(30)),
      waitingLook({ vault: 'kv', name: 'due' }, { expiresOn: day(40) }, row),
      found('kv', 'expired', day(1)),
    );
    expect(put).toEqual(['kv/expired', 'kv/due', 'kv/later', 'kv/none']);
  });

  it('do not all wait in memory for the end of the lists', async () => {
    let put = 0;
    let pauses = 0;
    const turns = new Turns(
      async () => void put++,
      async () => void pauses++,
    );
    for (let at = 0; at < 42_000; at += 1) await turns.add(found('kv', `s${at}`));
    expect(put).toBe(40_000);
    await turns.flush();
    expect(put).toBe(42_000);
    // What nobody has looked at goes out slowly: the queue serves those that are at work.
    expect(pauses).toBe(42_000 / 50);
  });

  it('say so when the queue refuses one', async () => {
    const turns = new Turns(() => Promise.reject(new Error('no')));
    await turns.add(found('kv', 'a'));
    await expect(turns.flush()).rejects.toThrow('no');
  });
});

describe('seats', () => {
  it('are taken in the order given, as many at a time as there are', async () => {
    const begun: string[] = [];
    let most = 0;
    let now = 0;
    const { ended } = inSeats(['a', 'b', 'c', 'd', 'e'], 2, async (name) => {
      begun.push(name);
      most = Math.max(most, ++now);
      await Promise.resolve();
      now -= 1;
    });
    expect(await ended).toEqual([]);
    expect({ begun, most }).toEqual({ begun: ['a', 'b', 'c', 'd', 'e'], most: 2 });
  });

  it('are given up by vaults that do not answer: the others are done and their looks queued before', async () => {
    const answer = Promise.withResolvers<void>();
    const done: string[] = [];
    const { seated, ended } = inSeats(['slow1', 'slow2', 'b', 'c'], 2, async (name, leave) => {
      if (name.startsWith('slow')) {
        leave();
        leave(); // twice is once
        await answer.promise;
      }
      done.push(name);
    });
    await seated;
    expect(done).toEqual(['b', 'c']);
    answer.resolve();
    await ended;
    expect([...done].sort()).toEqual(['b', 'c', 'slow1', 'slow2']);
  });

  it('let no more than a number stand, so that memory stays bounded', async () => {
    const answer = Promise.withResolvers<void>();
    let begun = 0;
    const names = Array.from({ length: 100 }, (_, at) => `kv${at}`);
    const { ended } = inSeats(names, 5, async (_name, leave) => {
      begun += 1;
      leave();
      await answer.promise;
    });
    expect(begun).toBe(25);
    answer.resolve();
    await ended;
    expect(begun).toBe(100);
  });

  it('are free again after one that fails, and all others have their turn', async () => {
    const done: string[] = [];
    const failure = new Error('broken');
    const { ended } = inSeats(['a', 'b', 'c'], 1, async (name) => {
      if (name === 'a') throw failure;
      done.push(name);
    });
    expect(await ended).toEqual([failure]);
    expect(done).toEqual(['b', 'c']);
  });

  it('end at once where there is nobody', async () => {
    const { seated, ended } = inSeats([], 5, () => Promise.reject(new Error('nobody')));
    await seated;
    expect(await ended).toEqual([]);
  });
});
