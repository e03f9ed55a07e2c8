import { expect, it } from '@jest/globals';
import { memoryFlood } from './flood.ts';

it('two thousand refused secrets cost a bounded number of reads and a handful of alerts, and fifty good ones are done', async () => {
  const { refused, rotated, reads, alerts } = await memoryFlood(2_000, 50);
  expect([refused, rotated]).toEqual([2_000, 50]);
  // Looks are spread over 45 minutes, and a no is remembered for three.
  expect(reads).toBeLessThan(60);
  expect(alerts.length).toBeLessThan(5);
  expect(alerts.reduce((sum, count) => sum + count, 0)).toBe(2_000);
});
