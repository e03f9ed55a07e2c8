/**
 * A process in which the tests of a part run, again and again, each time loaded anew so that nothing is remembered from one mutant to
 * the next. A mutant may loop without an end, or take all the memory: whoever started this process ends it then (`workers.ts`).
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { root } from '../places.ts';
import type { Suite, Test } from './shim.ts';

/** Stryker's own switch, in the global object. */
interface Switch {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: Coverage | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
}
/** How often each mutant is come by: while modules load, and by the name of a test. */
export interface Coverage {
  readonly static: Record<string, number>;
  readonly perTest: Record<string, Record<string, number>>;
}

export interface Job {
  /** The one that is switched on; without one the code is as it stands, and it is counted who comes by. */
  readonly mutant?: string;
  /** Names of tests, in the order in which they are to run. */
  readonly order?: readonly string[];
  /** Names of those that are to run alone. */
  readonly only?: readonly string[];
  /** Names of those that are left out. A mutant may change names of tests, too: what nobody knows runs. */
  readonly except?: readonly string[];
  /** A mutant that is come by more often is a loop without an end. */
  readonly hitLimit?: number;
}
export interface Done {
  readonly failure?: { readonly name: string; readonly why: string };
  readonly coverage?: Coverage;
  /** What was loaded again and again fills the memory: a new process is quicker from here on. */
  readonly isFull: boolean;
  /** By the name of a test. */
  readonly milliseconds: Readonly<Record<string, number>>;
}

const FULL_BYTES = 500 * 1024 * 1024;

/** A property of thousands of examples takes seconds, which is too long for thousands of mutants. */
const RUNS_MAX = 100;

/** What is measured in time says nothing where each line counts how often it was come by; what walks far says little more. */
const LEFT_OUT = /in time that grows|in proportion to|100,000 of them/;

interface Loaded {
  readonly collected: readonly Test[];
  readonly top: Suite;
}

const require = createRequire(import.meta.url);
const folder = join(root, 'test/form');
const [, , bundle = ''] = process.argv;
const script = new Script(
  `(function (module, exports, require, bundleUrl, bundleFolder) {${readFileSync(bundle, 'utf8')}\n})`,
);

const fastCheck = require('fast-check') as typeof import('fast-check');
// The same random values for each mutant; where a property fails, its first example is enough.
fastCheck.default.configureGlobal({ seed: 1, endOnFailure: true });
const assert = ((
  property: Parameters<typeof fastCheck.assert>[0],
  parameters: { numRuns?: number } = {},
) =>
  fastCheck.assert(property, {
    ...parameters,
    numRuns: Math.min(parameters.numRuns ?? RUNS_MAX, RUNS_MAX),
  })) as typeof fastCheck.assert;
const withFewRuns = {
  ...fastCheck,
  __esModule: true,
  assert,
  default: { ...fastCheck.default, assert },
};
const requireInBundle = (name: string): unknown =>
  name === 'fast-check' ? withFewRuns : require(name);

// What a test of a mutant before has left behind says nothing about this one.
process.on('unhandledRejection', () => undefined);
process.on('uncaughtException', () => undefined);
process.on('disconnect', () => process.exit());
process.on('message', async (job: Job) => process.send?.(await done(job)));
process.send?.('ready');

async function done({ mutant, hitLimit, ...chosenTests }: Job): Promise<Done> {
  const stryker: Switch =
    mutant === undefined
      ? { mutantCoverage: { static: {}, perTest: {} } }
      : { activeMutant: mutant, hitCount: 0, hitLimit };
  (globalThis as { __stryker__?: Switch }).__stryker__ = stryker;
  const milliseconds: Record<string, number> = {};
  const failure = await runAll(stryker, milliseconds, chosenTests);
  const coverage = stryker.mutantCoverage;
  const isFull = process.memoryUsage.rss() > FULL_BYTES;
  return {
    isFull,
    milliseconds,
    ...(failure ? { failure } : {}),
    ...(coverage ? { coverage } : {}),
  };
}

function load(): Loaded {
  const module = { exports: {} as Loaded };
  const wrapped = script.runInThisContext() as (...args: unknown[]) => void;
  wrapped(
    module,
    module.exports,
    requireInBundle,
    pathToFileURL(join(folder, 'bundle.ts')).href,
    folder,
  );
  return module.exports;
}

/** The first test that fails. Tests have one name each within a part; `it.each` with rows that print alike runs as one. */
async function runAll(
  stryker: Switch,
  milliseconds: Record<string, number>,
  tests: Pick<Job, 'order' | 'only' | 'except'>,
): Promise<Done['failure']> {
  let loaded: Loaded;
  try {
    loaded = load();
  } catch (error) {
    return { name: 'loading', why: wordsOf(error) };
  }
  const begun = new Set<Suite>();
  let failure: Done['failure'];
  for (const { name, suite, body } of chosen(loaded.collected, tests)) {
    stryker.currentTestId = name;
    const started = performance.now();
    failure = await failing(name, () => runOne(suite, body, begun));
    milliseconds[name] = (milliseconds[name] ?? 0) + performance.now() - started;
    if (failure) break;
  }
  stryker.currentTestId = undefined;
  stryker.activeMutant = undefined;
  for (const suite of [...begun].reverse()) for (const after of suite.after) await after();
  return failure;
}

function chosen(
  tests: readonly Test[],
  { order = [], only, except = [] }: Pick<Job, 'order' | 'only' | 'except'>,
): readonly Test[] {
  const places = new Map(order.map((name, at) => [name, at]));
  const [alone, left] = [only && new Set(only), new Set(except)];
  return tests
    .filter(
      ({ name }) =>
        !LEFT_OUT.test(name) && !left.has(name) && (alone === undefined || alone.has(name)),
    )
    .sort((one, other) => (places.get(one.name) ?? 0) - (places.get(other.name) ?? 0));
}

async function runOne(suite: Suite, body: Test['body'], begun: Set<Suite>): Promise<void> {
  const around = suitesOf(suite);
  for (const each of around) {
    if (begun.has(each)) continue;
    begun.add(each);
    for (const before of each.before) await before();
  }
  try {
    for (const each of around) for (const before of each.beforeEach) await before();
    await body();
  } finally {
    for (const each of [...around].reverse()) for (const after of each.afterEach) await after();
  }
}

const suitesOf = (suite: Suite): readonly Suite[] =>
  suite.parent ? [...suitesOf(suite.parent), suite] : [suite];

async function failing(name: string, run: () => Promise<void>): Promise<Done['failure']> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return { name, why: wordsOf(error) };
  }
}

const wordsOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
