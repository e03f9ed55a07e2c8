/** Tables: aligned on a terminal and no wider than it, whole in a pipe; and the same rows for programs. */
import { type Colour, coloured } from './colour.ts';
import { cut, padded, printable, widthOf } from './text.ts';

export interface Column<T> {
  readonly title: string;
  readonly of: (item: T) => string | undefined;
  readonly colour?: (item: T) => Colour | undefined;
  /** Never made narrower: what it holds is pasted into the next command. */
  readonly isWhole?: true;
}

/** Rows of one kind. */
export interface Table<T = unknown> {
  readonly heading?: string;
  readonly columns: readonly Column<T>[];
  readonly items: readonly T[];
  /** Said instead where there are none. */
  readonly empty?: string;
}

/** A table whose columns fit its rows, with the type of its rows forgotten. */
export const table = <T>(made: Table<T>): Table => made as Table<unknown> & Table<T>;

const GAP = '  ';
const LEAST = 6;

/** Lines without an end of line. `width` bounds them; `hasColours` colours them. */
export function linesOf(
  { columns, items, heading, empty }: Table,
  { width, hasColours }: { readonly width: number | undefined; readonly hasColours: boolean },
): readonly string[] {
  const head = heading === undefined ? [] : [heading];
  if (items.length === 0) return empty === undefined ? [] : [...head, empty];
  const cells = items.map((item) => columns.map(({ of }) => printable(of(item) ?? '')));
  // A column that says nothing takes no room.
  const shown = columns.map((_, at) => at).filter((at) => cells.some((row) => row[at] !== ''));
  const widest = shown.map((at) =>
    Math.max(
      ...[columns[at]?.title.toUpperCase() ?? '', ...cells.map((row) => row[at] ?? '')].map(
        widthOf,
      ),
    ),
  );
  const isWhole = shown.map((at) => columns[at]?.isWhole === true);
  const widths = width === undefined ? widest : fitted(widest, isWhole, width);
  const line = (texts: readonly string[], colours: readonly (Colour | undefined)[]) =>
    texts
      .map((text, at) => {
        const fits = cut(text, widths[at] ?? 0);
        const cell = at === texts.length - 1 ? fits : padded(fits, widths[at] ?? 0);
        return hasColours ? coloured(cell, colours[at]) : cell;
      })
      .join(GAP)
      .trimEnd();
  const titles = shown.map((at) => columns[at]?.title.toUpperCase() ?? '');
  return [
    ...head,
    line(
      titles,
      titles.map(() => 'dim'),
    ),
    ...items.map((item, row) =>
      line(
        shown.map((at) => cells[row]?.[at] ?? ''),
        shown.map((at) => columns[at]?.colour?.(item)),
      ),
    ),
  ];
}

/** Takes the width that is too much from the widest columns, one cell at a time. */
function fitted(
  widest: readonly number[],
  isWhole: readonly boolean[],
  width: number,
): readonly number[] {
  const widths = [...widest];
  const total = () =>
    widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1);
  while (total() > width) {
    const candidates = widths.map((each, at) => (isWhole[at] || each <= LEAST ? 0 : each));
    const most = Math.max(...candidates);
    if (most === 0) break;
    widths[candidates.indexOf(most)] = most - 1;
  }
  return widths;
}

/** With these a spreadsheet takes a cell for a formula, in their wide forms, too (OWASP, "CSV Injection"). */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

/**
 * RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe in front of it: names and tags are strangers'
 * text.
 */
export function csvOf({ columns, items }: Table): readonly string[] {
  const cell = (text: string) => {
    const safe = FORMULA.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const row = (texts: readonly string[]) => texts.map(cell).join(',');
  return [
    row(columns.map(({ title }) => title)),
    ...items.map((item) => row(columns.map(({ of }) => printable(of(item) ?? '')))),
  ];
}

/** A table of GitHub's Markdown; what would be markup in a cell is escaped. */
export function markdownOf({ columns, items, heading }: Table): readonly string[] {
  const cell = (text: string) => text.replaceAll(/[\\|`*_<>[\]&!]/g, '\\$&');
  const row = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
  return [
    ...(heading === undefined ? [] : [`**${cell(heading)}**`, '']),
    row(columns.map(({ title }) => title)),
    row(columns.map(() => '---')),
    ...items.map((item) => row(columns.map(({ of }) => cell(printable(of(item) ?? ''))))),
  ];
}
