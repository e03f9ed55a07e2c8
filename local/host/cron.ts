/** NCRONTAB: the schedules of timer triggers, `{second} {minute} {hour} {day} {month} {weekday}` in UTC; five fields mean second 0. */

type Field = { name: string; min: number; max: number; names?: readonly string[] };
const fields: readonly Field[] = [
  { name: 'second', min: 0, max: 59 },
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { name: 'weekday', min: 0, max: 7, names: 'sun mon tue wed thu fri sat'.split(' ') },
];

export type Cron = { next(after: Date): Date };

/** Parses a schedule; `*`, numbers, names, lists, ranges and steps. Anything else is an error that names the field. */
export function parseCron(expression: string): Cron {
  const parts = expression.trim().split(/\s+/);
  if (parts.length === 5) parts.unshift('0');
  if (parts.length !== 6) throw new Error(`Schedule "${expression}" must have five or six fields`);
  const sets = parts.map((part, index) => parseField(part, fields[index] as Field, expression));
  const [seconds, minutes, hours, days, months, weekdays] = sets as [
    Numbers,
    Numbers,
    Numbers,
    Numbers,
    Numbers,
    Numbers,
  ];
  const isDay = (date: Date) =>
    months.has(date.getUTCMonth() + 1) && days.has(date.getUTCDate()) && weekdays.has(date.getUTCDay());
  return {
    next(after) {
      const at = new Date(Math.floor(after.getTime() / 1000) * 1000 + 1000);
      const limit = at.getTime() + 9 * 366 * 86_400_000; // 29 February comes at the latest after 8 years
      while (at.getTime() < limit) {
        if (!isDay(at)) at.setUTCHours(24, 0, 0, 0);
        else if (!hours.has(at.getUTCHours())) at.setUTCMinutes(60, 0, 0);
        else if (!minutes.has(at.getUTCMinutes())) at.setUTCSeconds(60, 0);
        else if (!seconds.has(at.getUTCSeconds())) at.setUTCSeconds(at.getUTCSeconds() + 1);
        else return at;
      }
      throw new Error(`Schedule "${expression}" never comes`);
    },
  };
}

type Numbers = ReadonlySet<number>;

function parseField(text: string, field: Field, expression: string): Numbers {
  const numbers = new Set<number>();
  for (const item of text.split(',')) {
    const match = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(item);
    if (!match) throw new Error(`Schedule "${expression}": ${field.name} "${item}" is not understood`);
    const [, from = '', to, stepText] = match;
    const step = stepText === undefined ? 1 : Number(stepText);
    const first = from === '*' ? field.min : toNumber(from, field, expression);
    const open = from === '*' || (to === undefined && stepText !== undefined);
    const last = to !== undefined ? toNumber(to, field, expression) : open ? field.max : first;
    if (step < 1 || last < first) throw new Error(`Schedule "${expression}": ${field.name} "${item}" is empty`);
    for (let number = first; number <= last; number += step)
      numbers.add(field.name === 'weekday' ? number % 7 : number);
  }
  return numbers;
}

function toNumber(text: string, field: Field, expression: string): number {
  const named = field.names?.findIndex((name) => text.toLowerCase().startsWith(name)) ?? -1;
  const number = named >= 0 ? named + (field.name === 'month' ? 1 : 0) : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= field.min && number <= field.max)) {
    throw new Error(`Schedule "${expression}": ${field.name} "${text}" is not between ${field.min} and ${field.max}`);
  }
  return number;
}
