import { expect, it } from '@jest/globals';
import { walk } from '../jest/form.ts';
import { memoryFlood } from './flood.ts';

it('two thousand refused secrets cost a bounded number of reads and a handful of alerts, and fifty good ones are done', async () => {
  const many = walk({ whole: 2_000, short: 400 });
  const { refused, rotated, reads, alerts } = await memoryFlood(many, 50);
  expect([refused, rotated]).toEqual([many, 50]);
  // Looks are spread over 45 minutes, and a no is remembered for three.
  expect(reads).toBeLessThan(60);
  expect(alerts.length).toBeLessThan(5);
  expect(alerts.reduce((sum, count) => sum + count, 0)).toBe(many);
});
