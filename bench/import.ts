/**
 * How long the deployed bundle takes to load, with and without what the first call loads, next to the same app unbundled
 * and to every SDK loaded at once. Each import in a fresh process, the kinds in turn, so that a busy machine slows all alike.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { build } from '../scripts/build.ts';
import { BENCH_FOLDER } from './child.ts';
import { median, type Row, rowsOf } from './table.ts';

const RUNS = 9;
const BUNDLE = 'bundle';
const FIRST_CALL = 'bundle and first call';
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
  const middle = (name: string, of: keyof Loaded) =>
    median((seen.get(name) ?? []).map((each) => each[of]));
  const ratio = (one: string, other: string, of: keyof Loaded) =>
    middle(one, of) / middle(other, of);
  const note = `median of ${RUNS}`;
  const target = { atMost: 1 / 6 };
  const steady = 'suffers less from a busy machine';
  return [
    ...[...seen.keys()].map((name) => row(name, middle(name, 'ms'), 'ms', { note })),
    row('bundle / every SDK', ratio(BUNDLE, EAGER, 'ms'), 'x', { target }),
    row('bundle and first call / every SDK', ratio(FIRST_CALL, EAGER, 'ms'), 'x', { target }),
    row('bundle and first call / same app', ratio(FIRST_CALL, APP, 'ms'), 'x'),
    ...[...seen.keys()].map((name) => row(`${name}: CPU`, middle(name, 'cpuMs'), 'ms', { note })),
    row('bundle / every SDK: CPU', ratio(BUNDLE, EAGER, 'cpuMs'), 'x', { note: steady }),
    row('bundle and first call / every SDK: CPU', ratio(FIRST_CALL, EAGER, 'cpuMs'), 'x', {
      note: steady,
    }),
    ...[...seen.keys()].map((name) => row(`${name}: memory`, middle(name, 'rssMB'), 'MB RSS')),
  ];
}

/** Programs that each import one thing; by name. The first call loads all that handlers use; SDKs of rotators stay unread. */
async function prepare(): Promise<Map<string, string>> {
  await mkdir(folder, { recursive: true });
  await build({ out: join(folder, 'dist') });
  await unbundle(join(root, 'src'), join(folder, 'app'));
  const bundle = `require('./dist/keyturn.cjs')`;
  const own = ['./app/functions/index.js', './app/functions/handlers.js'];
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const all = (names: readonly string[]) =>
    names.map((name) => `await import('${name}')`).join(';');
  return new Map([
    [BUNDLE, await program('bundle.cjs', bundle)],
    [
      FIRST_CALL,
      await program('firstCall.cjs', `${bundle}; await import('./dist/app/handlers.mjs')`),
    ],
    [APP, await program('app.mjs', all(own))],
    [EAGER, await program('eager.mjs', all([...Object.keys(dependencies), ...own]))],
  ]);
}

/** A program that prints what the import took. The library warns that there is no host, on stderr; nobody reads it. */
async function program(name: string, load: string): Promise<string> {
  const file = join(folder, name);
  const lines = [
    'const main = async () => {',
    'const cpu = process.cpuUsage(), start = performance.now();',
    `${load};`,
    'const ms = performance.now() - start, { user, system } = process.cpuUsage(cpu);',
    'console.log(JSON.stringify({ ms, cpuMs: (user + system) / 1000, rssMB: process.memoryUsage.rss() / 2 ** 20 }));',
    'process.exit(0); };',
    'void main();',
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
    const { code } = await transform(await readFile(join(entry.parentPath, entry.name), 'utf8'), {
      loader: 'ts',
    });
    await mkdir(target, { recursive: true });
    await writeFile(
      join(target, entry.name.replace(/\.ts$/, '.js')),
      code.replace(/((['"])\.{1,2}\/[^'"]+)\.ts\2/g, '$1.js$2'),
    );
  }
}
