/**
 * The environment of a suite: the worker's own global object instead of a VM context of its own.
 *
 * Packages are loaded once per worker (`runtime.ts`), so suites and packages have to share one realm: an error of an SDK is
 * an `instanceof Error`, and the movable clock (`local/clock.ts`) moves for Azurite, too. What a suite changes in that realm
 * is put back when it has ended, however it ended.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { EnvironmentContext, JestEnvironment, JestEnvironmentConfig } from '@jest/environment';
import { TestEnvironment } from 'jest-environment-node';
import { type Form, formOf, kept, type Limits, type Made, rest } from './short.ts';

/** What jest keeps under symbols of the global object while a suite runs; descriptions, as some are new for each suite. */
const OF_JEST = new Set([
  'JEST_STATE_SYMBOL',
  'EVENT_HANDLERS',
  'RETRY_TIMES',
  'RETRY_IMMEDIATELY',
  'WAIT_BEFORE_RETRY',
  'TEST_TIMEOUT_SYMBOL',
  'LOG_ERRORS_BEFORE_RETRY',
  '$$jest-matchers-object',
]);

const RealDate = globalThis.Date;
// Jest measures durations by the machine's clock, also where a suite moves its own.
Object.defineProperty(globalThis, Symbol.for('jest-native-now'), { value: Date.now.bind(Date) });

/** What jest-circus makes of a file: blocks and tests. */
interface Block {
  readonly type: 'describeBlock' | 'test';
  readonly name: string;
  readonly asyncError: Error;
  children: Block[];
  tests: Block[];
}

/** In `jest.config.js`: what the short form runs, by the beginning of a file's path; all of it where none is named. */
interface Options {
  readonly packages?: 'own';
  readonly short?: Record<string, Limits>;
}

export default class SharedEnvironment extends TestEnvironment {
  /** Whether the suite loads its packages for itself: `@jest-environment-options {"packages": "own"}` in its first comment. */
  readonly ownPackages: boolean;
  readonly #form: Form;
  /** Where the short form does not run everything. */
  readonly #limits: Limits | undefined;
  readonly #putBack: (() => void)[];

  constructor({ globalConfig, projectConfig }: JestEnvironmentConfig, context: EnvironmentContext) {
    super({ globalConfig, projectConfig }, context);
    const { packages, short = {} } = projectConfig.testEnvironmentOptions as Options;
    this.ownPackages = packages === 'own';
    this.#putBack = [keepGlobals(), keepProcess()];
    this.global = globalThis as unknown as JestEnvironment['global'];
    const path = relative(projectConfig.rootDir, context.testPath);
    const [, limits] = Object.entries(short).find(([start]) => path.startsWith(start)) ?? [];
    const form = formOf(globalConfig);
    // A suite that walks less far in the short form walks to the end in each other.
    this.#form = form === 'rest' && walksByItself(context.testPath) ? 'whole' : form;
    this.#limits = limits;
    if (form !== 'short') process.env.TESTS = form;
  }

  handleTestEvent(
    { name }: { name: string },
    { rootDescribeBlock }: { rootDescribeBlock: Block },
  ): void {
    if (name === 'run_start') {
      // Ten frames are enough to find a fault; jest's hundred cost a fifth of the time, as SDKs throw errors all the time.
      Error.stackTraceLimit = 10;
      if (this.#form !== 'whole') leaveOut(rootDescribeBlock, this.#form, this.#limits);
    }
    // Before jest itself looks at the clock again: the worker's results are dated by the machine's.
    if (name === 'teardown') globalThis.Date = RealDate;
  }

  override async teardown(): Promise<void> {
    await super.teardown();
    for (const putBack of this.#putBack) putBack();
  }
}

/** Takes out of a file's tests what the form does not run. */
function leaveOut(root: Block, form: 'short' | 'rest', limits: Limits | undefined): void {
  if (form === 'short' && limits === undefined) return;
  const all = testsIn(root, '');
  const stay = form === 'rest' || limits === undefined ? rest(all, limits) : kept(all, limits);
  prune(root, new Set([...stay].map(({ test }) => test)));
}

const walksByItself = (path: string): boolean =>
  readFileSync(path, 'utf8').includes("/jest/form.ts'");

function testsIn(block: Block, above: string): (Made & { test: Block })[] {
  return block.children.flatMap((child) => {
    const title = `${above} ${child.name}`;
    return child.type === 'test'
      ? [{ test: child, title, site: siteOf(child.asyncError) }]
      : testsIn(child, title);
  });
}

function prune(block: Block, stay: Set<Block>): void {
  block.children = block.children.filter(
    (child) => child.type === 'describeBlock' || stay.has(child),
  );
  block.tests = block.tests.filter((test) => stay.has(test));
  for (const child of block.children) if (child.type === 'describeBlock') prune(child, stay);
}

/** The line of the repository that made a test. */
const siteOf = ({ stack = '' }: Error): string =>
  stack.split('\n').find((line) => line.startsWith('    at ') && !line.includes('node_modules')) ??
  stack;

/** Puts back every global that was replaced and takes out what was added, but for symbols: packages keep state under some. */
function keepGlobals(): () => void {
  const before = descriptors();
  return () => {
    for (const [key, now] of descriptors()) {
      const then = before.get(key);
      const isJests = typeof key === 'symbol' && OF_JEST.has(key.description ?? '');
      if (then === undefined && (typeof key === 'string' || isJests))
        Reflect.deleteProperty(globalThis, key);
      else if (then !== undefined && !same(then, now)) Object.defineProperty(globalThis, key, then);
    }
  };
}

const descriptors = () =>
  new Map(
    Reflect.ownKeys(globalThis).map((key) => [
      key,
      Object.getOwnPropertyDescriptor(globalThis, key) ?? {},
    ]),
  );
const same = (one: PropertyDescriptor, other: PropertyDescriptor): boolean =>
  one.value === other.value && one.get === other.get;

/** Puts back variables, folder and `exit`, and takes out listeners for signals. */
function keepProcess(): () => void {
  const { env, exit } = process;
  const variables = { ...env };
  const folder = process.cwd();
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  const listeners = new Map(
    signals.map((signal) => [signal, process.listeners(signal as NodeJS.Signals)]),
  );
  return () => {
    process.env = env;
    for (const name of Object.keys(env)) if (!(name in variables)) delete env[name];
    Object.assign(env, variables);
    process.exit = exit;
    if (process.cwd() !== folder) process.chdir(folder);
    for (const [signal, kept] of listeners)
      for (const listener of process.listeners(signal as NodeJS.Signals))
        if (!kept.includes(listener)) process.removeListener(signal, listener);
  };
}
