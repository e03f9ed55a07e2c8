/** A program of its own for what is measured, so that its CPU time and memory are not the stand-in's. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { build } from 'esbuild';

/** What this run builds: inside the repository, so that packages are found, ignored by git; removed by `main.ts`. */
export const BENCH_FOLDER = join(import.meta.dirname, '../.keyturn/bench', String(process.pid));

/** As the deployed app is bundled (scripts/build.ts): stripping types at run time would count as the product's memory. */
export async function bundled(program: string): Promise<string> {
  const outfile = join(BENCH_FOLDER, program.replace(/\.ts$/, '.cjs'));
  await build({
    ...{ entryPoints: [join(import.meta.dirname, program)], outfile, external: [...FOREIGN], logLevel: 'warning' },
    ...{ bundle: true, platform: 'node', target: 'node22', format: 'cjs' },
    define: { 'import.meta': 'benchMeta' },
    banner: { js: "const benchMeta = { url: require('node:url').pathToFileURL(__filename).href };" },
  });
  return outfile;
}
/** Provided by the host, or optional parts of dependencies that are absent. */
const FOREIGN = ['@azure/functions-core', '@azure/functions-opentelemetry-instrumentation'] as const;

export interface Child {
  readonly process: ChildProcess;
  /** The next message; rejects when the child ends without one. */
  next<T>(): Promise<T>;
}

/** Starts a bundled program with the settings of a tenant. Its output is dropped, its errors are shown. */
export function startChild(file: string, env: Record<string, string>, nodeFlags: string[] = []): Child {
  const child = fork(file, {
    env: { ...process.env, ...env },
    execArgv: nodeFlags,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting: unknown[] = [];
  child.on('message', (message) => waiting.push(message));
  return {
    process: child,
    async next<T>(): Promise<T> {
      if (waiting.length === 0 && child.exitCode === null)
        await Promise.race([once(child, 'message'), once(child, 'exit')]);
      if (waiting.length === 0) throw new Error(`${file} ended with ${child.exitCode} and said nothing.`);
      return waiting.shift() as T;
    },
  };
}
