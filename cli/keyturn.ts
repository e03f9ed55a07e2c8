#!/usr/bin/env node
/** `keyturn`: the process around a run. */
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import { setTimeout as after } from 'node:timers/promises';
import type { Io, Out } from './io.ts';
import { run } from './run.ts';
import { version } from './version.ts';

const stopped = new AbortController();
// A second Ctrl-C ends the process at once.
process.on('SIGINT', () => (stopped.signal.aborted ? process.exit(130) : stopped.abort()));
// Whoever reads has had enough, as `head`: nothing is left to say.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(0));

const outOf = (stream: NodeJS.WriteStream): Out => ({
  write: (text) => void stream.write(text),
  isTty: stream.isTTY === true,
  get columns() {
    return stream.columns;
  },
});

const io: Io = {
  out: outOf(process.stdout),
  err: outOf(process.stderr),
  env: process.env,
  cwd: process.cwd(),
  fetch,
  now: () => new Date(),
  sleep: (milliseconds) =>
    after(milliseconds, undefined, { signal: stopped.signal }).catch(() => undefined),
  stopped: stopped.signal,
  async ask(question) {
    if (!process.stdin.isTTY) return undefined;
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await lines.question(question, { signal: stopped.signal });
    } finally {
      lines.close();
    }
  },
  printed: (command, ...words) =>
    new Promise((resolve) => {
      execFile(command, words, { timeout: 30_000 }, (error, stdout) =>
        resolve(error ? undefined : stdout),
      );
    }),
  browse: (url) =>
    new Promise((resolve) => {
      const command =
        { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
      const child = spawn(command, [url], { stdio: 'ignore', detached: true });
      child
        .once('error', () => resolve(false))
        .once('spawn', () => resolve(true))
        .unref();
    }),
};

process.exitCode = await run(process.argv.slice(2), io, version);
