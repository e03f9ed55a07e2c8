/**
 * `npm run mutants -- [--list | --check] [--short] [--jobs N] [ID...]` breaks the product on purpose, one fault at a time, each in a
 * way that costs a user something, and runs the tests that should notice. It works in copies of the checkout and never in the checkout.
 * With `--stryker [PART[/FILE]...]` those that Stryker makes of a few parts, with a score for each.
 * Ends with 1 when a mutant survives, stands nowhere or in several places, does not compile, or when the tests fail without it.
 */
import { parseArgs } from 'node:util';
import { Checkout, type Verdict } from './mutants/checkout.ts';
import { type Mutant, mutants } from './mutants/list.ts';
import { type Place, placeOf, sources, testFiles, tests } from './mutants/places.ts';
import { typeFaults } from './mutants/types.ts';

const USAGE =
  'Usage: npm run mutants -- [--list | --check] [--short] [--jobs N] [ID...], or --stryker [--sample N] [PART[/FILE]...]';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      list: { type: 'boolean' },
      check: { type: 'boolean' },
      short: { type: 'boolean' },
      stryker: { type: 'boolean' },
      jobs: { type: 'string', default: '2' },
      sample: { type: 'string', default: '1' },
    },
    allowPositionals: true,
  });
  const jobs = Number(values.jobs);
  const sample = Number(values.sample);
  for (const count of [jobs, sample])
    if (!Number.isInteger(count) || count < 1) throw new Error(USAGE);
  if (values.stryker) return await stryker(positionals, { jobs, sample });
  const chosen = choose(positionals, values.short === true);
  const all = await sources();
  const files = await testFiles();
  const placed = chosen.map((mutant) => ({
    mutant,
    place: placeOf(mutant, all),
    tests: tests(mutant, files),
  }));
  if (values.list) {
    for (const { mutant, place } of placed)
      console.log(`${mutant.id}  ${place.file}:${place.line}  ${mutant.loses}`);
    return 0;
  }
  const faults = await typeFaults(placed);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) return 1;
  return values.check ? 0 : await run(placed, jobs);
}

/** The least score of a part, in percent. */
const SCORE_MIN = 90;

async function stryker(
  names: readonly string[],
  options: { jobs: number; sample: number },
): Promise<number> {
  const { parts } = await import('./mutants/stryker/parts.ts');
  const { score, survivorLine } = await import('./mutants/stryker/run.ts');
  const wanted = names.length === 0 ? parts.map(({ name }) => name) : names;
  const chosen = wanted.map((each) => {
    const [name, only] = each.split('/');
    const part = parts.find((known) => known.name === name);
    if (!part) throw new Error(`Parts are ${parts.map((known) => known.name).join(', ')}.`);
    return { part, only };
  });
  const [all, files] = [await sources(), await testFiles()];
  let isGood = true;
  for (const { part, only } of chosen) {
    const {
      mutants: made,
      died,
      timedOut,
      equal,
      seconds,
      wrong,
    } = await score(part, all, files, {
      ...{ ...options, only, tell: (line) => console.error(line) },
      survived: (survivor) => console.log(`  ${survivorLine(survivor)}`),
    });
    const percent = Math.floor((1000 * died) / made) / 10;
    isGood &&= percent >= SCORE_MIN && wrong.length === 0;
    for (const words of wrong) console.log(`  ${words}`);
    const more = `${timedOut} of them by the limit of time; ${equal} that no user could see are not counted`;
    console.log(`${part.name}: ${percent} %, ${died} of ${made} died, ${more}  (${seconds} s)`);
  }
  return isGood ? 0 : 1;
}

function choose(ids: readonly string[], short: boolean): readonly Mutant[] {
  const unknown = ids.filter((id) => !mutants.some((mutant) => mutant.id === id));
  if (unknown.length > 0) throw new Error(`There is no mutant ${unknown.join(', ')}: see --list.`);
  return mutants.filter(
    (mutant) => (ids.length === 0 || ids.includes(mutant.id)) && (!short || mutant.short),
  );
}

interface Placed {
  readonly mutant: Mutant;
  readonly place: Place;
  readonly tests: readonly string[];
}

async function run(placed: readonly Placed[], jobs: number): Promise<number> {
  const copies = await Promise.all(
    Array.from({ length: Math.min(jobs, placed.length) }, () => Checkout.make()),
  );
  try {
    const [first] = copies;
    if (!first) return 0;
    const files = [...new Set(placed.flatMap(({ tests }) => tests))];
    const healthy = await first.test(files, jobs);
    if (healthy.kind !== 'passed') {
      console.error(`The tests fail without a mutant: ${inWords(healthy)}`);
      return 1;
    }
    console.log(`${files.length} test files pass without a mutant (${healthy.seconds} s)`);
    const queue = [...placed];
    let died = 0;
    const work = async (copy: Checkout): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const verdict = await copy.with(next.place, next.tests);
        if (verdict.kind === 'failed' || verdict.kind === 'timed out') died += 1;
        console.log(
          `${wordOf(verdict)}  ${next.mutant.id}  ${inWords(verdict, next.mutant)}  (${verdict.seconds} s)`,
        );
      }
    };
    await Promise.all(copies.map(work));
    console.log(`${died} of ${placed.length} died`);
    return died === placed.length ? 0 : 1;
  } finally {
    await Promise.all(copies.map((copy) => copy.remove()));
  }
}

const WORDS = {
  passed: 'SURVIVED',
  failed: 'killed',
  'timed out': 'killed by time-out',
  broken: 'BROKEN',
} as const;
const wordOf = ({ kind }: Verdict): string => WORDS[kind];

function inWords(verdict: Verdict, mutant?: Mutant): string {
  if (verdict.kind === 'passed') return mutant?.loses ?? '';
  if (verdict.kind === 'broken') return verdict.why;
  return `by ${verdict.test} (${verdict.file})`;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = 1;
  console.error(error instanceof Error ? error.message : error);
}
