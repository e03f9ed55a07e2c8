/**
 * Stryker's mutants without its runner, which starts a process for each where tests are modules of a VM: its instrumenter puts all
 * mutants of a part into one copy of the code, switched by a number, and a few processes run those tests of the part that come by a
 * mutant (`worker.ts`). First without a mutant, to learn which tests come by which, and how long they take.
 */
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type Ignorer, Instrumenter, type Mutant } from '@stryker-mutator/instrumenter';
import { build, type Plugin } from 'esbuild';
import { root, type Source, tests as testsNamed } from '../places.ts';
import { equals } from './equals.ts';
import type { Part } from './parts.ts';
import { type Healthy, Worker } from './workers.ts';

/** A mutant that keeps its tests so many times longer than they take, and so much beyond that, is a loop without an end. */
const TIMES_LONGER = 10;
const MORE_MILLISECONDS = 10_000;
const LONG_MILLISECONDS = 10_000;
const TIMES_SLOWER = 10;
/** So is one that is come by so many times more often than the code itself. */
const TIMES_MORE = 100;
const MORE_HITS = 10_000;
/** After so many it is told how far the run is. */
const TOLD = 200;
/** What no user could see must stay the exception. */
const EQUAL_SHARE_MAX = 0.05;

/** A mutant in words. */
export interface Told {
  readonly id: string;
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
  /** What is wrong with the list of those that no user could see. */
  readonly wrong: readonly string[];
}

type End = 'unseen' | 'survived' | 'died' | 'timed out';
const lives = (end: End): boolean => end === 'unseen' || end === 'survived';

export interface ScoreOptions {
  /** So many processes at once. */
  readonly jobs: number;
  /** Of the part's files the one of this name, without its folder and ending. */
  readonly only?: string | undefined;
  /** One mutant in so many, for an estimate within minutes. */
  readonly sample: number;
  /** Each that lives, as soon as it is known. */
  survived(survivor: Survivor): void;
  /** How far the run is, from time to time. */
  tell(line: string): void;
}

/** All mutants of a part against its tests. Throws where a test fails without a mutant. */
export async function score(
  part: Part,
  sources: readonly Source[],
  testFiles: readonly string[],
  options: ScoreOptions,
): Promise<Score> {
  const { only, sample, tell, survived } = options;
  const started = performance.now();
  const files = filesOf(part, sources);
  const { mutants, instrumented } = await instrument(files);
  const script = await bundled(
    instrumented,
    testsNamed({ id: part.name, tests: part.tests }, testFiles),
  );
  const told = mutants
    .filter(({ fileName }) => only === undefined || basename(fileName, '.ts') === only)
    .filter((_, at) => at % sample === 0)
    .map((mutant) => toldOf(mutant, files));
  const { equal, wrong } = equalsAmong(part, told, only !== undefined || sample > 1);
  const counts = { died: 0, 'timed out': 0, survived: 0, unseen: 0 };
  let judged = 0;
  await endsOf(told, script, options.jobs, (each, end) => {
    if (equal.has(each)) {
      if (!lives(end)) wrong.push(`listed as equal, and it dies: ${inWords(each)}`);
    } else {
      counts[end] += 1;
      if (lives(end)) survived({ ...each, unseen: end === 'unseen' });
    }
    judged += 1;
    if (judged % TOLD === 0) tell(`${part.name}: ${judged} of ${told.length}`);
  });
  return {
    ...{
      mutants: told.length - equal.size,
      died: counts.died + counts['timed out'],
      timedOut: counts['timed out'],
    },
    ...{ equal: equal.size, seconds: Math.round((performance.now() - started) / 1000), wrong },
  };
}

/** How each mutant ends, as soon as it is known. */
async function endsOf(
  mutants: readonly Told[],
  script: string,
  jobs: number,
  ended: (mutant: Told, end: End) => void,
): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'keyturn-stryker-'));
  const bundle = join(home, 'bundle.cjs');
  const workers = Array.from({ length: jobs }, () => new Worker(bundle));
  const cleanUp = (): void => {
    for (const worker of workers) worker.stop();
    rmSync(home, { recursive: true, force: true });
  };
  const interrupted = (): void => {
    cleanUp();
    process.exit(1);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    await writeFile(bundle, script);
    const healthy = await (workers[0] ?? new Worker(bundle)).healthy();
    const queue = [...mutants];
    const work = async (worker: Worker): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift())
        ended(next, await endOf(next.id, healthy, worker));
    };
    await Promise.all(workers.map(work));
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    cleanUp();
  }
}

async function endOf(
  mutant: string,
  { coverage, milliseconds }: Healthy,
  worker: Worker,
): Promise<End> {
  const counts = [coverage.static, ...Object.values(coverage.perTest)].map(
    (each) => each[mutant] ?? 0,
  );
  const hits = counts.reduce((sum, count) => sum + count, 0);
  if (hits === 0) return 'unseen';
  const took = (name: string) => milliseconds[name] ?? 0;
  const sum = (names: readonly string[]) => names.reduce((so, name) => so + took(name), 0);
  // The quick ones first: most mutants die by the first test that comes by.
  const order = Object.keys(milliseconds).sort((one, other) => took(one) - took(other));
  const isStatic = (coverage.static[mutant] ?? 0) > 0;
  const only = order.filter((name) => coverage.perTest[name]?.[mutant]);
  const tests = isStatic ? { order, except: slowOf(order, took) } : { order, only };
  const limit = TIMES_LONGER * sum(isStatic ? order : only) + MORE_MILLISECONDS;
  const job = { mutant, ...tests, hitLimit: TIMES_MORE * hits + MORE_HITS };
  let ended = await worker.run(job, limit);
  // It may have been the garbage of those before: it counts where it fills the memory of a new process, too.
  if (ended.kind === 'crashed') ended = await worker.run(job, limit);
  if (ended.kind !== 'done') return ended.kind === 'crashed' ? 'died' : ended.kind;
  return ended.done.failure ? 'died' : 'survived';
}

/**
 * What stands outside of functions runs once, while modules load, and may be seen by any test: by all but those that take ten times
 * as long as the others, where all take long. So one may count as alive that another test would have seen, never the other way round.
 */
function slowOf(names: readonly string[], took: (name: string) => number): readonly string[] {
  const all = names.reduce((sum, name) => sum + took(name), 0);
  return all < LONG_MILLISECONDS
    ? []
    : names.filter((name) => took(name) > (TIMES_SLOWER * all) / names.length);
}

function toldOf(
  { id, fileName, location, mutatorName, replacement }: Mutant,
  files: readonly Source[],
): Told {
  const text = files.find(({ file }) => file === fileName)?.text ?? '';
  const { line } = location.start;
  const code = text.split('\n')[line]?.trim() ?? '';
  const was = textAt(text, location);
  return {
    id,
    file: fileName,
    line: line + 1,
    code,
    mutator: mutatorName,
    was,
    is: replacement.replace(/\s+/g, ' '),
  };
}

function equalsAmong({ name }: Part, told: readonly Told[], isPiece: boolean) {
  const equal = new Set<Told>();
  const wrong: string[] = [];
  for (const { part, code, was, is } of equals) {
    if (part !== name) continue;
    const same = told.filter(
      (each) => each.code.includes(code) && each.was === was && each.is === is,
    );
    for (const each of same) equal.add(each);
    if (same.length === 0 && !isPiece)
      wrong.push(`listed as equal, and there is none: ${code}: ${was} → ${is}`);
  }
  if (equal.size > EQUAL_SHARE_MAX * told.length && !isPiece)
    wrong.push(`${equal.size} are listed as equal: too many`);
  return { equal, wrong };
}

function filesOf({ name, has, folder }: Part, sources: readonly Source[]): readonly Source[] {
  const found = has.map((code) => {
    const [one, ...others] = sources.filter(({ text }) => text.includes(code));
    if (!one || others.length > 0)
      throw new Error(`The part ${name} is known by "${code}", which has to stand once.`);
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
    return isPeoples || (HOLDERS.test(parent.type) && isSentence(node))
      ? 'a text for people'
      : undefined;
  },
};

/** Words with blanks between them. */
function isSentence(node: object): boolean {
  const { value, quasis } = node as {
    value?: string;
    quasis?: readonly { value: { raw: string } }[];
  };
  const text = value ?? quasis?.map((each) => each.value.raw).join('x') ?? '';
  return /[a-z]+ [a-z]+/i.test(text);
}

async function instrument(files: readonly Source[]) {
  const nothing = () => undefined;
  const silent = {
    isDebugEnabled: () => false,
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: nothing,
  };
  const given = files.map(({ file, text }) => ({ name: file, content: text, mutate: true }));
  const options = { plugins: null, excludedMutations: [], ignorers: [withoutTexts] };
  const { files: made, mutants } = await new Instrumenter(silent).instrument(given, options);
  const known = mutants.filter(({ status }) => status !== 'Ignored');
  return {
    mutants: known,
    instrumented: new Map(made.map(({ name, content }) => [join(root, name), content])),
  };
}

/** Code and tests as one script. Packages and the local Azure stay outside: they are loaded once. */
async function bundled(
  instrumented: ReadonlyMap<string, string>,
  testFiles: readonly string[],
): Promise<string> {
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
        return contents === undefined
          ? undefined
          : { contents, loader: 'ts', resolveDir: dirname(path) };
      });
    },
  };
  const imports = testFiles.map((file) => `import ${JSON.stringify(join(root, file))};`).join('\n');
  const entry = `${imports}\nexport { collected, top } from ${JSON.stringify(shim)};`;
  const made = await build({
    ...{
      absWorkingDir: root,
      bundle: true,
      write: false,
      platform: 'node',
      format: 'cjs',
      target: 'node24',
    },
    ...{ packages: 'external', plugins: [plugin], logLevel: 'error' },
    stdin: { contents: entry, resolveDir: root, sourcefile: 'mutants.ts', loader: 'ts' },
    define: { 'import.meta.url': 'bundleUrl', 'import.meta.dirname': 'bundleFolder' },
  });
  return made.outputFiles[0]?.text ?? '';
}

type Location = {
  readonly start: { line: number; column: number };
  readonly end: { line: number; column: number };
};

function textAt(text: string, { start, end }: Location): string {
  const lines = text.split('\n');
  const offset = ({ line, column }: Location['start']) =>
    lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0) + column;
  return text.slice(offset(start), offset(end)).replace(/\s+/g, ' ');
}

/** One line for a survivor. */
export const survivorLine = (survivor: Survivor): string =>
  `${inWords(survivor)}${survivor.unseen ? '  (no test comes by)' : ''}`;
const inWords = ({ file, line, mutator, was, is }: Told): string =>
  `${file}:${line}  ${mutator}  ${cut(was)}  →  ${cut(is)}`;
const cut = (text: string): string =>
  (text.length > 90 ? `${text.slice(0, 89)}…` : text).replace(/\s+/g, ' ');
