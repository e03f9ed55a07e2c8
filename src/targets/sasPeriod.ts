/** How long a shared access signature may live, in hours (case ST-03). */
/** Hours of the option `longest-sas`: `45d` or `12h`. */
export function hoursDeclared(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return Number.parseInt(text, 10) * (text.endsWith('d') ? 24 : 1);
}

/** `DD.HH:MM:SS`, rounded up to hours. */
export function hoursAllowed(period: string | undefined): number | undefined {
  const [, days, hours, minutes, seconds] =
    /^(?:(\d{1,5})\.)?(\d\d):(\d\d):(\d\d)$/.exec(period ?? '') ?? [];
  if (hours === undefined) return undefined;
  const started = Number(minutes) > 0 || Number(seconds) > 0 ? 1 : 0;
  return Number(days ?? 0) * 24 + Number(hours) + started;
}
