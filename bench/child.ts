/** A program of its own for what is measured, so that its CPU time and memory are not the stand-in's. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { bundleLater } from '../scripts/build.ts';

/** What this run builds: inside the repository, so that packages are found, ignored by git; removed by `main.ts`. */
export const BENCH_FOLDER = join(import.meta.dirname, '../.keyturn/bench', String(process.pid));

/** As the deployed app is bundled: stripping types at run time would count as the product's memory. */
export async function bundled(program: string): Promise<string> {
  const name = program.replace(/\.ts$/, '');
  const folder = join(BENCH_FOLDER, name);
  await bundleLater({ [name]: join(import.meta.dirname, program) }, folder);
  return join(folder, `${name}.mjs`);
}

export interface Child {
  readonly process: ChildProcess;
  /** The next message; rejects when the child ends without one. */
  next<T>(): Promise<T>;
}

/** Starts a bundled program with the settings of a tenant. Its output is dropped, its errors are shown. */
export function startChild(
  file: string,
  env: Record<string, string>,
  nodeFlags: string[] = [],
): Child {
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
      if (waiting.length === 0)
        throw new Error(`${file} ended with ${child.exitCode} and said nothing.`);
      return waiting.shift() as T;
    },
  };
}
