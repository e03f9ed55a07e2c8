/**
 * What `npm test` leaves to `npm run test:whole`: rows of enumerations.
 *
 * Tests that one line of code makes (`it.each`, `describe.each`, a contract that many kinds share) are an enumeration. The
 * short form runs as many of them as `jest.config.js` says for the folder, spread evenly over the rows. Every line that
 * makes tests keeps some, and every id in a title (ATK-03, VAL-1, ...) keeps a test in its file: no promise goes untested.
 */

/** A test of a file: where it is made, and its title with those of the blocks around it. */
export interface Made {
  readonly site: string;
  readonly title: string;
}

const ID = /\b[A-Z]{2,4}-\d+\b/g;
export const idsIn = (title: string): string[] => title.match(ID) ?? [];

/** The tests that the short form runs, in their order: at most `limit` of each site, and more where an id asks for it. */
export function kept<T extends Made>(tests: readonly T[], limit: number): Set<T> {
  const sites = Map.groupBy(tests, ({ site }) => site);
  const picked = new Set([...sites.values()].flatMap((rows) => spread(rows, limit)));
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
    (_, index) => Math.floor((index * limit) / rows.length) !== Math.floor(((index - 1) * limit) / rows.length),
  );
}

/** Whether everything runs: `npm run test:whole`, and every run that names files or tests. */
export const isWhole = ({
  nonFlagArgs,
  testNamePattern,
}: {
  nonFlagArgs?: string[];
  testNamePattern?: unknown;
}): boolean => process.env.TESTS === 'whole' || (nonFlagArgs ?? []).length > 0 || Boolean(testNamePattern);
