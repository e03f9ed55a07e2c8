/** How text of strangers is shown: quoted as JSON, printable, at most 64 characters (design section 6, case SEC-06). */
import { mask } from './mask.ts';

const SHOWN_MAX = 64;
/** More is never looked at: a body or an event may be long. */
const READ_MAX = 1024;

/**
 * The text as JSON in ASCII, cut at 64 characters. Safe in logs, terminals, tables and JSON answers. What looks like a
 * credential is hidden before anything is cut, since half a key is still half a key (finding ATK-07).
 */
export function quote(text: string): string {
  const clean = masked(text);
  const cut = clean.length > SHOWN_MAX ? `${clean.slice(0, SHOWN_MAX - 1)}…` : clean;
  return JSON.stringify(cut).replace(/[^\x20-\x7e]/g, (character) => {
    if (character === '…') return '...';
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

const PLAIN_MAX = 256;

/**
 * The text without control characters, cut at 256: for a field of its own, which needs no quotes around it. What looks like
 * a credential is hidden as in `quote`.
 */
export const unquoted = (text: string): string =>
  masked(text)
    .toWellFormed()
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, PLAIN_MAX)
    .toWellFormed();

/** Where a long text is left off, its last word would be judged by its beginning: it is left out as well. */
function masked(text: string): string {
  if (text.length <= READ_MAX) return mask(text);
  const whole = /^[\s\S]*\s/.exec(text.slice(0, READ_MAX))?.[0] ?? '';
  return whole === '' ? mask(text.slice(0, READ_MAX)) : `${mask(whole)}…`;
}
