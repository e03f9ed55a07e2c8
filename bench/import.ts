/**
 * How long the deployed bundle takes to load, next to the same app unbundled and to every SDK loaded at once. Each import
 * in a fresh process, the kinds in turn, so that a busy machine slows all of them alike.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { build } from '../scripts/build.ts';
import { BENCH_FOLDER } from './child.ts';
import { median, type Row, rowsOf } from './table.ts';

const RUNS = 9;
const BUNDLE = 'bundle';
const APP = 'same app, unbundled ESM';
const EAGER = 'every SDK and the app, eager ESM';
const root = join(import.meta.dirname, '..');
const folder = join(BENCH_FOLDER, 'import');
const row = rowsOf('import');
const run = promisify(execFile);

/** Median milliseconds and resident memory of each kind, and what the others cost in bundles. */
export async function measureImport(): Promise<Row[]> {
  const programs = await prepare();
  const seen = new Map([...programs.keys()].map((name) => [name, [] as Loaded[]]));
  for (let round = 0; round <= RUNS; round++) {
    for (const [name, file] of programs) {
      const loaded = await load(file);
      if (round > 0) seen.get(name)?.push(loaded); // the first one warms the disk
    }
  }
  return rows(seen);
}

interface Loaded {
  readonly ms: number;
  readonly cpuMs: number;
  readonly rssMB: number;
}

function rows(seen: ReadonlyMap<string, readonly Loaded[]>): Row[] {
  const middle = (name: string, of: keyof Loaded) => median((seen.get(name) ?? []).map((each) => each[of]));
  const ratio = (other: string, of: keyof Loaded) => middle(BUNDLE, of) / middle(other, of);
  const note = `median of ${RUNS}`;
  return [
    ...[...seen.keys()].map((name) => row(name, middle(name, 'ms'), 'ms', { note })),
    row('bundle / same app', ratio(APP, 'ms'), 'x'),
    row('bundle / every SDK', ratio(EAGER, 'ms'), 'x', { target: { atMost: 1 / 6 } }),
    ...[...seen.keys()].map((name) => row(`${name}: CPU`, middle(name, 'cpuMs'), 'ms', { note })),
    row('bundle / every SDK: CPU', ratio(EAGER, 'cpuMs'), 'x', { note: 'suffers less from a busy machine' }),
    ...[...seen.keys()].map((name) => row(`${name}: memory`, middle(name, 'rssMB'), 'MB RSS')),
  ];
}

/** Three programs that each import one thing; by name. */
async function prepare(): Promise<Map<string, string>> {
  await mkdir(folder, { recursive: true });
  await build({ out: join(folder, 'dist') });
  await unbundle(join(root, 'src'), join(folder, 'app'));
  const own = pathToFileURL(join(folder, 'app/functions/index.js')).href;
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const sdks = Object.keys(dependencies);
  return new Map([
    [BUNDLE, await program('bundle.cjs', `require(${JSON.stringify(join(folder, 'dist/keyturn.cjs'))})`)],
    [APP, await program('app.mjs', `await import('${own}')`)],
    [EAGER, await program('eager.mjs', [...sdks, own].map((name) => `await import('${name}')`).join(';'))],
  ]);
}

/** A program that prints what the import took. The library warns that there is no host, on stderr; nobody reads it. */
async function program(name: string, load: string): Promise<string> {
  const file = join(folder, name);
  const lines = [
    'const cpu = process.cpuUsage(), start = performance.now();',
    `${load};`,
    'const ms = performance.now() - start, { user, system } = process.cpuUsage(cpu);',
    'console.log(JSON.stringify({ ms, cpuMs: (user + system) / 1000, rssMB: process.memoryUsage.rss() / 2 ** 20 }));',
    'process.exit(0);',
  ];
  await writeFile(file, lines.join('\n'));
  return file;
}

async function load(file: string): Promise<Loaded> {
  const { stdout } = await run(process.execPath, [file], { cwd: folder });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Loaded;
}

/** The sources as JavaScript, file by file: stripping types at run time would be counted as loading. */
async function unbundle(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const target = join(to, entry.parentPath.slice(from.length));
    const { code } = await transform(await readFile(join(entry.parentPath, entry.name), 'utf8'), { loader: 'ts' });
    await mkdir(target, { recursive: true });
    await writeFile(
      join(target, entry.name.replace(/\.ts$/, '.js')),
      code.replace(/((['"])\.{1,2}\/[^'"]+)\.ts\2/g, '$1.js$2'),
    );
  }
}
