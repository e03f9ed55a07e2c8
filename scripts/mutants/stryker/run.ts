/**
 * Stryker's mutants without its runner, which starts a process for each where tests are modules of a VM: its instrumenter puts all
 * mutants of a part into one copy of the code, switched by a number, and this runs the tests of the part in this very process, loaded
 * anew for each mutant, so that nothing is remembered from one to the next. First without a mutant, to learn which tests come by which.
 */
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { type Ignorer, Instrumenter } from '@stryker-mutator/instrumenter';
import { build, type Plugin } from 'esbuild';
import { root, type Source, tests as testsNamed } from '../places.ts';
import type { Part } from './parts.ts';
import type { Suite, Test } from './shim.ts';

/** Longer than any of these tests takes on a busy machine. */
const TEST_MILLISECONDS = 60_000;
/** A mutant that comes by so many times more often than the code itself is a loop without an end. */
const HITS_MAX = 1_000_000;

/** What is measured in time says nothing where each line counts how often it was come by. */
const OF_TIME = /in time that grows|in proportion to/;

/** Stryker's own switch, in the global object. */
interface Switch {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> } | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
}

export interface Survivor {
  readonly file: string;
  readonly line: number;
  readonly mutator: string;
  readonly was: string;
  readonly is: string;
  /** No test comes by it at all. */
  readonly unseen: boolean;
}
export interface Score {
  readonly part: string;
  readonly mutants: number;
  readonly died: number;
  readonly seconds: number;
  readonly survivors: readonly Survivor[];
}

/** All mutants of a part against its tests. Throws where a test fails without a mutant. */
export async function score(part: Part, sources: readonly Source[], testFiles: readonly string[]): Promise<Score> {
  const started = performance.now();
  const files = filesOf(part, sources);
  const { mutants, instrumented } = await instrument(files);
  const script = await bundled(instrumented, testsNamed({ id: part.name, tests: part.tests }, testFiles));
  const global = globalThis as { __stryker__?: Switch };
  global.__stryker__ = { mutantCoverage: { static: {}, perTest: {} } };
  const healthy = await runAll(load(script), global.__stryker__);
  if (healthy !== undefined) throw new Error(`Without a mutant, "${healthy.name}" fails: ${healthy.why}`);
  const coverage = global.__stryker__.mutantCoverage ?? { static: {}, perTest: {} };
  const survivors: Survivor[] = [];
  for (const { id, fileName, location, mutatorName, replacement } of mutants) {
    const hits = [coverage.static, ...Object.values(coverage.perTest)].reduce((sum, each) => sum + (each[id] ?? 0), 0);
    const isStatic = (coverage.static[id] ?? 0) > 0;
    const seen = new Set(Object.entries(coverage.perTest).flatMap(([test, each]) => (each[id] ? [test] : [])));
    global.__stryker__ = { activeMutant: id, hitCount: 0, hitLimit: hits + HITS_MAX };
    const end = hits === 0 ? undefined : await ended(script, global.__stryker__, isStatic ? undefined : seen);
    if (end !== undefined) continue;
    const text = files.find(({ file }) => file === fileName)?.text ?? '';
    const was = textAt(text, location);
    const line = location.start.line + 1;
    survivors.push({ file: fileName, line, mutator: mutatorName, was, is: replacement, unseen: hits === 0 });
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  return { part: part.name, mutants: mutants.length, died: mutants.length - survivors.length, seconds, survivors };
}

function filesOf({ name, has, folder }: Part, sources: readonly Source[]): readonly Source[] {
  const found = has.map((code) => {
    const [one, ...others] = sources.filter(({ text }) => text.includes(code));
    if (!one || others.length > 0) throw new Error(`The part ${name} is known by "${code}", which has to stand once.`);
    return one;
  });
  const home = dirname(found[0]?.file ?? '');
  return folder ? sources.filter(({ file }) => dirname(file) === home) : found;
}

const PEOPLES = ['detail', 'error', 'where', 'what'];
/** What may hold a text that is put together and shown. */
const HOLDERS =
  /^(VariableDeclarator|CallExpression|NewExpression|ConditionalExpression|ReturnStatement|LogicalExpression|ArrowFunctionExpression)$/;

/** Texts for people are other tests' (golden texts, reasons): here counts what is decided. */
const withoutTexts: Ignorer = {
  shouldIgnore({ node, parent }) {
    const isText = node.type === 'StringLiteral' || node.type === 'TemplateLiteral';
    if (!isText || !parent) return undefined;
    const isPeoples = parent.type === 'ObjectProperty' && PEOPLES.includes(parent.key?.name ?? '');
    return isPeoples || (HOLDERS.test(parent.type) && isSentence(node)) ? 'a text for people' : undefined;
  },
};

/** Words with blanks between them. */
function isSentence(node: object): boolean {
  const { value, quasis } = node as { value?: string; quasis?: readonly { value: { raw: string } }[] };
  const text = value ?? quasis?.map((each) => each.value.raw).join('x') ?? '';
  return /[a-z]+ [a-z]+/i.test(text);
}

async function instrument(files: readonly Source[]) {
  const nothing = () => undefined;
  const silent = { isDebugEnabled: () => false, debug: nothing, info: nothing, warn: nothing, error: nothing };
  const given = files.map(({ file, text }) => ({ name: file, content: text, mutate: true }));
  const options = { plugins: null, excludedMutations: [], ignorers: [withoutTexts] };
  const { files: made, mutants } = await new Instrumenter(silent).instrument(given, options);
  const known = mutants.filter(({ status }) => status !== 'Ignored');
  return { mutants: known, instrumented: new Map(made.map(({ name, content }) => [join(root, name), content])) };
}

/** Code and tests as one script. Packages and the local Azure stay outside: they are loaded once. */
async function bundled(instrumented: ReadonlyMap<string, string>, testFiles: readonly string[]): Promise<Script> {
  const shim = join(root, 'scripts/mutants/stryker/shim.ts');
  const plugin: Plugin = {
    name: 'mutants',
    setup(setup) {
      setup.onResolve({ filter: /^@jest\/globals$/ }, () => ({ path: shim }));
      setup.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
        const file = join(resolveDir, path);
        return file.startsWith(join(root, 'local')) ? { path: file, external: true } : undefined;
      });
      setup.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = instrumented.get(path);
        return contents === undefined ? undefined : { contents, loader: 'ts', resolveDir: dirname(path) };
      });
    },
  };
  const imports = testFiles.map((file) => `import ${JSON.stringify(join(root, file))};`).join('\n');
  const entry = `${imports}\nexport { collected, top } from ${JSON.stringify(shim)};`;
  const made = await build({
    ...{ absWorkingDir: root, bundle: true, write: false, platform: 'node', format: 'cjs', target: 'node24' },
    ...{ packages: 'external', plugins: [plugin], logLevel: 'error' },
    stdin: { contents: entry, resolveDir: root, sourcefile: 'mutants.ts', loader: 'ts' },
    define: { 'import.meta.url': 'bundleUrl', 'import.meta.dirname': 'bundleFolder' },
  });
  const code = made.outputFiles[0]?.text ?? '';
  return new Script(`(function (module, exports, require, bundleUrl, bundleFolder) {${code}\n})`);
}

interface Loaded {
  readonly collected: readonly Test[];
  readonly top: Suite;
}

const require = createRequire(import.meta.url);
const folder = join(root, 'test/form');

function load(script: Script): Loaded {
  const module = { exports: {} as Loaded };
  const wrapped = script.runInThisContext() as (...args: unknown[]) => void;
  wrapped(module, module.exports, require, pathToFileURL(join(folder, 'bundle.ts')).href, folder);
  return module.exports;
}

interface Failure {
  readonly name: string;
  readonly why: string;
}

/** How a mutant dies; undefined where it survives. */
async function ended(
  script: Script,
  stryker: Switch,
  only: ReadonlySet<string> | undefined,
): Promise<Failure | undefined> {
  try {
    return await runAll(load(script), stryker, only);
  } catch (error) {
    return { name: 'loading', why: String(error) };
  }
}

/** The first test that fails. Tests have one name each within a part; `it.each` with rows that print alike runs as one. */
async function runAll(
  { collected, top }: Loaded,
  stryker: Switch,
  only?: ReadonlySet<string>,
): Promise<Failure | undefined> {
  const chosen = collected.filter(({ name }) => !OF_TIME.test(name) && (only === undefined || only.has(name)));
  const begun = new Set<Suite>();
  const suites = (suite: Suite): readonly Suite[] => (suite.parent ? [...suites(suite.parent), suite] : [suite]);
  let failure: Failure | undefined;
  for (const { name, suite, body } of chosen) {
    stryker.currentTestId = name;
    const around = suites(suite);
    failure = await failing(name, async () => {
      for (const each of around) {
        if (begun.has(each)) continue;
        begun.add(each);
        for (const before of each.before) await before();
      }
      for (const each of around) for (const before of each.beforeEach) await before();
      await body();
    });
    failure ??= await failing(name, async () => {
      for (const each of [...around].reverse()) for (const after of each.afterEach) await after();
    });
    if (failure) break;
  }
  stryker.currentTestId = undefined;
  stryker.activeMutant = undefined;
  for (const suite of [...begun].reverse()) for (const after of suite.after) await after();
  void top;
  return failure;
}

async function failing(name: string, run: () => Promise<void>): Promise<Failure | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('It took too long.')), TEST_MILLISECONDS);
  });
  try {
    await Promise.race([run(), late]);
    return undefined;
  } catch (error) {
    return { name, why: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

type Location = { readonly start: { line: number; column: number }; readonly end: { line: number; column: number } };

function textAt(text: string, { start, end }: Location): string {
  const lines = text.split('\n');
  const offset = ({ line, column }: Location['start']) =>
    lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0) + column;
  return text.slice(offset(start), offset(end)).replace(/\s+/g, ' ');
}

/** One line for a survivor. */
export const survivorLine = ({ file, line, mutator, was, is, unseen }: Survivor): string =>
  `${basename(file)}:${line}  ${mutator}${unseen ? ' (no test comes by)' : ''}  ${cut(was)}  →  ${cut(is)}`;
const cut = (text: string): string => (text.length > 90 ? `${text.slice(0, 89)}…` : text).replace(/\s+/g, ' ');
