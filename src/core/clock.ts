/** Time is an argument: rules take a `Date`, waits go through `sleep`, so that tests can move the clock. */
export interface Clock {
  now(): Date;
  /** Resolves after `milliseconds` of this clock's time. */
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

const MINUTE = 60_000;
export const addMinutes = (on: Date, minutes: number): Date =>
  new Date(on.getTime() + minutes * MINUTE);
export const addHours = (on: Date, hours: number): Date => addMinutes(on, hours * 60);
export const addDays = (on: Date, days: number): Date => addHours(on, days * 24);
export const minutesBetween = (from: Date, to: Date): number =>
  (to.getTime() - from.getTime()) / MINUTE;
export const earliest = (...dates: (Date | undefined)[]): Date | undefined =>
  pick(dates, (a, b) => a < b);
export const latest = (...dates: (Date | undefined)[]): Date | undefined =>
  pick(dates, (a, b) => a > b);

function pick(dates: (Date | undefined)[], wins: (a: Date, b: Date) => boolean): Date | undefined {
  return dates.reduce(
    (best, date) => (date && (!best || wins(date, best)) ? date : best),
    undefined,
  );
}
