/** KEYTURN_FREEZE: dates between which nothing is rotated or revoked, as `2027-12-18/2028-01-03 Europe/Berlin; …`. */

/** From the beginning of the first to the end of the last day, in the zone that was named. */
export interface Freeze {
  readonly from: Date;
  readonly until: Date;
  /** As it was written. */
  readonly text: string;
}

/** Longer than this nobody freezes by a setting: credentials would outlive their 90 days. */
const DAYS_MAX = 45;
const RANGES_MAX = 20;
const SHAPE =
  /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d))?\/(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d))? +([A-Za-z][\w+/-]{1,40})$/;

/** The ranges of the setting; what is wrong with it is thrown as an `Error` whose text names the range. */
export function parseFreezes(text: string): readonly Freeze[] {
  const parts = text.split(';').flatMap((part) => part.trim() || []);
  if (parts.length > RANGES_MAX) throw new Error(`at most ${RANGES_MAX} ranges`);
  return parts.map(parseFreeze);
}

function parseFreeze(text: string): Freeze {
  const [, firstDay, firstTime, lastDay, lastTime, zone] = SHAPE.exec(text) ?? [];
  if (firstDay === undefined || lastDay === undefined || zone === undefined)
    throw new Error(`${JSON.stringify(text.slice(0, 64))} is no range`);
  const wall = (day: string, time: string) => {
    const at = Date.parse(`${day}T${time}:00Z`);
    // The thirtieth of February would count as the second of March.
    return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== day ? Number.NaN : at;
  };
  const from = inZone(wall(firstDay, firstTime ?? '00:00'), zone);
  // A day that is named without a time counts to its end.
  const until = inZone(
    lastTime === undefined ? wall(lastDay, '00:00') + 86_400_000 : wall(lastDay, lastTime),
    zone,
  );
  if (from === undefined || until === undefined)
    throw new Error(
      `${JSON.stringify(text.slice(0, 64))} names a day or a time zone that there is not`,
    );
  if (until <= from) throw new Error(`${JSON.stringify(text.slice(0, 64))} ends before it begins`);
  if (until.getTime() - from.getTime() > (DAYS_MAX * 24 + 1) * 3_600_000)
    throw new Error(`${JSON.stringify(text.slice(0, 64))} is longer than ${DAYS_MAX} days`);
  return { from, until, text };
}

/** The moment at which clocks of the zone show this; of an hour that summer time leaves out the one after. */
function inZone(wall: number, zone: string): Date | undefined {
  if (Number.isNaN(wall)) return undefined;
  try {
    const format = new Intl.DateTimeFormat('en-GB', {
      ...{ timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit' },
      ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
    });
    const shown = (at: number): number => {
      const parts = Object.fromEntries(
        format.formatToParts(at).map(({ type, value }) => [type, value]),
      );
      return Date.parse(
        `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}Z`,
      );
    };
    const guess = wall - (shown(wall) - wall);
    return new Date(guess - (shown(guess) - wall));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
