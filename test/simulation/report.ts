import type { Fate } from './director.ts';

/** One line per experiment: how many paths were walked, and how many broke an invariant. */
export interface Tally {
  paths: number;
  readonly failures: string[];
}

export const tally = (): Tally => ({ paths: 0, failures: [] });

/** Prints the count where a reader of the test run sees it. */
export function report(title: string, { paths, failures }: Tally): void {
  process.stdout.write(`simulation: ${title}: ${paths.toLocaleString('en')} paths, ${failures.length} violations\n`);
}

/** Walks one path; a violation is kept with what replays it. */
export async function walk(into: Tally, replay: string, story: () => Promise<unknown>): Promise<void> {
  into.paths++;
  try {
    await story();
  } catch (error) {
    into.failures.push(`${replay}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The command that walks a path of faults again: `fate@write`, with the word `two` for two secrets on one target. */
export const replay = (points: readonly (readonly [number, Fate])[], two = false): string =>
  ['npm run simulate --', ...points.map(([write, fate]) => `${fate}@${write}`), ...(two ? ['two'] : [])].join(' ');
