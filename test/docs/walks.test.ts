/**
 * docs/developing.md: its walks lead through files that are there, each function is defined in its file and named in one before
 * it, and no file comes twice. What it says of replacing is so: nobody but the composition root knows an adapter.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { filesUnder, importsOf } from '../../scripts/rooms.ts';
import { root } from './processes.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const [, text = ''] = /<!-- walks -->(.*?)<!-- \/walks -->/s.exec(read('docs/developing.md')) ?? [];
const walks = text.split(/^\*\*/m).slice(1);
const stepsOf = (walk: string) =>
  [...walk.matchAll(/^\d+\. `([^`]+)`:.*?`(\w+)`/gm)].map(([, file = '', name = '']) => ({
    file,
    name,
  }));

/** A function, a method, a class or a constant of this name. */
const defines = (file: string, name: string): boolean =>
  new RegExp(
    `\\b(?:function|class|const)\\s+${name}\\b|^\\s*(?:async )?${name}\\s*(?:[(<]|:.*=>)`,
    'm',
  ).test(read(file));

describe.each([
  ['One event', 8],
  ['One value', 8],
  ['One request', 7],
])('%s', (title, most) => {
  const steps = stepsOf(walks.find((walk) => walk.startsWith(title)) ?? '');
  const files = steps.map(({ file }) => file);

  it('passes few files, none of them twice', () => {
    expect(steps.length).toBeGreaterThan(4);
    expect(files.length).toBeLessThanOrEqual(most);
    expect(files).toEqual([...new Set(files)]);
  });

  it('goes from one to the next', () => {
    for (const [at, { file, name }] of steps.entries()) {
      expect({
        file,
        name,
        found: at === 0 ? read(file).includes(name) : defines(file, name),
      }).toMatchObject({
        found: true,
      });
      const before = files.slice(0, Math.max(1, at));
      expect({
        name,
        namedIn: before.filter((each) => new RegExp(`\\b${name}\\b`).test(read(each))),
      }).not.toEqual({
        name,
        namedIn: [],
      });
    }
  });
});

it('an adapter of a port is imported by the composition root and its own folder alone', () => {
  const adapters = importsOf(filesUnder('src')).filter(({ to }) =>
    /^src\/(store|vault)\//.test(to),
  );
  const strangers = adapters.filter(
    ({ file, to }) =>
      !file.startsWith('src/app/') && !file.startsWith(to.split('/').slice(0, 2).join('/')),
  );
  expect(adapters.length).toBeGreaterThan(10);
  expect(strangers).toEqual([]);
  const named = adapters.filter(({ to }) => to.endsWith('/alertTable.ts')).map(({ file }) => file);
  expect(named).toEqual(['src/app/clients.ts']);
});
