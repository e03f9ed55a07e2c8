/** When looks are to be seen: bursts at once, a mass spread over the hour, one vault's behind nobody else's. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { BusyError } from '../../src/core/errors.ts';
import type { Rows, SecretRow } from '../../src/ports/rows.ts';
import {
  eventDelay,
  type Lane,
  laneOf,
  PACED_MINUTES_MAX,
  type Pace,
  paceOf,
} from '../../src/sweep/pace.ts';

const SPAN = PACED_MINUTES_MAX * 60;
let seconds = 0;
const clock = { now: () => new Date(1_800_000_000_000 + seconds * 1000), sleep: async () => {} };
const pace = (vaults = 1): Pace => paceOf(clock, () => vaults);
const delays = (count: number, of: Pace, vault = 'kv1', lane: Lane = 'unproven') =>
  Array.from({ length: count }, () => of.delayOf(vault, lane));
/** The most looks that are to be seen within any minute after the burst. */
function busiest(given: readonly number[]): number {
  const minutes = new Map<number, number>();
  for (const delay of given.filter((each) => each > 0)) {
    const minute = Math.floor(delay / 60);
    minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
  }
  return Math.max(...minutes.values());
}

beforeEach(() => {
  seconds = 0;
});

describe('the pace of looks', () => {
  it('lets a burst go at once and the rest at a bounded rate', () => {
    const given = delays(1_000, pace());
    expect(given.filter((each) => each === 0)).toHaveLength(200);
    expect(busiest(given)).toBeLessThanOrEqual(4 * 60);
    expect(given).toEqual([...given].sort((one, other) => one - other));
  });

  it.each([1, 2, 50])(
    'spreads 10,000 of one vault of %i evenly over less than the hour until the next sweep',
    (vaults) => {
      const given = delays(10_000, pace(vaults));
      expect(Math.max(...given)).toBeLessThanOrEqual(SPAN);
      // Twice the even share: nowhere do they stand close enough to bury what comes meanwhile.
      expect(busiest(given)).toBeLessThanOrEqual((2 * 10_000) / PACED_MINUTES_MAX);
      expect(given.filter((each) => each === 0).length).toBeLessThanOrEqual(200);
    },
  );

  it('of a vault that floods says nothing of another vault, nor of what is served in the same one', () => {
    const given = pace(2);
    delays(10_000, given, 'kv1');
    expect(delays(50, given, 'kv2')).toEqual(Array(50).fill(0));
    expect(delays(50, given, 'KV1', 'served')).toEqual(Array(50).fill(0));
  });

  it('bounds what is served, too: one vault of 50 that is looked at as a whole leaves room for others', () => {
    const given = delays(10_000, pace(50), 'kv1', 'served');
    expect(given.filter((each) => each === 0)).toHaveLength(100);
    expect(Math.max(...given)).toBeLessThanOrEqual(SPAN);
  });

  it('gives what is served a head start, so that a burst of anybody else does not stand before it', () => {
    const given = pace(2);
    delays(50, given, 'kv1', 'served');
    expect(delays(100, given, 'kv2')).toEqual(Array(100).fill(5));
    seconds += 5;
    expect(given.delayOf('kv3', 'unproven')).toBe(0);
    delays(100_000, given, 'kv1', 'served');
    expect(given.delayOf('kv3', 'unproven')).toBeLessThanOrEqual(SPAN);
  });

  it('gives a vault its burst back after a while', () => {
    const given = pace();
    delays(1_000, given);
    expect(given.delayOf('kv1', 'unproven')).toBeGreaterThan(100);
    seconds += SPAN;
    expect(given.delayOf('kv1', 'unproven')).toBe(0);
  });
});

describe('the lane of a secret', () => {
  const row = (more: Partial<SecretRow>): SecretRow => ({
    vault: 'kv1',
    name: 'st-a',
    failures: 0,
    ...more,
  });
  it.each<[string, SecretRow | undefined, Lane]>([
    ['nobody looked at', undefined, 'unproven'],
    ['only marked', row({}), 'unproven'],
    ['refused', row({ lookedOn: new Date(), step: 'refuse' }), 'unproven'],
    ['that waits', row({ lookedOn: new Date(), step: 'wait' }), 'served'],
    ['that failed', row({ lookedOn: new Date(), step: 'failed' }), 'served'],
  ])('%s', (_title, given, lane) => expect(laneOf(given)).toBe(lane));
});

describe('the look of an event', () => {
  const rows = (secret: Rows['secret']) => ({ rows: { secret } as Rows });
  const known: SecretRow = {
    vault: 'kv1',
    name: 'good',
    failures: 0,
    lookedOn: new Date(),
    step: 'wait',
  };
  const flood = { vault: 'kv1', name: 'flood' };

  it('goes at once without a look at the table while there is room', async () => {
    let asked = 0;
    const table = rows(async () => void asked++ as undefined);
    const given = pace();
    for (let at = 0; at < 200; at++) expect(await eventDelay(flood, given, table)).toBe(0);
    expect(asked).toBe(0);
    expect(await eventDelay(flood, given, table)).toBeGreaterThan(0);
  });

  it('of a secret that is served goes at once in the middle of a flood', async () => {
    const given = pace();
    delays(10_000, given);
    expect(
      await eventDelay(
        known,
        given,
        rows(async () => known),
      ),
    ).toBe(0);
    expect(
      await eventDelay(
        flood,
        given,
        rows(async () => undefined),
      ),
    ).toBeGreaterThan(0);
  });

  it('waits, and is not lost, when the table does not answer', async () => {
    const given = pace();
    delays(1_000, given);
    const silent = rows(() => Promise.reject(new BusyError('storage-busy')));
    expect(await eventDelay(known, given, silent)).toBeGreaterThan(0);
  });
});
