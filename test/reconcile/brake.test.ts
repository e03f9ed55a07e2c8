/** KEYTURN_RATE: how many rotations an hour may bring, for a vault and for all, by what has been rotated lately. */
import { describe, expect, it } from '@jest/globals';
import { isRateUsedUp } from '../../src/reconcile/observe/brake.ts';

const of = (vault: string, count: number) =>
  Array.from({ length: count }, (_, at) => ({ vault, name: `st-${at}` }));
const usedUp = (
  lately: ReturnType<typeof of>,
  rate: readonly [number, number],
  vault = 'kv1',
  vaults = ['kv1', 'kv2'],
) => isRateUsedUp(lately, vault, { perVault: rate[0], overall: rate[1] }, vaults);

describe('KEYTURN_RATE', () => {
  it('of one vault is used up by that vault alone, however much is left overall', () => {
    expect([4, 5, 6].map((count) => usedUp(of('kv1', count), [5, 50]))).toEqual([
      false,
      true,
      true,
    ]);
    expect(usedUp(of('kv2', 5), [5, 50])).toBe(false);
  });

  it('overall is used up by all together, and keeps for each vault its even share of a half', () => {
    // 8 overall of two vaults: 2 are kept for each.
    expect([5, 6, 7, 8].map((count) => usedUp(of('kv2', count), [100, 8], 'kv2'))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(usedUp(of('kv2', 6), [100, 8], 'kv1')).toBe(false);
    expect(usedUp([...of('kv2', 6), ...of('kv1', 1)], [100, 8], 'kv1')).toBe(false);
    expect(usedUp([...of('kv2', 6), ...of('kv1', 2)], [100, 8], 'kv1')).toBe(true);
    // What nobody has taken is kept for those who may still come.
    expect(usedUp([...of('kv1', 2), ...of('kv2', 4)], [100, 8], 'kv2')).toBe(false);
    expect(usedUp([...of('kv1', 1), ...of('kv2', 6)], [100, 8], 'kv2')).toBe(true);
  });

  it('leaves the others one rotation where there are more vaults than rotations', () => {
    const vaults = Array.from({ length: 40 }, (_, at) => `kv${at}`);
    expect(usedUp(of('kv1', 3), [100, 5], 'kv1', vaults)).toBe(false);
    expect(usedUp(of('kv1', 4), [100, 5], 'kv1', vaults)).toBe(true);
    expect(usedUp(of('kv1', 4), [100, 5], 'kv2', vaults)).toBe(false);
    expect(usedUp(of('kv1', 5), [100, 5], 'kv2', vaults)).toBe(true);
    // Alone, or where one is all there is, nothing is kept for anybody.
    expect(usedUp(of('kv1', 4), [100, 5], 'kv1', ['kv1'])).toBe(false);
    expect(usedUp([], [100, 1], 'kv1', vaults)).toBe(false);
  });
});
