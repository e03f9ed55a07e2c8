/**
 * The last net under what services say: codes and ids are the only texts of theirs that are shown, and a service may put
 * there whatever it was sent (case FN-05). Every value that this process opened is blanked out of them. Texts of callers
 * and tags never come here: `mask` judges those by their looks (finding ATK-07).
 */
import { createHash } from 'node:crypto';

const HIDDEN = '[secret]';
/** Bounds of what is remembered, so that a long-lived worker stays small: the oldest is forgotten first. */
const KEPT_MAX = 500;
const KEPT_CHARACTERS_MAX = 256 * 1024;
/** Shorter texts would blank out ordinary words; no credential that Keyturn makes or stores is that short. */
const LENGTH_MIN = 8;
/** Of a longer value its beginning is remembered; where that is found, the rest of the text goes with it. */
const HEAD_MAX = 64;
/** Forms are looked up by their first characters: as many of these as they have. */
const SIZES = [64, 48, 32, 24, 16, 12, 8] as const;
/** The placeholder of an IaC-first secret (design section 3): no credential, and a word of our own remedies. */
const NO_SECRET = 'keyturn:new';

interface Form {
  readonly text: string;
  /** What of the text follows it belongs to the value as well. */
  readonly isHead: boolean;
}

/** By the digest of the value, the oldest first. */
const known = new Map<string, readonly Form[]>();
/** The same forms by their beginnings: what a text costs does not depend on how many there are. */
const byStart = new Map<string, Set<Form>>();
/** Their first eight characters, with how many begin so: tells at once of most places that no value begins there. */
const firsts = new Map<string, number>();
let characters = 0;

/** Makes `value` one that `scrub` blanks out. Takes any string. Cheap for a long one: its beginning stands for it. */
export function remember(value: string): void {
  if (value.length < LENGTH_MIN || value === NO_SECRET) return;
  const digest = createHash('sha256').update(value, 'utf16le').digest('base64');
  const forms = known.get(digest) ?? formsOf(value);
  forget(digest);
  known.set(digest, forms);
  for (const form of forms) {
    characters += form.text.length;
    const start = startOf(form.text);
    byStart.set(start, (byStart.get(start) ?? new Set()).add(form));
    count(form, 1);
  }
  while (known.size > KEPT_MAX || characters > KEPT_CHARACTERS_MAX)
    forget(known.keys().next().value as string);
}

function forget(digest: string): void {
  for (const form of known.get(digest) ?? []) {
    characters -= form.text.length;
    const start = startOf(form.text);
    const same = byStart.get(start);
    same?.delete(form);
    if (same?.size === 0) byStart.delete(start);
    count(form, -1);
  }
  known.delete(digest);
}

function count({ text }: Form, more: 1 | -1): void {
  const first = text.slice(0, LENGTH_MIN);
  const now = (firsts.get(first) ?? 0) + more;
  if (now === 0) firsts.delete(first);
  else firsts.set(first, now);
}

const startOf = (text: string): string =>
  text.slice(
    0,
    SIZES.find((size) => size <= text.length),
  );

function formsOf(value: string): readonly Form[] {
  const isHead = value.length > HEAD_MAX;
  const texts = isHead
    ? headSpellings(value.slice(0, HEAD_MAX).replace(/[\ud800-\udbff]$/, ''))
    : spellings(value);
  return texts.filter(({ length }) => length >= LENGTH_MIN).map((text) => ({ text, isHead }));
}

/** Of base64 only what does not depend on what follows: whole groups of three bytes. */
function headSpellings(head: string): readonly string[] {
  const bytes = Buffer.from(head);
  const groups = bytes.subarray(0, bytes.length - (bytes.length % 3));
  return [...new Set([...asText(head), groups.toString('base64'), groups.toString('base64url')])];
}

/** The text with every remembered value replaced by `[secret]`. */
export function scrub(text: string): string {
  let clean = '';
  let shown = 0;
  for (let at = 0; at < text.length; ) {
    const end = endOfValue(text, at);
    if (end !== undefined) {
      clean += text.slice(shown, at) + HIDDEN;
      shown = end;
    }
    at = end ?? at + 1;
  }
  return clean + text.slice(shown);
}

/** Where a remembered value that begins here ends: the longest one. */
function endOfValue(text: string, at: number): number | undefined {
  if (!firsts.has(text.slice(at, at + LENGTH_MIN))) return undefined;
  let end: number | undefined;
  for (const size of SIZES) {
    if (at + size > text.length) continue;
    for (const form of byStart.get(text.slice(at, at + size)) ?? []) {
      if (!text.startsWith(form.text, at)) continue;
      end = Math.max(end ?? 0, form.isHead ? text.length : at + form.text.length);
    }
  }
  return end;
}

/** How a value can look in somebody else's text. Takes any string: a lone surrogate is sent as U+FFFD (finding ATK-05). */
export function spellings(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const base64 = bytes.toString('base64');
  return [
    ...new Set([
      ...asText(value),
      base64,
      base64.replace(/={1,2}$/, ''),
      bytes.toString('base64url'),
    ]),
  ];
}

function asText(value: string): readonly string[] {
  const sent = value.toWellFormed();
  return [value, sent, encodeURIComponent(sent), JSON.stringify(value).slice(1, -1)];
}
