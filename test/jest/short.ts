/**
 * What `npm test` leaves to `npm run test:rest`: rows of enumerations, and the many tests of one promise.
 *
 * Tests that one line of code makes (`it.each`, `describe.each`, a contract that many kinds share) are an enumeration. The
 * short form runs as many of them as `jest.config.js` says for the folder, spread evenly over the rows. Where
 * a story costs seconds, it also runs as many tests of each id (ATK-03, VAL-01, ...) as `jest.config.js` says. Every id in a
 * title keeps a test in its file: no promise goes untested.
 */

/** How many tests the short form runs of one line, and of those of a file whose titles have the same ids. */
export interface Limits {
  readonly line: number;
  readonly ids?: number;
  /** Of the whole file, besides one for each id: for suites of slow processes, whose promises quick suites hold too. */
  readonly all?: number;
}

/** A test of a file: where it is made, and its title with those of the blocks around it. */
export interface Made {
  readonly site: string;
  readonly title: string;
}

const ID = /\b[A-Z]{2,4}-\d{1,2}\b/g;
export const idsIn = (title: string): string[] => title.match(ID) ?? [];

/** The tests that the short form runs: what the limits leave, and more where an id would be lost. */
export function kept<T extends Made>(
  tests: readonly T[],
  { line, ids: same = Number.POSITIVE_INFINITY, all: most = Number.POSITIVE_INFINITY }: Limits,
): Set<T> {
  const lines = Map.groupBy(tests, ({ site }) => site);
  const some = new Set([...lines.values()].flatMap((rows) => spread(rows, line)));
  const promises = Map.groupBy(
    tests.filter((test) => some.has(test)),
    ({ title }) => idsIn(title).join(' '),
  );
  // A title without an id is a promise of its own.
  const each = [...promises].flatMap(([ids, all]) => (ids === '' ? all : spread(all, same)));
  const picked = new Set(spread(each, most));
  const seen = new Set([...picked].flatMap(({ title }) => idsIn(title)));
  for (const test of tests) {
    const ids = idsIn(test.title);
    if (ids.every((id) => seen.has(id))) continue;
    picked.add(test);
    for (const id of ids) seen.add(id);
  }
  return picked;
}

function spread<T>(rows: readonly T[], limit: number): T[] {
  if (rows.length <= limit) return [...rows];
  return rows.filter(
    (_, index) =>
      Math.floor((index * limit) / rows.length) !== Math.floor(((index - 1) * limit) / rows.length),
  );
}

/** `npm test`, what it leaves out (`npm run test:rest`), or everything, as every run does that names files or tests. */
export type Form = 'short' | 'rest' | 'whole';

export function formOf({
  nonFlagArgs,
  testNamePattern,
}: {
  nonFlagArgs?: string[];
  testNamePattern?: unknown;
}): Form {
  if ((nonFlagArgs ?? []).length > 0 || testNamePattern) return 'whole';
  return process.env.TESTS === 'rest' || process.env.TESTS === 'whole'
    ? process.env.TESTS
    : 'short';
}

/** What the short form does not run; of a file that it runs whole one test, since jest wants one. */
export function rest<T extends Made>(tests: readonly T[], limits: Limits | undefined): Set<T> {
  const short = limits === undefined ? new Set(tests) : kept(tests, limits);
  const left = tests.filter((test) => !short.has(test));
  return new Set(left.length > 0 ? left : tests.slice(0, 1));
}
