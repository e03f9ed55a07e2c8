/** A copy of the checkout in which faults are made: the files as they stand here, node_modules by link. */
import { execFile, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type Place, root } from './places.ts';

const run = promisify(execFile);

/** A hang is a death, but a busy machine is none. */
const TEST_MILLISECONDS = 240_000;
const RUN_MILLISECONDS = 900_000;

export type Verdict = { readonly seconds: number } & (
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed' | 'timed out'; readonly test: string; readonly file: string }
  | { readonly kind: 'broken'; readonly why: string }
);

const copies = new Set<Checkout>();
/** Whoever interrupts the run finds nothing left of it: neither a copy nor a test that still runs. */
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    for (const copy of copies) copy.drop();
    process.exit(1);
  });

export class Checkout {
  readonly folder: string;
  #running: number | undefined;

  private constructor(folder: string) {
    this.folder = folder;
    copies.add(this);
  }

  static async make(): Promise<Checkout> {
    const folder = await mkdtemp(join(tmpdir(), 'keyturn-mutant-'));
    const listed = await run(
      'git',
      ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
      {
        cwd: root,
        maxBuffer: 2 ** 24,
      },
    );
    // One that is deleted and not committed is listed, too.
    for (const file of listed.stdout.split('\0').filter((each) => each !== ''))
      await cp(join(root, file), join(folder, file)).catch(ignoreAbsent);
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    return new Checkout(folder);
  }

  async remove(): Promise<void> {
    copies.delete(this);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** At once, with what runs in it. */
  drop(): void {
    this.#end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #end(): void {
    if (this.#running !== undefined) process.kill(-this.#running, 'SIGKILL');
  }

  /** Puts the fault in, runs the tests, takes it out again. */
  async with(place: Place, files: readonly string[]): Promise<Verdict> {
    const at = join(this.folder, place.file);
    const before = await readFile(at, 'utf8');
    await writeFile(at, place.mutated);
    try {
      const why = await this.#unloadable(place.file);
      if (why !== undefined) return { kind: 'broken', why, seconds: 0 };
      let seconds = 0;
      // One by one, since jest leaves no report where it is told to end with the first failure.
      for (const file of files) {
        const verdict = await this.test([file]);
        seconds += verdict.seconds;
        if (verdict.kind !== 'passed') return { ...verdict, seconds };
      }
      return { kind: 'passed', seconds };
    } finally {
      await writeFile(at, before);
    }
  }

  /** Why the module with the fault can't even be loaded: then any test would fail, and none has noticed anything. */
  async #unloadable(file: string): Promise<string | undefined> {
    const words = file.endsWith('.ts')
      ? [
          process.execPath,
          '--input-type=module',
          '--eval',
          `await import(${JSON.stringify(`./${file}`)})`,
        ]
      : ['bash', '-n', file];
    const [command = '', ...args] = words;
    try {
      await run(command, args, { cwd: this.folder });
      return undefined;
    } catch (error) {
      return `It does not load: ${String((error as { stderr?: unknown }).stderr).slice(0, 500)}`;
    }
  }

  /** Runs test files, all of them. */
  async test(files: readonly string[], workers = 1): Promise<Verdict> {
    const started = performance.now();
    const report = join(this.folder, 'mutant.json');
    await rm(report, { force: true });
    const child = spawn(
      process.execPath,
      [
        ...[
          '--experimental-vm-modules',
          '--no-warnings',
          join(this.folder, 'node_modules/jest/bin/jest.js'),
        ],
        // What a test that fails leaves open would keep the run from its end.
        ...[
          '--forceExit',
          '--silent',
          '--json',
          `--outputFile=${report}`,
          `--testTimeout=${TEST_MILLISECONDS}`,
        ],
        ...[`--maxWorkers=${workers}`, '--runTestsByPath', ...files],
      ],
      { cwd: this.folder, detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#running = child.pid;
    let said = '';
    child.stderr.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-10_000);
    });
    let slow = false;
    const timer = setTimeout(() => {
      slow = true;
      this.#end();
    }, RUN_MILLISECONDS);
    await new Promise((resolve) => child.on('close', resolve));
    this.#running = undefined;
    clearTimeout(timer);
    const seconds = Math.round((performance.now() - started) / 1000);
    if (slow)
      return { kind: 'timed out', test: 'the limit of a run', file: files.join(', '), seconds };
    const results = await readFile(report, 'utf8').catch(() => undefined);
    if (results === undefined)
      return { kind: 'broken', why: `jest wrote no report: ${said.slice(-500)}`, seconds };
    return { ...verdictOf(JSON.parse(results) as Report, this.folder), seconds };
  }
}

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

interface Report {
  readonly success: boolean;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

type Told =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed' | 'timed out'; readonly test: string; readonly file: string }
  | { readonly kind: 'broken'; readonly why: string };

/** The first test that failed. A file that fails as a whole has noticed nothing, unless its own set-up did. */
function verdictOf({ success, testResults }: Report, folder: string): Told {
  if (success) return { kind: 'passed' };
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (!failed) continue;
    const slow = failed.failureMessages.some((message) => message.includes('Exceeded timeout of'));
    return {
      kind: slow ? 'timed out' : 'failed',
      test: `"${failed.fullName}"`,
      file: relative(folder, name),
    };
  }
  const words = testResults.map(({ message }) => message).join('\n');
  return { kind: 'broken', why: `No test failed, but a file as a whole: ${words.slice(0, 500)}` };
}
