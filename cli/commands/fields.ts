/** One thing by its fields: a table of two columns. */
import type { Colour } from '../show/colour.ts';
import { type Table, table } from '../show/table.ts';

type Field = readonly [name: string, value: string | undefined, colour?: Colour | undefined];

/** What is undefined or empty is left out. */
export const fields = (all: readonly Field[], heading?: string): Table =>
  table<Field>({
    ...(heading === undefined ? {} : { heading }),
    items: all.filter(([, value]) => value !== undefined && value !== ''),
    columns: [
      { title: 'field', of: ([name]) => name, isWhole: true },
      { title: 'value', of: ([, value]) => value, colour: ([, , colour]) => colour, isWhole: true },
    ],
  });
