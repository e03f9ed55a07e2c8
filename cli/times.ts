/** Times as people type them. */
import { usage } from './failure.ts';

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `10m`, `12h`, `7d` in milliseconds; undefined where it is none. */
export function duration(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,4})([mhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * UNITS[unit as keyof typeof UNITS];
}

/** A duration from `now`, a day (its end, in UTC), or a time with a zone. Throws `usage` naming the option. */
export function timeIn(option: string, text: string, now: Date): Date {
  const milliseconds = duration(text);
  if (milliseconds !== undefined) return new Date(now.getTime() + milliseconds);
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/i.test(text);
  const on = new Date(isDay ? `${text}T00:00:00Z` : text);
  if (
    (isDay || isTime) &&
    !Number.isNaN(on.getTime()) &&
    (!isDay || on.toISOString().startsWith(text))
  )
    return isDay ? new Date(on.getTime() + UNITS.d) : on;
  throw usage(
    `--${option} is ${JSON.stringify(text.slice(0, 64))}.`,
    'Write 12h or 7d from now, a day as 2027-03-31 (its end, UTC), or a time as 2027-03-31T18:00Z.',
  );
}
