/**
 * The last net under the log: every value that became a `Secret` in this process is blanked out of what is printed, in
 * the spellings in which services throw values back (raw, base64, URL-encoded, JSON-escaped; case FN-05).
 */
const KEPT_MAX = 2_000;
/** Shorter texts would blank out ordinary words; no credential that Keyturn makes or stores is that short. */
const LENGTH_MIN = 8;
/** The placeholder of an IaC-first secret (design section 3): no credential, and a word of our own remedies. */
const NO_SECRET = 'keyturn:new';
const known = new Map<string, readonly string[]>();

/** Makes `value` one that `scrub` blanks out. The oldest are forgotten first, so that a long-lived worker stays small. */
export function remember(value: string): void {
  if (value.length < LENGTH_MIN || value === NO_SECRET || known.has(value)) return;
  known.set(value, spellings(value));
  if (known.size > KEPT_MAX) known.delete(known.keys().next().value as string);
}

/** The text with every remembered value replaced by `[secret]`. */
export function scrub(text: string): string {
  let clean = text;
  for (const forms of known.values()) for (const form of forms) clean = clean.replaceAll(form, '[secret]');
  return clean;
}

/** How a value can look in somebody else's text. */
export function spellings(value: string): readonly string[] {
  const base64 = Buffer.from(value).toString('base64');
  return [
    ...new Set([
      value,
      base64,
      base64.replace(/=+$/, ''),
      Buffer.from(value).toString('base64url'),
      encodeURIComponent(value),
      JSON.stringify(value).slice(1, -1),
    ]),
  ];
}
