/** The repository checks itself: direction of imports, homes of packages, generated pages, and what must not be there. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { pages } from '../scripts/docs.ts';

const root = join(import.meta.dirname, '..');
const filesUnder = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file}`)
    .filter((file) => file.endsWith('.ts'));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const source = filesUnder('src');

interface Import {
  readonly file: string;
  readonly to: string;
}
const IMPORT = /^\s*(?:import|export)\b(?:[^;'"]*?\bfrom)?\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm;
const importsOf = (files: readonly string[]): Import[] =>
  files.flatMap((file) =>
    [...read(file).matchAll(IMPORT)].map(([, still, lazy]) => {
      const to = still ?? lazy ?? '';
      return { file, to: to.startsWith('.') ? relative(root, join(root, dirname(file), to)) : to };
    }),
  );
const imports = importsOf(source);

/** `app.ts` with `clients.ts`, `operations.ts`, `inventory.ts`, `readiness.ts` and `poison.ts` is the composition root. */
const layerOf = (file: string): string => {
  const [, layer = ''] = file.split('/');
  return /^(app|clients|operations|poison|inventory|readiness)\.ts$/.test(layer) ? 'app' : layer;
};
/** Who may import whom (design section 9). Every layer may import itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  functions: ['requests', 'http', 'app'],
  app: ['requests', 'http', 'reconcile', 'rotators', 'vault', 'store', 'azure', 'core'],
  requests: ['core'],
  http: ['core'],
  reconcile: ['rotators', 'form', 'vault', 'store', 'core'],
  form: ['core'],
  rotators: ['azure', 'core'],
  vault: ['core'],
  store: ['core'],
  azure: ['core'],
  core: [],
};
/** Files of a layer that others see of it; the rest is its own business. */
const doors: Readonly<Record<string, readonly string[]>> = {
  reconcile: [
    'src/rotators/rotator.ts',
    'src/rotators/registry.ts',
    'src/vault/vault.ts',
    'src/form/form.ts',
    'src/store/store.ts',
  ],
};
/** Where each npm package is at home; types alone may be used by whoever is handed the thing. */
const homes: Readonly<Record<string, RegExp>> = {
  zod: /^src\/(core|requests|http|store|azure|rotators)\//,
  jose: /^src\/http\/auth\.ts$/,
  '@azure/functions': /^src\/functions\//,
  '@azure/identity': /^src\/((app|clients)\.ts$|vault\/|store\/|azure\/|rotators\/)/,
  '@azure/keyvault-secrets': /^src\/vault\//,
  '@azure/data-tables': /^src\/store\//,
  '@azure/storage-queue': /^src\/store\//,
  '@azure/storage-blob': /^src\/(store|azure|rotators)\//,
  '@azure/arm-storage': /^src\/(azure|rotators)\//,
  '@azure/arm-sql': /^src\/azure\/sqlServers\.ts$/,
  tedious: /^src\/azure\/tds\.ts$/,
  pg: /^src\/azure\/postgres\.ts$/,
  mysql2: /^src\/azure\/mysql\.ts$/,
  '@azure/core-rest-pipeline': /^src\/azure\//,
};
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** What several rotators are made of: these may import each other, and register nothing. */
const shared = [
  'password',
  'twoLogins',
  'onePassword',
  'sqlLogins',
  'sqlServerSet',
  'sqlText',
  'storedLogin',
  'wrongTries',
  'twoKeyTable',
];

describe('imports', () => {
  const inside = imports.filter(({ to }) => to.startsWith('src/'));

  it('are seen by this test', () => {
    expect(inside.length).toBeGreaterThan(source.length);
    for (const { to } of inside) expect(existsSync(join(root, to))).toBe(true);
  });

  it('go one way only (design section 9)', () => {
    const wrong = inside.filter(
      ({ file, to }) => layerOf(file) !== layerOf(to) && !mayImport[layerOf(file)]?.includes(layerOf(to)),
    );
    expect(wrong).toEqual([]);
  });

  it('of reconcile reach contracts and ports, nothing behind them', () => {
    const wrong = inside.filter(
      ({ file, to }) =>
        layerOf(file) === 'reconcile' &&
        /^(rotators|form|vault|store)$/.test(layerOf(to)) &&
        !doors.reconcile?.includes(to),
    );
    expect(wrong).toEqual([]);
  });

  it('of a rotator never lead to another rotator', () => {
    const rotators = inside.filter(({ file, to }) => layerOf(file) === 'rotators' && layerOf(to) === 'rotators');
    const wrong = rotators.filter(
      ({ file, to }) => file !== 'src/rotators/registry.ts' && !['rotator', ...shared].includes(basename(to, '.ts')),
    );
    expect(wrong).toEqual([]);
  });

  it('keep each package at home', () => {
    const foreign = imports.filter(({ to }) => !/^(src\/|node:)/.test(to));
    expect(foreign.filter(({ file, to }) => !homes[packageOf(to)]?.test(file))).toEqual([]);
  });

  it('never lead from src to local or test, nor from local to src', () => {
    expect(imports.filter(({ to }) => /^(local|test|scripts)\//.test(to))).toEqual([]);
    expect(importsOf(filesUnder('local')).filter(({ to }) => /^(src|test)\//.test(to))).toEqual([]);
  });

  it('of functions take classes of the library as types only (azure-facts 1.3)', () => {
    const text = source
      .filter((file) => layerOf(file) === 'functions')
      .map(read)
      .join('\n');
    const named = [...text.matchAll(/import \{([^}]*)\} from '@azure\/functions'/g)].flatMap(([, names = '']) =>
      names.split(','),
    );
    expect(
      named.map((name) => name.trim()).filter((name) => name !== '' && name !== 'app' && !name.startsWith('type ')),
    ).toEqual([]);
  });
});

describe('the code', () => {
  it('opens a secret in the vault adapter, the form codec and wire calls alone (design section 4)', () => {
    const open = source.filter((file) => /\.reveal\(/.test(read(file)));
    const allowed =
      /^src\/(vault\/keyVault\.ts|form\/form\.ts|azure\/(storageKeys|clientSecrets|sqlServers|tds|postgres|mysql|mysqlHashes)\.ts|rotators\/sqlText\.ts)$/;
    expect(open.filter((file) => !allowed.test(file))).toEqual([]);
  });

  it('has no any and hides nothing from the compiler', () => {
    const mine = [
      ...source,
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
    expect(mine.filter((file) => file !== 'test/tidy.test.ts' && hides.test(read(file)))).toEqual([]);
  });

  it('names no host of a package registry', () => {
    const named = [...source, ...filesUnder('local'), ...filesUnder('scripts')];
    expect(
      named.filter((file) => /registry\.(npmjs|yarnpkg)|npmjs\.(org|com)|pypi\.org|nuget\.org/.test(read(file))),
    ).toEqual([]);
  });

  it('registers every rotator under the name of its file', () => {
    const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const names = source.filter((file) => layerOf(file) === 'rotators').map((file) => basename(file, '.ts'));
    const own = names.filter((name) => !['rotator', 'registry', 'twoKey', ...shared].includes(name));
    for (const name of own) {
      expect(read(`src/rotators/${name}.ts`)).toContain(`'${kebab(name)}'`);
      expect(read('src/rotators/registry.ts')).toContain(`./${name}.ts`);
    }
  });
});

it.each(Object.keys(pages))('%s says what the code says', (page) => {
  expect(read(page)).toBe(pages[page]?.());
});
