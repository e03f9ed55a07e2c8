/** What the pages say of the folders of `src` is what there is, and what the test of imports goes by (design section 9). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { directions } from '../../scripts/rooms.ts';
import { root } from './processes.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();
const wanted = Object.fromEntries(
  folders.map((folder) => [
    folder,
    directions[folder]?.toSorted() ?? (folder === 'app' ? 'everything' : 'unknown'),
  ]),
);

/** Rows of a page's table of folders: `| `src/vault`, `src/store` | … | `ports`, `core` |`. */
const told = (section: string): Record<string, readonly string[] | string> =>
  Object.fromEntries(
    [...section.matchAll(/^\| (`src\/.*?) +\|.*\| (.*?) +\|$/gm)].flatMap(
      ([, names = '', may = '']) =>
        [...names.matchAll(/`src\/(\w+)`/g)].map(([, folder = '']) => {
          const named = [...may.matchAll(/`(\w+)`/g)].map(([, name = '']) => name).sort();
          return [folder, /^(everything|all but)/.test(may) ? 'everything' : named];
        }),
    ),
  );
const sectionOf = (page: string, heading: string): string =>
  read(page)
    .split(/^## /m)
    .find((section) => section.startsWith(heading)) ?? '';

describe('the folders of src', () => {
  it.each([
    ['docs/design.md', '9. Folders and imports'],
    ['docs/developing.md', 'Folders'],
  ])('in %s are those that there are, with what each may import', (page, heading) => {
    expect(told(sectionOf(page, heading))).toEqual(wanted);
  });

  it('stand in the picture of docs/developing.md, and no arrow of it leads where none may', () => {
    const [, picture = ''] =
      /^```mermaid\n(.*?)^```$/ms.exec(sectionOf('docs/developing.md', 'Folders')) ?? [];
    for (const folder of folders)
      expect(picture).toMatch(new RegExp(`\\b${folder}\\["${folder}\\b`));
    const arrows = [...picture.matchAll(/^\s*(\w+)(?:\[[^\]]*\])? --> (\w+)(?: & (\w+))?/gm)]
      .flatMap(([, from = '', to = '', also]) =>
        [to, also].map((each) => ({ from, to: each ?? '' })),
      )
      .filter(({ from, to }) => folders.includes(from) && folders.includes(to));
    expect(arrows.length).toBeGreaterThan(6);
    expect(
      arrows.filter(({ from, to }) => from !== 'app' && !directions[from]?.includes(to)),
    ).toEqual([]);
  });
});
