/** Text of strangers on a terminal: names, tags and notes may hold anything, and none of it may steer the terminal (case SEC-06). */

/** Control, format (bidirectional, too), surrogate, private and unassigned characters, and the ends of lines. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]+/gu;

/** On one line, without what does not print: each run of it is one blank. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, ' ').trim();

/** The same for a line whose indent says something. */
export const printableLine = (text: string): string => text.replace(UNPRINTABLE, ' ').trimEnd();

const WIDE =
  /\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NONE = /\p{M}/u;

/** How many cells of a terminal the text takes: two for what is wide in East Asia, none for marks. */
export const widthOf = (text: string): number =>
  [...text].reduce((sum, letter) => sum + (NONE.test(letter) ? 0 : WIDE.test(letter) ? 2 : 1), 0);

/** At most so many cells, with an ellipsis where something is left out. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  for (const letter of text) {
    if (widthOf(kept + letter) > width - 1) break;
    kept += letter;
  }
  return `${kept}…`;
}

export const padded = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - widthOf(text)));
