/**
 * A flood: many opted-in secrets whose target never consented, beside some that are due. `npm run flood` does the same with
 * 10,000 beside 50.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type FloodFigures, measureFlood } from '../flood/flood.ts';

const GOOD = 10;
const FLOOD = 400;

describe(`${FLOOD} secrets without consent beside ${GOOD} that are due`, () => {
  let figures: FloodFigures;
  beforeAll(async () => {
    figures = await measureFlood({ good: GOOD, flood: FLOOD });
  });

  it('let the good ones be done within twice their time', () => {
    // In calls: seconds depend on what else this machine does.
    expect(figures.besideCalls).toBeLessThanOrEqual(2 * figures.aloneCalls);
  });
  it('are all looked at within the hour, and leave nothing on the queue', () => {
    expect(figures).toMatchObject({ floodLooks: FLOOD, shownRefused: FLOOD, leftOnQueue: 0 });
  });
  it('are one alert at once and one that counts the others, with ten of their names', () => {
    expect(figures).toMatchObject({
      singleAlerts: 1,
      groupedCounts: [FLOOD - 1],
      namesInGroups: 10,
    });
  });
  it('cost a read of consent in some minutes, not one each', () => {
    expect(figures.armReads).toBeLessThanOrEqual(12 * Math.ceil(figures.spreadMinutes / 3 + 1));
  });
});
