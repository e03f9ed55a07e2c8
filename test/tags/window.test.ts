import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isOpen, nextOpen, parseWindow, type Window, zonesKept } from '../../src/tags/window.ts';

const window = (text: string): Window => parseWindow(text) ?? never(text);
const never = (text: string): never => {
  throw new Error(`${text} is no window`);
};
const open = (text: string, iso: string) => isOpen(window(text), new Date(iso));
const next = (text: string, iso: string) => nextOpen(window(text), new Date(iso)).toISOString();

describe('the text of a window', () => {
  it.each([
    [
      '01:00-05:00 UTC',
      { days: [0, 1, 2, 3, 4, 5, 6], fromMinute: 60, toMinute: 300, zone: 'UTC' },
    ],
    [
      'Sat-Sun 01:00-05:00 Europe/Berlin',
      { days: [6, 0], fromMinute: 60, toMinute: 300, zone: 'Europe/Berlin' },
    ],
    [
      'fri-mon 22:30-24:00 America/New_York',
      { days: [5, 6, 0, 1], fromMinute: 1350, toMinute: 1440 },
    ],
    ['Wed 23:00-02:00 UTC', { days: [3], fromMinute: 1380, toMinute: 120 }],
    ['Sat  01:59-05:59  UTC', { days: [6], fromMinute: 119, toMinute: 359, zone: 'UTC' }],
    ['Mon-Mon 00:00-24:00 Etc/GMT+3', { days: [1], fromMinute: 0, toMinute: 1440 }],
  ])('reads %s', (text, expected) => {
    expect(parseWindow(text)).toMatchObject(expected);
  });

  it.each([
    '',
    '01:00-05:00',
    '1:00-5:00 UTC',
    '01:00-01:00 UTC',
    '24:00-02:00 UTC',
    '01:00-24:01 UTC',
    '01:60-02:00 UTC',
    '01:60-05:00 UTC',
    '01:00-02:60 UTC',
    '01:00-05:60 UTC',
    '01:00-25:00 UTC',
    'Sat-Xxx 01:00-05:00 UTC',
    'Xxx-Sat 01:00-05:00 UTC',
    'Sam 01:00-05:00 UTC',
    'Sat- 01:00-05:00 UTC',
    'Sat,Sun 01:00-05:00 UTC',
    '01:00-05:00 Mars/Olympus',
    '01:00-05:00 Europe/Berlin; DROP',
    '01:00-05:00 UTC\n',
  ])('knows that %j is none', (text) => {
    expect(parseWindow(text)).toBeUndefined();
  });
});

describe('an open window', () => {
  it('includes its first minute and excludes its last', () => {
    expect(open('01:00-05:00 UTC', '2027-01-05T00:59:59Z')).toBe(false);
    expect(open('01:00-05:00 UTC', '2027-01-05T01:00:00Z')).toBe(true);
    expect(open('01:00-05:00 UTC', '2027-01-05T04:59:59Z')).toBe(true);
    expect(open('01:00-05:00 UTC', '2027-01-05T05:00:00Z')).toBe(false);
  });

  it.each(['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'])(
    'on %s is open on that day alone',
    (day) => {
      const on = Array.from({ length: 7 }, (_, at) =>
        new Date(Date.UTC(2027, 0, 3 + at, 2)).toISOString(),
      );
      const days = on.filter((iso) => open(`${day} 01:00-05:00 UTC`, iso));
      expect(days.map((iso) => new Date(iso).toUTCString().slice(0, 3))).toEqual([day]);
    },
  );

  it('goes by the day of its own zone', () => {
    // Saturday 00:30 in Berlin is still Friday in UTC; in Auckland it has been Saturday for half a day.
    expect(open('Sat 00:00-02:00 Europe/Berlin', '2027-01-08T23:30:00Z')).toBe(true);
    expect(open('Sat 00:00-02:00 UTC', '2027-01-08T23:30:00Z')).toBe(false);
    expect(open('Sat 12:00-13:00 Pacific/Auckland', '2027-01-08T23:30:00Z')).toBe(true);
  });

  it('that passes midnight belongs to the day on which it begins', () => {
    const text = 'Sat 23:00-02:00 UTC';
    expect(open(text, '2027-01-09T22:59:59Z')).toBe(false);
    expect(open(text, '2027-01-09T23:00:00Z')).toBe(true);
    expect(open(text, '2027-01-09T23:30:00Z')).toBe(true);
    expect(open(text, '2027-01-10T01:59:00Z')).toBe(true);
    expect(open(text, '2027-01-10T02:00:00Z')).toBe(false);
    expect(open(text, '2027-01-09T01:00:00Z')).toBe(false);
    expect(open(text, '2027-01-10T23:30:00Z')).toBe(false);
  });

  it('follows summer time: open by the clock on the wall, twice in the hour that comes twice', () => {
    const text = 'Sun 02:00-03:00 Europe/Berlin';
    expect(open(text, '2027-10-31T00:30:00Z')).toBe(true);
    expect(open(text, '2027-10-31T01:30:00Z')).toBe(true);
    expect(open(text, '2027-10-31T02:00:00Z')).toBe(false);
    expect(open('Sun 01:00-05:00 Europe/Berlin', '2027-03-28T02:59:00Z')).toBe(true);
    expect(open('Sun 01:00-05:00 Europe/Berlin', '2027-03-28T03:00:00Z')).toBe(false);
  });
});

describe('the next opening', () => {
  it.each([
    ['now, when it is open', '01:00-05:00 UTC', '2027-01-05T03:07:00Z', '2027-01-05T03:07:00.000Z'],
    ['later today', '01:00-05:00 UTC', '2027-01-05T00:10:00Z', '2027-01-05T01:00:00.000Z'],
    ['tomorrow', '01:00-05:00 UTC', '2027-01-05T05:00:00Z', '2027-01-06T01:00:00.000Z'],
    ['on its day', 'Sat-Sun 01:00-05:00 UTC', '2027-01-05T12:00:00Z', '2027-01-09T01:00:00.000Z'],
    [
      'in a week less four hours',
      'Tue 01:00-05:00 UTC',
      '2027-01-05T05:00:00Z',
      '2027-01-12T01:00:00.000Z',
    ],
    [
      'a window of five minutes',
      '03:17-03:22 UTC',
      '2027-01-05T12:00:00Z',
      '2027-01-06T03:17:00.000Z',
    ],
    [
      'a window of one minute',
      'Sun 00:07-00:08 UTC',
      '2027-01-05T12:00:00Z',
      '2027-01-10T00:07:00.000Z',
    ],
    [
      'an opening at an odd minute',
      '03:01-09:00 UTC',
      '2027-01-05T12:00:00Z',
      '2027-01-06T03:01:00.000Z',
    ],
    [
      'a zone of quarter hours',
      '01:00-02:00 Asia/Kathmandu',
      '2027-01-05T12:00:00Z',
      '2027-01-05T19:15:00.000Z',
    ],
    [
      'after the clocks went back',
      '02:30-03:00 Europe/Berlin',
      '2027-10-31T01:00:00Z',
      '2027-10-31T01:30:00.000Z',
    ],
    [
      'the week after an hour that did not exist',
      'Sun 02:00-03:00 Europe/Berlin',
      '2027-03-21T02:00:00Z',
      '2027-04-04T00:00:00.000Z',
    ],
  ])('is %s', (_, text, from, expected) => {
    expect(next(text, from)).toBe(expected);
  });

  it('is open, and nothing before it was', () => {
    const zones = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
    );
    const minute = fc.integer({ min: 0, max: 1439 });
    const windows = fc
      .record({
        from: minute,
        to: minute,
        zone: zones,
        days: fc.constantFrom([0, 1, 2, 3, 4, 5, 6], [6], [6, 0], [3]),
      })
      .filter(({ from, to }) => from !== to)
      .map(({ from, to, zone, days }): Window => ({ days, fromMinute: from, toMinute: to, zone }));
    const times = fc
      .integer({ min: Date.UTC(2027, 0) / 60_000, max: Date.UTC(2028, 0) / 60_000 })
      .map((minutes) => new Date(minutes * 60_000));
    fc.assert(
      fc.property(
        windows,
        times,
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (each, at, part) => {
          const found = nextOpen(each, at);
          expect(isOpen(each, found)).toBe(true);
          const between = new Date(
            at.getTime() + Math.floor((part * (found.getTime() - at.getTime())) / 60_000) * 60_000,
          );
          if (between < found) expect(isOpen(each, between)).toBe(false);
        },
      ),
      { numRuns: 150 },
    );
  });
});

it('ATK-15: zones are kept by the dozen, however they are spelt and however many there are', () => {
  const spellings = Array.from({ length: 500 }, (_, number) =>
    [...'europe/berlin']
      .map((letter, at) => ((number >> (at % 9)) & 1 ? letter.toUpperCase() : letter))
      .join(''),
  );
  const on = new Date('2027-01-09T01:30:00Z');
  const before = zonesKept();
  for (const zone of spellings) isOpen(parseWindow(`01:00-05:00 ${zone}`) as Window, on);
  expect(zonesKept() - before).toBeLessThanOrEqual(1); // nobody's tag drives the zones of others out
  for (const zone of [...spellings, ...Intl.supportedValuesOf('timeZone')]) {
    const window = parseWindow(`01:00-05:00 ${zone}`);
    if (window) isOpen(window, on);
  }
  expect(zonesKept()).toBeLessThanOrEqual(32);
  const berlin = parseWindow('Sat 02:00-03:00 EUROPE/Berlin');
  expect(berlin && isOpen(berlin, on)).toBe(true);
});
