/** The window of a policy: `Sat-Sun 01:00-05:00 Europe/Berlin`, days optional. It bounds what changes vault or target. */
import { addMinutes } from '../core/clock.ts';

export interface Window {
  /** 0 is Sunday. */
  readonly days: readonly number[];
  readonly fromMinute: number;
  /** Exclusive; smaller than `fromMinute` when the window passes midnight (it then belongs to the day it begins on). */
  readonly toMinute: number;
  readonly zone: string;
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const DAY_MINUTES = 1440;
/** A weekly window may fall into the hour that summer time leaves out, and then comes a week later. */
const WALK_DAYS = 15;
const SHAPE =
  /^(?:([a-z]{3})(?:-([a-z]{3}))? +)?(\d\d):(\d\d)-(\d\d):(\d\d) +([A-Za-z][\w+/-]{1,40})$/i;

/** Undefined when the text is no window: an unknown day, hour or time zone, or no length. */
export function parseWindow(text: string): Window | undefined {
  const [, first, last, ...rest] = SHAPE.exec(text) ?? [];
  const [fromHour, fromMin, toHour, toMin] = rest.map(Number) as [number, number, number, number];
  const zone = rest[4];
  if (zone === undefined || !knownZone(zone)) return undefined;
  if (fromHour > 23 || toHour > 24 || fromMin > 59 || toMin > 59 || (toHour === 24 && toMin > 0))
    return undefined;
  const [fromMinute, toMinute] = [fromHour * 60 + fromMin, toHour * 60 + toMin];
  const days = daysOf(first, last);
  return days && fromMinute !== toMinute ? { days, fromMinute, toMinute, zone } : undefined;
}

function daysOf(first: string | undefined, last: string | undefined): number[] | undefined {
  if (first === undefined) return [0, 1, 2, 3, 4, 5, 6];
  const [from, to] = [
    DAYS.indexOf(first.toLowerCase()),
    DAYS.indexOf((last ?? first).toLowerCase()),
  ];
  if (from < 0 || to < 0) return undefined;
  return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, at) => (from + at) % 7);
}

function knownZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export function isOpen(window: Window, at: Date): boolean {
  const { day, minute } = local(window.zone, at);
  const { days, fromMinute, toMinute } = window;
  if (fromMinute < toMinute) return days.includes(day) && minute >= fromMinute && minute < toMinute;
  const yesterday = (day + 6) % 7;
  return (
    (days.includes(day) && minute >= fromMinute) || (days.includes(yesterday) && minute < toMinute)
  );
}

/** The next minute at which the window is open; `at` itself when it is open now. */
export function nextOpen(window: Window, at: Date): Date {
  if (isOpen(window, at)) return at;
  // Quarters of an hour first, then minutes: offsets of zones and ends of summer time make sums unsafe.
  for (let step = 1; step <= (WALK_DAYS * DAY_MINUTES) / 15; step++) {
    const later = addMinutes(at, step * 15);
    if (!isOpen(window, later)) continue;
    for (let back = 14; back >= 0; back--) {
      const sooner = addMinutes(later, -back);
      if (isOpen(window, sooner)) return sooner;
    }
  }
  // Shorter than 15 minutes: fall back to a walk by minutes.
  for (let step = 1; step <= WALK_DAYS * DAY_MINUTES; step++)
    if (isOpen(window, addMinutes(at, step))) return addMinutes(at, step);
  return addMinutes(at, WALK_DAYS * DAY_MINUTES);
}

/** Of the zones that were asked for last: a zone has a spelling for each of its capitals (finding ATK-15). */
const formats = new Map<string, Intl.DateTimeFormat>();
const FORMATS_MAX = 32;

/** How many are kept. */
export const zonesKept = (): number => formats.size;

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  const format =
    known ??
    new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  formats.delete(zone);
  formats.set(zone, format);
  if (formats.size > FORMATS_MAX) formats.delete(formats.keys().next().value as string);
  return format;
}

function local(zone: string, at: Date): { day: number; minute: number } {
  const format = formatOf(zone.toLowerCase());
  const parts = Object.fromEntries(
    format.formatToParts(at).map(({ type, value }) => [type, value]),
  );
  return {
    day: DAYS.indexOf((parts.weekday ?? '').toLowerCase()),
    minute: Number(parts.hour) * 60 + Number(parts.minute),
  };
}
