/** Writes what a command found in the form that was asked for. */
import type { Io } from '../io.ts';
import { hasColours } from './colour.ts';
import { csvOf, linesOf, markdownOf, type Table } from './table.ts';
import { printableLine } from './text.ts';

export const FORMATS = ['table', 'json', 'jsonl', 'csv', 'markdown'] as const;
export type Format = (typeof FORMATS)[number];

/** What a command found. */
export interface Found {
  /** Everything, for programs. */
  readonly body: unknown;
  /** One by one, where there are many; the body alone otherwise. */
  readonly items?: readonly unknown[];
  /** For people. The first is what csv and markdown show. */
  readonly tables: readonly Table[];
  /** Said after the tables, to people alone. */
  readonly said?: readonly string[];
}

export function print(found: Found, format: Format, io: Io): void {
  for (const line of linesIn(found, format, io)) io.out.write(`${line}\n`);
}

function linesIn(
  { body, items, tables, said = [] }: Found,
  format: Format,
  io: Io,
): readonly string[] {
  if (format === 'json') return [json(body, 2)];
  if (format === 'jsonl') return (items ?? [body]).map((item) => json(item));
  if (format === 'csv') return tables.slice(0, 1).flatMap(csvOf);
  if (format === 'markdown') return joined(tables.map(markdownOf));
  const how = {
    width: io.out.isTty ? io.out.columns : undefined,
    hasColours: hasColours(io, io.out),
  };
  return joined([...tables.map((each) => linesOf(each, how)), said.map(printableLine)]);
}

/** With an empty line between them. */
const joined = (blocks: readonly (readonly string[])[]): readonly string[] =>
  blocks
    .filter((block) => block.length > 0)
    .flatMap((block, at) => [...(at > 0 ? [''] : []), ...block]);

/** JSON in ASCII where a terminal would act on a character: the same text to whoever parses it. */
export const json = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (letter) =>
    letter === '\n'
      ? letter
      : [...Array(letter.length).keys()]
          .map((at) => `\\u${letter.charCodeAt(at).toString(16).padStart(4, '0')}`)
          .join(''),
  );

/** `2027-03-01 08:00Z`: to the minute and in UTC, as everything that Keyturn says. */
export const minute = (on: string | undefined): string | undefined =>
  on === undefined ? undefined : `${on.slice(0, 10)} ${on.slice(11, 16)}Z`;
export const day = (on: string | undefined): string | undefined => on?.slice(0, 10);
