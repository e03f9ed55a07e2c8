/** Every relative link of every page leads to a file that is there and, with `#`, to a heading of it, as GitHub names them. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from './processes.ts';

const PAGES = [
  ...['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
/** What stands between fences and backticks is shown, not followed. */
const prose = (text: string): string =>
  text.replaceAll(/^(`{3,}).*?^\1`*$/gms, '').replaceAll(/`[^`\n]*`/g, '``');

/** The anchors that GitHub gives to headings: letters, digits and `-` of the words in small ones, the second of a name with `-1`. */
function anchorsOf(text: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ''] of text
    .replaceAll(/^(`{3,}).*?^\1`*$/gms, '')
    .matchAll(/^#{1,6} (.*)$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const name = words.replaceAll(/[^\p{L}\p{N}_\s-]/gu, '').replaceAll(' ', '-');
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    anchors.add(before === 0 ? name : `${name}-${before}`);
  }
  return anchors;
}

interface Link {
  readonly page: string;
  readonly to: string;
}
/** Links that lead nowhere, each with the reason. */
function broken({ page, to }: Link): string | undefined {
  const [file = '', anchor] = to.split('#');
  const path = file === '' ? page : join(dirname(page), file);
  if (path.startsWith('..') || !existsSync(join(root, path)))
    return `${page}: ${to}: there is no ${path}`;
  if (anchor === undefined) return undefined;
  if (statSync(join(root, path)).isDirectory() || !anchorsOf(read(path)).has(anchor))
    return `${page}: ${to}: ${path} has no heading #${anchor}`;
  return undefined;
}
const linksOf = (page: string): Link[] =>
  [...prose(read(page)).matchAll(/\]\(((?!https?:|mailto:)[^)\s]+)\)/g)].map(([, to = '']) => ({
    page,
    to,
  }));

describe('links', () => {
  it.each(PAGES)('of %s lead to files and headings that are there', (page) => {
    expect(linksOf(page).flatMap((link) => broken(link) ?? [])).toEqual([]);
  });

  it('are seen by this test', () => {
    expect(PAGES.flatMap(linksOf).length).toBeGreaterThan(100);
    expect(PAGES.flatMap(linksOf).filter(({ to }) => to.includes('#')).length).toBeGreaterThan(20);
    expect(broken({ page: 'docs/design.md', to: 'nowhere.txt' })).toContain(
      'there is no docs/nowhere.txt',
    );
    expect(broken({ page: 'docs/design.md', to: '../README.md#nothing' })).toContain(
      'no heading #nothing',
    );
    expect(broken({ page: 'docs/design.md', to: '../../shared/x.md' })).toContain(
      'there is no ../shared/x.md',
    );
    expect(broken({ page: 'README.md', to: 'docs/design.md#3-the-pass' })).toBeUndefined();
  });

  it('of two headings of one name have anchors of their own', () => {
    expect([
      ...anchorsOf('# A b\n\n## A b!\n\n```sh\n# no heading\n```\n\n## `x` [y](z)\n'),
    ]).toEqual(['a-b', 'a-b-1', 'x-y']);
  });
});
