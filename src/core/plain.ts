/** Texts of people as they are given back: what they said, and nothing that a terminal, a table or a reader takes for more. */

import { mask } from './mask.ts';

/** Control, format (bidirectional, too), surrogate, private and unassigned characters, and the ends of lines. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]+/gu;

/**
 * The text without what does not print, each run of it one blank; what looks like a credential is hidden before anything is cut at `max` characters. Unlike `quote` it comes back as it
 * went in, where it was printable (finding OPS-07).
 */
export function plain(text: string, max = 256): string {
  return cut(mask(text.replace(UNPRINTABLE, ' ')).trim(), max);
}

/** Each run of what does not print as one blank. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, ' ').trim();

/** At most so many characters, and no half of one; the last one says that there were more. */
export const cut = (text: string, max: number): string =>
  text.length > max
    ? `${text
        .slice(0, max - 1)
        .toWellFormed()
        .replace(/\ufffd$/, '')}…`
    : text;

/** What `plain` gives: for schemas of what is read again. */
export const PLAIN = /^[^\p{C}\p{Zl}\p{Zp}]*$/u;
