/**
 * `npm run build`: the deployable folder `dist/`, which needs no node_modules. The entry is one small CommonJS file. What it
 * loads by `import()` becomes ES modules beside it, split so that a rotator's SDK is not even read before it is used: in
 * one file V8 would parse all of them at every start (start times: docs/bench.md).
 */
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  type BuildOptions as Bundling,
  build as bundle,
  type Metafile,
  type Plugin,
} from 'esbuild';
import { SWITCHES } from '../src/app/quiet.ts';
import { notices } from './release/notices.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const name = 'keyturn.cjs';
/** The folder of what is loaded later. */
const LATER = 'app';

/** The same for both halves. */
const common = {
  // The metafile names files from here, wherever it is run.
  ...{ absWorkingDir: root, bundle: true, platform: 'node', target: 'node22', logLevel: 'warning' },
  // Names stay readable in stack traces; a minified zip is only smaller, not faster.
  ...{ sourcemap: 'external', legalComments: 'external', metafile: true },
  // Provided by the worker, or optional parts of dependencies that are absent (azure-facts 1.4).
  external: [
    ...['@azure/functions-core', '@azure/functions-opentelemetry-instrumentation'],
    ...['pg-hstore', 'cardinal', 'aws-crt', 'msnodesqlv8', 'pg-native'],
  ],
} as const satisfies Bundling;

/** Debug switches are cleared in front of everything, in whatever order the files run (finding ATK-10). */
const QUIET = `for (const name of ${JSON.stringify(SWITCHES)}) delete process.env[name];`;

export interface BuildOptions {
  entry?: string;
  out?: string;
  hostJson?: string;
  /** Where the source maps go: what is in `out` is deployed as it is. Without it there are none. */
  maps?: string;
}

/** Builds the folder anew and answers the size of its code in bytes. */
export async function build(options: BuildOptions = {}): Promise<number> {
  const out = options.out ?? join(root, 'dist');
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const later = new Map<string, string>();
  const { metafile } = await bundle({
    ...common,
    ...{
      entryPoints: [options.entry ?? join(root, 'src/functions/index.ts')],
      outfile: join(out, name),
      format: 'cjs',
    },
    plugins: [leave(later)],
    define: { 'import.meta.url': 'keyturnBundleUrl' },
    banner: {
      js: `${QUIET}\nconst keyturnBundleUrl = require('node:url').pathToFileURL(__filename).href;`,
    },
  });
  const parts = [metafile];
  // In order: they are found in any, and the bytes of what they share follow it.
  const entries = Object.fromEntries([...later].sort(([one], [other]) => (one < other ? -1 : 1)));
  if (later.size > 0) parts.push(await bundleLater(entries, join(out, LATER)));
  await moveMaps(out, options.maps);
  await writeFile(join(out, 'THIRD-PARTY-NOTICES'), await notices(parts));
  await copyFile(join(root, 'LICENSE'), join(out, 'LICENSE'));
  await copyFile(options.hostJson ?? join(root, 'host.json'), join(out, 'host.json'));
  await writeFile(
    join(out, 'package.json'),
    `${JSON.stringify(await packageJson(), undefined, 2)}\n`,
  );
  return codeBytes(out);
}

async function moveMaps(out: string, maps: string | undefined): Promise<void> {
  if (maps !== undefined) await rm(maps, { recursive: true, force: true });
  for (const file of (await readdir(out, { recursive: true })).filter((each) =>
    each.endsWith('.map'),
  )) {
    if (maps === undefined) {
      await rm(join(out, file));
      continue;
    }
    await mkdir(dirname(join(maps, file)), { recursive: true });
    await rename(join(out, file), join(maps, file));
  }
}

/** Bundles what runs after the start, here or in the bench: ES modules by name, and what they load in turn. */
export async function bundleLater(
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
): Promise<Metafile> {
  const { metafile } = await bundle({
    ...common,
    ...{
      entryPoints: { ...entryPoints },
      outdir,
      format: 'esm',
      splitting: true,
      outExtension: { '.js': '.mjs' },
    },
    plugins: [named, lean],
    // Packages that are CommonJS ask for Node's own modules in their way.
    banner: {
      js: `${QUIET}\nimport { createRequire as keyturnRequire } from 'node:module'; const require = keyturnRequire(import.meta.url);`,
    },
  });
  return metafile;
}

/** Leaves own files that are loaded by `import()` out of the entry, and notes them by name. */
const leave = (later: Map<string, string>): Plugin => ({
  name: 'keyturn-later',
  setup({ onResolve }) {
    onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const file = basename(path, '.ts');
      later.set(file, join(resolveDir, path));
      return { path: `./${LATER}/${file}.mjs`, external: true };
    });
  },
});

/**
 * Packages that own files load by `import()`, with the names that Node finds in them: of a split module that was CommonJS,
 * esbuild would give the default export alone (measured: 0.28.2, `(await import('tedious')).Connection` was undefined).
 */
const named: Plugin = {
  name: 'keyturn-named',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(@[\w-]+\/)?[a-z][\w-]*(\/|$)/ }, ({ kind, path, importer }) => {
      if (kind !== 'dynamic-import' || importer.includes('node_modules') || isBuiltin(path))
        return undefined;
      return { path, namespace: 'keyturn-named' };
    });
    onLoad({ filter: /.*/, namespace: 'keyturn-named' }, async ({ path }) => {
      const names = Object.keys((await import(path)) as object).filter((name) =>
        /^[\w$]+$/.test(name),
      );
      return { contents: `export { ${names.join(', ')} } from '${path}';`, resolveDir: root };
    });
  },
};

/**
 * Two things that every first call would pay for and nobody uses (measured together: a seventh of its CPU time): importing
 * `node:http` as an ES module reads all its exports, one of which loads undici; and zod's messages in 50 languages.
 */
const lean: Plugin = {
  name: 'keyturn-lean',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?https?$/ }, ({ kind, path }) =>
      kind === 'import-statement' ? { path, namespace: 'keyturn-lean' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'keyturn-lean' }, ({ path }) => ({
      contents: `module.exports = require('${path}');`,
    }));
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** What the worker reads: where the entry is. No `type`: the entry is CommonJS. No dependencies: they are in the bundle. */
async function packageJson(): Promise<object> {
  const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  return { name: own.name, version: own.version, main: name, engines: own.engines };
}

async function codeBytes(folder: string): Promise<number> {
  const files = (await readdir(folder, { recursive: true })).filter((file) =>
    /\.[cm]js$/.test(file),
  );
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const bytes = await build({ maps: join(root, '.keyturn/maps') });
  console.log(
    `dist/: ${(bytes / 1024 / 1024).toFixed(2)} MB of code, loaded by ${name} as it is needed`,
  );
}
