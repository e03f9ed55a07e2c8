import { describe, expect, it } from '@jest/globals';
import { SharedList } from '../../src/rotators/kit/sharedList.ts';

/** Lists are numbers, one more for each that is read; they come when they are let go. */
function reading() {
  const waiting: (() => void)[] = [];
  let reads = 0;
  let seconds = 0;
  const clock = { now: () => new Date(seconds * 1000), sleep: async () => {} };
  const list = new SharedList(() => {
    reads += 1;
    const mine = reads;
    return new Promise<number>((resolve) => waiting.push(() => resolve(mine)));
  }, clock);
  /** Lets go of all that is asked for, the last first. */
  const answer = async <T>(asked: Promise<T>): Promise<T> => {
    for (const next of waiting.splice(0).reverse()) next();
    return await asked;
  };
  return { list, answer, pass: (by: number) => (seconds += by) };
}

describe('a shared list', () => {
  it('answers each question once, and none that it was not read for', async () => {
    const { list, answer } = reading();
    expect(await answer(list.fresh('adopt', 'check'))).toBe(1);
    expect([await answer(list.for('check')), await answer(list.for('adopt'))]).toEqual([1, 1]);
    expect(await answer(list.for('check'))).toBe(2);
    expect(await answer(list.fresh())).toBe(3);
    expect(await answer(list.for('check'))).toBe(4);
  });

  it('that an adopt has read answers the check behind it, and that one alone', async () => {
    const { list, answer } = reading();
    expect([await answer(list.for('adopt')), await answer(list.for('check'))]).toEqual([1, 1]);
    expect([await answer(list.for('adopt')), await answer(list.for('check'))]).toEqual([2, 2]);
    expect(await answer(list.for('check'))).toBe(3);
  });

  it.each([11, -1])('is forgotten when the clock has moved by %i s', async (seconds) => {
    const { list, answer, pass } = reading();
    await answer(list.fresh('adopt'));
    pass(seconds);
    expect(await answer(list.for('adopt'))).toBe(2);
  });

  it('that was overtaken by another one is not kept, whichever comes last', async () => {
    const { list, answer } = reading();
    const early = list.fresh('adopt');
    const late = list.fresh('adopt');
    expect(await answer(Promise.all([early, late]))).toEqual([1, 2]);
    expect(await answer(list.for('adopt'))).toBe(2);
  });

  it('that could not be read leaves nothing behind', async () => {
    let fails = false;
    const clock = { now: () => new Date(0), sleep: async () => {} };
    const list = new SharedList(async () => {
      if (fails) throw new Error('busy');
      return 'read';
    }, clock);
    await list.fresh('adopt');
    fails = true;
    await expect(list.fresh()).rejects.toThrow('busy');
    await expect(list.for('adopt')).rejects.toThrow('busy');
  });
});
