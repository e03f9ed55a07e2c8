/** Makes a path that ends in a violation as short as it goes: what is left out one by one, and it still ends so. */
import { type Path, PLAIN } from './path.ts';
import { walkPath } from './walk.ts';

/** The invariant's number, or what else went wrong: a shorter path has to end in the same. */
const kindOf = (violation: string | undefined): string | undefined =>
  violation === undefined
    ? undefined
    : (/^Invariant \d+/.exec(violation)?.[0] ?? violation.slice(0, 40));

const without = <T>(list: readonly T[], at: number): readonly T[] =>
  list.filter((_, each) => each !== at);

/** Shorter by one thing each, those first that take away the most. */
function* shorter(path: Path): Generator<Path> {
  const { faults, acts, days, doubles, order, freeze, passes, clocks, hourly, seed } = path;
  for (const half of [
    faults.slice(Math.ceil(faults.length / 2)),
    faults.slice(0, Math.floor(faults.length / 2)),
  ])
    if (faults.length > 1) yield { ...path, faults: half };
  for (let at = 0; at < faults.length; at += 1) yield { ...path, faults: without(faults, at) };
  for (let at = 0; at < acts.length; at += 1) yield { ...path, acts: without(acts, at) };
  const { freeze: _, ...thawed } = path;
  if (freeze) yield thawed;
  const { order: __, ...unordered } = path;
  if (order) yield unordered;
  if (passes > 0) yield { ...unordered, passes: 0 };
  if (clocks !== PLAIN.clocks) yield { ...path, clocks: PLAIN.clocks };
  for (const fewer of [0, Math.floor(doubles / 2), doubles - 1])
    if (doubles > fewer && fewer >= 0) yield { ...path, doubles: fewer };
  if (hourly) yield { ...path, hourly: false };
  for (const fewer of [1, Math.floor(days / 2), days - 1])
    if (days > fewer && fewer > 0) yield { ...path, days: fewer };
  if (path.configuration !== 'run') yield { ...path, configuration: 'run' };
  if (seed !== PLAIN.seed && path.scenario !== 'teams') yield { ...path, seed: PLAIN.seed };
}

/** How a path is walked: with a bug that is planted, for one. */
type Walk = (path: Path) => Promise<{ readonly violation?: string | undefined }>;

/** The shortest path that was found; the same where nothing can be left out, or nothing is violated. */
export async function shrink(
  path: Path,
  tell: (path: Path) => void = () => {},
  walk: Walk = (each) => walkPath(each),
): Promise<Path> {
  const wanted = kindOf((await walk(path)).violation);
  if (wanted === undefined) return path;
  for (let shortest = path; ; ) {
    const found = await firstThat(shorter(shortest), wanted, walk);
    if (found === undefined) return shortest;
    shortest = found;
    tell(shortest);
  }
}

async function firstThat(
  paths: Iterable<Path>,
  wanted: string,
  walk: Walk,
): Promise<Path | undefined> {
  for (const each of paths) if (kindOf((await walk(each)).violation) === wanted) return each;
  return undefined;
}
