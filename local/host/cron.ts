/**
 * NCRONTAB: the schedules of timer triggers, `{second} {minute} {hour} {day} {month} {weekday}` in UTC; five fields mean second 0.
 * What croner takes beyond that (`L`, `#`, `?`, `@daily`, years) the host's parser is not known to take, so it is refused here.
 */
import { Cron as Schedule } from 'croner';

export type Cron = { next(after: Date): Date };

const ITEM = /^(\*|\d+|[a-z]{3})(-(\d+|[a-z]{3}))?(\/[1-9]\d*)?$/i;
/** Names of months and weekdays may be whole. */
const WHOLE =
  /\b(january|february|march|april|june|july|august|september|october|november|december|(?:sun|mon|tues|wednes|thurs|fri|satur)day)\b/gi;
/** 29 February comes at the latest after 8 years. */
const YEARS_MAX = 9;

/** Parses a schedule; `*`, numbers, names, lists, ranges and steps. Throws for anything else. */
export function parseCron(expression: string): Cron {
  const short = expression.replace(WHOLE, (name) => name.slice(0, 3));
  const fields = short.trim().split(/\s+/);
  if (fields.length === 5) fields.unshift('0');
  if (fields.length !== 6) throw new Error(`Schedule "${expression}" must have five or six fields`);
  const strange = fields.flatMap((field) => field.split(',')).find((item) => !ITEM.test(item));
  if (strange !== undefined)
    throw new Error(`Schedule "${expression}": "${strange}" is not understood`);
  const schedule = scheduleOf(expression, fields);
  return {
    next(after) {
      const on = schedule.nextRun(after);
      const limit = after.getUTCFullYear() + YEARS_MAX;
      if (!on || on.getUTCFullYear() > limit)
        throw new Error(`Schedule "${expression}" never comes`);
      return on;
    },
  };
}

function scheduleOf(expression: string, fields: readonly string[]): Schedule {
  try {
    // Day and weekday both have to fit, and `5/15` is "from 5 on, each 15", as NCRONTAB has it.
    return new Schedule(fields.join(' '), {
      timezone: 'UTC',
      domAndDow: true,
      sloppyRanges: true,
      paused: true,
    });
  } catch (error) {
    throw new Error(
      `Schedule "${expression}" is not understood: ${error instanceof Error ? error.message : error}`,
    );
  }
}
