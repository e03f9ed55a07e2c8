/** How text of strangers is shown: quoted as JSON, printable, at most 64 characters (design section 6, case SEC-06). */
const SHOWN_MAX = 64;

/** The text as JSON in ASCII, cut at 64 characters. Safe in logs, terminals, tables and JSON answers. */
export function quote(text: string): string {
  const cut = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 1)}…` : text;
  return JSON.stringify(cut).replace(/[^\x20-\x7e]/g, (character) => {
    if (character === '…') return '...';
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

const PLAIN_MAX = 256;

/** The text without control characters, cut at 256: for a field of its own, which needs no quotes around it. */
export const plain = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, PLAIN_MAX)
    .toWellFormed();
