import type { Fate } from './director.ts';
import { type Touched, tooWide } from './excuses.ts';
import { Sim } from './sim.ts';

/** One line per experiment: how many paths were walked, and how many broke an invariant. */
export interface Tally {
  paths: number;
  readonly failures: string[];
  /** By kind of rotator, of the paths that gave their world: which excuses held off a violation. */
  readonly excused: Map<string, Touched>;
}

export const tally = (): Tally => ({ paths: 0, failures: [], excused: new Map() });

/** Prints the count where a reader of the test run sees it. */
export function report(title: string, { paths, failures, excused }: Tally): void {
  const counts = [...excused.values()].flatMap(({ by }) =>
    [...by].map(([id, count]) => `"${id}" on ${count}`),
  );
  const excuses = counts.length > 0 ? `, excused ${counts.join(', ')}` : '';
  const many = paths.toLocaleString('en');
  process.stdout.write(
    `simulation: ${title}: ${many} paths, ${failures.length} violations${excuses}\n`,
  );
}

/** The excuses that were used too often, in words: over all paths of one kind that were counted together. */
export const widths = ({ excused }: Pick<Tally, 'excused'>): string[] =>
  [...excused].flatMap(([kind, touched]) => tooWide(kind, touched));

/** Counts a path by its kind, and by the excuses that held off a violation in it. */
export function countExcused({ excused }: Pick<Tally, 'excused'>, { kind, invariants }: Sim): void {
  const touched = excused.get(kind.type) ?? { paths: 0, by: new Map<string, number>() };
  excused.set(kind.type, touched);
  touched.paths += 1;
  for (const id of invariants.excuses.touched) touched.by.set(id, 1 + (touched.by.get(id) ?? 0));
}

/** Walks one path; a violation is kept with what replays it. A story that gives its world has its excuses counted. */
export async function walk(
  into: Tally,
  replay: string,
  story: () => Promise<unknown>,
): Promise<void> {
  into.paths++;
  try {
    const end = await story();
    if (end instanceof Sim) countExcused(into, end);
  } catch (error) {
    into.failures.push(`${replay}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The command that walks a path of faults again: `fate@write`, with the word `two` for two secrets on one target. */
export const replay = (points: readonly (readonly [number, Fate])[], two = false): string =>
  [
    'npm run simulate --',
    ...points.map(([write, fate]) => `${fate}@${write}`),
    ...(two ? ['two'] : []),
  ].join(' ');
