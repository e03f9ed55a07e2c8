/**
 * Stryker's mutants without its runner, which starts a process for each where tests are modules of a VM: its instrumenter puts all
 * mutants of a part into one copy of the code, switched by a number, and a few processes run those tests of the part that come by a
 * mutant (`worker.ts`). First without a mutant, to learn which tests come by which, and how long they take.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Ignorer, Instrumenter, type Mutant } from '@stryker-mutator/instrumenter';
import { build, type Plugin } from 'esbuild';
import { root, type Source, tests as testsNamed } from '../places.ts';
import { equals } from './equals.ts';
import type { Part } from './parts.ts';
import { type Healthy, Worker } from './workers.ts';

/** A mutant that keeps its tests so many times longer than they take, and so much beyond that, is a loop without an end. */
const TIMES_LONGER = 10;
const MORE_MILLISECONDS = 10_000;
/** So is one that is come by so many times more often than the code itself. */
const TIMES_MORE = 100;
const MORE_HITS = 10_000;
/** What no user could see must stay the exception. */
const EQUAL_SHARE_MAX = 0.05;

/** A mutant in words. */
export interface Told {
  readonly file: string;
  readonly line: number;
  /** The line of code on which it begins. */
  readonly code: string;
  readonly mutator: string;
  readonly was: string;
  readonly is: string;
}
export interface Survivor extends Told {
  /** No test comes by it at all. */
  readonly unseen: boolean;
}
export interface Score {
  /** All but those that no user could see. */
  readonly mutants: number;
  readonly died: number;
  /** Of those that died: by the limit of time. */
  readonly timedOut: number;
  /** Listed as such, each with its reason. */
  readonly equal: number;
  readonly seconds: number;
  readonly survivors: readonly Survivor[];
}

type End = 'unseen' | 'survived' | 'died' | 'timed out';
const lives = (end: End): boolean => end === 'unseen' || end === 'survived';

/**
 * All mutants of a part against its tests, in so many processes at once.
 *
 * @throws where a test fails without a mutant, and where what is listed as equal stands nowhere, dies, or is too much
 */
export async function score(
  part: Part,
  sources: readonly Source[],
  testFiles: readonly string[],
  jobs: number,
): Promise<Score> {
  const started = performance.now();
  const files = filesOf(part, sources);
  const { mutants, instrumented } = await instrument(files);
  const script = await bundled(instrumented, testsNamed({ id: part.name, tests: part.tests }, testFiles));
  const ends = await endsOf(mutants, script, jobs);
  const told = mutants.map((mutant, at) => ({ ...toldOf(mutant, files), end: ends[at] ?? 'unseen' }));
  const equal = equalsAmong(part, told);
  const counted = told.filter((each) => !equal.has(each));
  return {
    ...{ mutants: counted.length, died: counted.filter(({ end }) => !lives(end)).length },
    ...{ timedOut: counted.filter(({ end }) => end === 'timed out').length, equal: equal.size },
    seconds: Math.round((performance.now() - started) / 1000),
    survivors: counted.filter(({ end }) => lives(end)).map((each) => ({ ...each, unseen: each.end === 'unseen' })),
  };
}

/** How each mutant ends, in their order. */
async function endsOf(mutants: readonly Mutant[], script: string, jobs: number): Promise<readonly End[]> {
  const home = await mkdtemp(join(tmpdir(), 'keyturn-stryker-'));
  const bundle = join(home, 'bundle.cjs');
  await writeFile(bundle, script);
  const workers = Array.from({ length: jobs }, () => new Worker(bundle));
  try {
    const healthy = await (workers[0] ?? new Worker(bundle)).healthy();
    const ends: End[] = [];
    const queue = [...mutants.entries()];
    const work = async (worker: Worker): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [at, { id }] = next;
        ends[at] = await endOf(id, healthy, worker);
      }
    };
    await Promise.all(workers.map(work));
    return ends;
  } finally {
    for (const worker of workers) worker.stop();
    await rm(home, { recursive: true, force: true });
  }
}

async function endOf(mutant: string, { coverage, milliseconds }: Healthy, worker: Worker): Promise<End> {
  const counts = [coverage.static, ...Object.values(coverage.perTest)].map((each) => each[mutant] ?? 0);
  const hits = counts.reduce((sum, count) => sum + count, 0);
  if (hits === 0) return 'unseen';
  const all = Object.keys(milliseconds);
  const isStatic = (coverage.static[mutant] ?? 0) > 0;
  const took = (name: string) => milliseconds[name] ?? 0;
  // The quick ones first: most mutants die by the first test that comes by.
  const only = all
    .filter((name) => isStatic || coverage.perTest[name]?.[mutant])
    .sort((one, other) => took(one) - took(other));
  const limit = TIMES_LONGER * only.reduce((sum, name) => sum + took(name), 0) + MORE_MILLISECONDS;
  const ended = await worker.run({ mutant, only, hitLimit: TIMES_MORE * hits + MORE_HITS }, limit);
  if (ended.kind !== 'done') return ended.kind === 'crashed' ? 'died' : ended.kind;
  return ended.done.failure ? 'died' : 'survived';
}

function toldOf({ fileName, location, mutatorName, replacement }: Mutant, files: readonly Source[]): Told {
  const text = files.find(({ file }) => file === fileName)?.text ?? '';
  const { line } = location.start;
  const code = text.split('\n')[line]?.trim() ?? '';
  const was = textAt(text, location);
  return { file: fileName, line: line + 1, code, mutator: mutatorName, was, is: replacement.replace(/\s+/g, ' ') };
}

function equalsAmong<T extends Told & { readonly end: End }>({ name }: Part, told: readonly T[]): ReadonlySet<T> {
  const found = new Set<T>();
  for (const { part, code, was, is } of equals) {
    if (part !== name) continue;
    const same = told.filter((each) => each.code.includes(code) && each.was === was && each.is === is);
    const [one, ...others] = same.filter((each) => !found.has(each));
    if (!one) throw new Error(`Listed as equal, and there is none: ${code}: ${was} → ${is}.`);
    for (const each of [one, ...others]) {
      if (!lives(each.end))
        throw new Error(`Listed as equal, and it dies: ${survivorLine({ ...each, unseen: false })}`);
      found.add(each);
    }
  }
  if (found.size > EQUAL_SHARE_MAX * told.length) throw new Error(`Of ${name}, ${found.size} are listed as equal.`);
  return found;
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
async function bundled(instrumented: ReadonlyMap<string, string>, testFiles: readonly string[]): Promise<string> {
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
  return made.outputFiles[0]?.text ?? '';
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
  `${file}:${line}  ${mutator}${unseen ? ' (no test comes by)' : ''}  ${cut(was)}  →  ${cut(is)}`;
const cut = (text: string): string => (text.length > 90 ? `${text.slice(0, 89)}…` : text).replace(/\s+/g, ' ');
