/** What a section answers, and how it is printed. */

/** One line of the table. */
export interface Row {
  readonly section: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What design or issue promise; a miss is printed, never an error: a bench measures, tests judge. */
  readonly target?: { readonly atMost: number };
  readonly note?: string;
}

/** Rows of one section. */
export const rowsOf =
  (section: string) =>
  (what: string, value: number, unit: string, more: Pick<Row, 'target' | 'note'> = {}): Row => ({
    ...{ section, what, value: rounded(value), unit },
    ...more,
  });

/** Three significant digits, and no fraction of what is counted in hundreds. */
const rounded = (value: number): number =>
  Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));

export const met = ({ value, target }: Row): boolean | undefined =>
  target && value <= target.atMost;

/** The rows as one table of plain text. */
export function table(rows: readonly Row[]): string {
  const cells = [
    ['section', 'what', 'value', 'unit', 'target', 'note'],
    ...rows.map((row) => [
      ...[row.section, row.what, String(row.value), row.unit],
      row.target ? `<= ${rounded(row.target.atMost)} ${met(row) ? 'met' : 'MISSED'}` : '',
      row.note ?? '',
    ]),
  ];
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((line) => (line[column] ?? '').length)),
  );
  const isNumber = (column: number) => column === 2;
  return cells
    .map((line) =>
      line
        .map((cell, column) =>
          isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The middle of the values, the lower one of two. */
export const median = (values: readonly number[]): number => percentile(values, 50);

/** The smallest value that at least `percent` of the values do not exceed (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  if (found === undefined) throw new Error('There is no percentile of nothing.');
  return found;
}
