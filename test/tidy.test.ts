/** The repository checks itself: direction of imports, homes of packages, generated pages, and what must not be there. */

import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { outdated, pages } from '../scripts/docs.ts';
import {
  against,
  byFile,
  circlesOf,
  filesUnder,
  folderOf,
  graphOf,
  importsOf,
  read,
  within,
} from '../scripts/rooms.ts';

const root = join(import.meta.dirname, '..');
const source = filesUnder('src');
const imports = importsOf(source);

/** Where each npm package is at home; types alone may be used by whoever is handed the thing. */
const homes: Readonly<Record<string, readonly string[]>> = {
  zod: ['core', 'ports', 'api', 'store', 'azure', 'targets', 'rotators', 'notices', 'consumers'],
  jose: ['api'],
  '@azure/functions': ['functions'],
  '@azure/identity': ['app', 'vault', 'store', 'azure', 'targets', 'evidence', 'notices'],
  '@azure/eventgrid': ['notices'],
  standardwebhooks: ['notices'],
  '@azure/keyvault-secrets': ['vault'],
  '@azure/data-tables': ['store'],
  '@azure/storage-queue': ['store'],
  '@azure/storage-blob': ['store', 'targets'],
  '@azure/arm-storage': ['targets'],
  '@azure/arm-sql': ['targets'],
  tedious: ['targets'],
  pg: ['targets'],
  mysql2: ['targets'],
  '@azure/core-rest-pipeline': ['azure', 'targets'],
};
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** A file of `src/rotators` that says what kinds are; the others are the registry and tables of data. */
const isKind = (file: string): boolean =>
  /^src\/rotators\/[^/]+$/.test(file) && /^export const \w+Manifest\b/m.test(read(file));
/** One kind by itself, not one for each row of a table. */
const named = (name: string): boolean =>
  read(`src/rotators/${name}.ts`).includes(`const ${name}Manifest: Manifest`);

describe('imports', () => {
  const inside = imports.filter(({ to }) => to.startsWith('src/'));

  it('are seen by this test', () => {
    expect(inside.length).toBeGreaterThan(source.length);
    for (const { to } of inside) expect(existsSync(join(root, to))).toBe(true);
  });

  it('go one way only (design section 9)', () => {
    expect(against(inside)).toEqual([]);
  });

  it('of a rotator never lead to another rotator', () => {
    expect(
      inside.filter(
        ({ file, to }) =>
          file !== 'src/rotators/kinds.ts' && file.startsWith('src/rotators/') && isKind(to),
      ),
    ).toEqual([]);
  });

  it('make no circle, of files or of folders', () => {
    const all = [...imports, ...importsOf(filesUnder('local'))].filter(({ to }) =>
      /^(src|local)\//.test(to),
    );
    const folders = ['src', 'src/reconcile', 'src/rotators', 'src/api', 'src/functions', 'local'];
    expect(circlesOf(graphOf(all, byFile))).toEqual([]);
    for (const folder of folders) expect(circlesOf(graphOf(all, within(folder)))).toEqual([]);
  });

  it('keep each package at home', () => {
    const foreign = imports.filter(({ to }) => !/^(src\/|node:)/.test(to));
    expect(
      foreign.filter(({ file, to }) => !homes[packageOf(to)]?.includes(folderOf(file))),
    ).toEqual([]);
  });

  it('never lead from src to local or test, nor from local to src', () => {
    expect(imports.filter(({ to }) => /^(local|test|scripts)\//.test(to))).toEqual([]);
    expect(importsOf(filesUnder('local')).filter(({ to }) => /^(src|test)\//.test(to))).toEqual([]);
  });

  it('of the command line lead to what the API declares, and to names and words of core (design section 9)', () => {
    const used = importsOf(filesUnder('cli'));
    const inSource = used.map(({ to }) => to).filter((to) => to.startsWith('src/'));
    expect(inSource.length).toBeGreaterThan(5);
    expect(inSource.filter((to) => !/^src\/(api|core)\//.test(to))).toEqual([]);
    const packages = new Set(
      used.map(({ to }) => to).filter((to) => !/^(cli|src)\/|^node:/.test(to)),
    );
    expect([...packages].sort()).toEqual([
      '@azure/identity',
      '@azure/keyvault-secrets',
      'commander',
      'zod',
    ]);
    expect(
      circlesOf(
        graphOf(
          used.filter(({ to }) => to.startsWith('cli/')),
          byFile,
        ),
      ),
    ).toEqual([]);
  });

  it('of ports are of types, and so is all that stands there', () => {
    const hasCode =
      /^(import (?!type)|(export )?(default|declare|const|let|var|class|abstract|enum|function|async)\b|export [{*])/m;
    expect(source.filter((file) => folderOf(file) === 'ports' && hasCode.test(read(file)))).toEqual(
      [],
    );
  });

  it('of functions take classes of the library as types only (azure-facts 1.3)', () => {
    const text = source
      .filter((file) => folderOf(file) === 'functions')
      .map(read)
      .join('\n');
    const named = [...text.matchAll(/import \{([^}]*)\} from '@azure\/functions'/g)].flatMap(
      ([, names = '']) => names.split(','),
    );
    expect(
      named
        .map((name) => name.trim())
        .filter((name) => name !== '' && name !== 'app' && !name.startsWith('type ')),
    ).toEqual([]);
  });
});

describe('a name', () => {
  const twice = (names: readonly string[]) => [
    ...new Set(names.filter((name, at) => names.indexOf(name) !== at)),
  ];

  it('of a file of src is given once, so that a stranger finds it', () => {
    expect(twice(source.map((file) => basename(file)))).toEqual([]);
  });

  it('of an exported type is given once', () => {
    const typesIn = (file: string) =>
      [
        ...read(file).matchAll(
          /^export (?:declare )?(?:abstract )?(?:type|interface|class|enum) (\w+)/gm,
        ),
      ].map(([, name = '']) => name);
    const names = source.flatMap(typesIn);
    expect(names.length).toBeGreaterThan(200);
    expect(twice(names)).toEqual([]);
  });
});

describe('the code', () => {
  it('opens a secret in the vault adapter, the form codec, wire calls and what is posted alone (design section 4)', () => {
    const open = source.filter((file) => /\.reveal\(/.test(read(file)));
    const allowed =
      /^src\/(vault\/keyVault\.ts|form\/form\.ts|targets\/|notices\/(post|sinks)\.ts)/;
    expect(open.filter((file) => !allowed.test(file))).toEqual([]);
  });

  it('has no any and hides nothing from the compiler', () => {
    const mine = [
      ...source,
      ...filesUnder('cli'),
      ...filesUnder('local'),
      ...filesUnder('test'),
      ...filesUnder('scripts'),
      ...filesUnder('bench'),
    ];
    const hides = new RegExp(
      [
        '\\bas any\\b',
        ': any[,;)=\\]]',
        '<any>',
        '@ts-(ignore|nocheck|expect-error)',
        '\\b(it|test|describe)\\.(skip|only)\\(',
      ].join('|'),
    );
    expect(mine.filter((file) => file !== 'test/tidy.test.ts' && hides.test(read(file)))).toEqual(
      [],
    );
  });

  it('names no host of a package registry', () => {
    const named = [
      ...source,
      ...filesUnder('cli'),
      ...filesUnder('local'),
      ...filesUnder('scripts'),
    ];
    expect(
      named.filter((file) =>
        /registry\.(npmjs|yarnpkg)|npmjs\.(org|com)|pypi\.org|nuget\.org/.test(read(file)),
      ),
    ).toEqual([]);
  });

  it('registers every rotator under the name of its file', () => {
    const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const own = source
      .flatMap((file) => /^src\/rotators\/([^/]+)\.ts$/.exec(file)?.[1] ?? [])
      .filter(named);
    expect(own.length).toBeGreaterThan(5);
    for (const name of own) {
      expect(read(`src/rotators/${name}.ts`)).toContain(`type: '${kebab(name)}'`);
      expect(read('src/rotators/kinds.ts')).toMatch(new RegExp(`\\[\\s*${name}Manifest,`));
    }
  });
});

it.each(Object.keys(pages))('%s says what the code says', (page) => {
  expect(outdated(page)).toBeUndefined();
});
