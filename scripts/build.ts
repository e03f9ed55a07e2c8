/**
 * `npm run build`: the deployable folder `dist/`: one CommonJS bundle that needs no node_modules. Rotators' SDKs stay behind
 * `import()`; esbuild keeps them as functions in the same file that run on first use (start times: azure-facts 1.1).
 */
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build as bundle } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const name = 'keyturn.cjs';

/** Provided by the worker, or optional parts of dependencies that are absent (azure-facts 1.4). */
const external = [
  ...['@azure/functions-core', '@azure/functions-opentelemetry-instrumentation'],
  ...['pg-hstore', 'cardinal', 'aws-crt', 'msnodesqlv8', 'pg-native'],
];

export interface BuildOptions {
  entry?: string;
  out?: string;
  hostJson?: string;
}

/** Builds the folder anew and answers the size of the bundle in bytes. */
export async function build(options: BuildOptions = {}): Promise<number> {
  const out = options.out ?? join(root, 'dist');
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await bundle({
    entryPoints: [options.entry ?? join(root, 'src/functions/index.ts')],
    outfile: join(out, name),
    ...{ bundle: true, platform: 'node', target: 'node22', format: 'cjs', external },
    // Names stay readable in stack traces; a minified zip is only smaller, not faster.
    ...{ sourcemap: 'external', legalComments: 'external', logLevel: 'warning' },
    define: { 'import.meta.url': 'keyturnBundleUrl' },
    banner: { js: "const keyturnBundleUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
  await copyFile(options.hostJson ?? join(root, 'host.json'), join(out, 'host.json'));
  await writeFile(join(out, 'package.json'), `${JSON.stringify(await packageJson(), undefined, 2)}\n`);
  return (await stat(join(out, name))).size;
}

/** What the worker reads: where the entry is. No `type`: the entry is CommonJS. No dependencies: they are in the bundle. */
async function packageJson(): Promise<object> {
  const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  return { name: own.name, version: own.version, main: name, engines: own.engines };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const bytes = await build();
  console.log(`dist/${name}: ${(bytes / 1024 / 1024).toFixed(2)} MB`);
}
