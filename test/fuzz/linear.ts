/**
 * Whether work grows with the length of a text, or with its square (finding ATK-08); in time of the processor, which a busy
 * machine does not lengthen (case COR-11).
 */

const SHORT = 5_000;
const LONG = 20_000;
/** Four times the text may take six times as long; with the square of the length it would be sixteen. */
const RATIO_MAX = 6;
/** What takes less at 20 kB is not judged: it blocks nobody, and the clock's noise would judge it. */
const FLOOR_MILLISECONDS = 8;
const ROUNDS = 7;
/** What is judged by its ratio is measured longer: garbage of other suites is collected at times that nobody chose. */
const ROUNDS_OF_RATIO = 40;
/** Whoever takes less than this on the way to 20 kB is linear, and is asked no more: the square of 5,000 takes longer. */
const LADDER: readonly (readonly [length: number, milliseconds: number])[] = [
  [24, 2],
  [200, 2],
  [SHORT, 2],
];
/** Worse than the square: more than that for 200 characters, and 20,000 would never end. */
const STUCK_MILLISECONDS = 30;

/** How much longer 20 kB take than 5 kB, if that is too much; undefined where it is linear or too quick to judge. */
export function tooSteep<T>(
  run: (input: T) => unknown,
  make: (length: number) => T,
): string | undefined {
  for (const [length, milliseconds] of LADDER) {
    const input = make(length);
    // What else runs in this process makes a run longer, never shorter: the quickest of some is the work itself.
    const isQuick = once(run, input) < milliseconds || quickest(run, input) < milliseconds;
    if (isQuick && length === SHORT) return undefined;
    if (!isQuick && length < SHORT && quickest(run, input) > STUCK_MILLISECONDS)
      return `stuck at ${length} characters`;
  }
  const long = quickest(run, make(LONG));
  if (long < FLOOR_MILLISECONDS) return undefined;
  const ratio =
    quickest(run, make(LONG), ROUNDS_OF_RATIO) / quickest(run, make(SHORT), ROUNDS_OF_RATIO);
  return ratio > RATIO_MAX
    ? `20 kB take ${ratio.toFixed(1)} times as long as 5 kB (${long.toFixed(0)} ms)`
    : undefined;
}

function quickest<T>(run: (input: T) => unknown, input: T, rounds = ROUNDS): number {
  return Math.min(...Array.from({ length: rounds }, () => once(run, input)));
}

function once<T>(run: (input: T) => unknown, input: T): number {
  const from = process.cpuUsage();
  run(input);
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000;
}

/** Texts that go wrong late: a sample with one of its pieces over and over, and an end that does not fit. */
export function* pumped(samples: readonly string[]): Generator<(length: number) => string> {
  const seen = new Set<string>();
  for (const sample of samples) {
    for (let at = 0; at < Math.min(sample.length, 24); at += 1) {
      for (const width of [1, 2]) {
        const [before, piece] = [sample.slice(0, at), sample.slice(at, at + width)];
        for (const end of ['\u0001', sample.slice(at + width)]) {
          const key = JSON.stringify([before, piece, end]);
          if (seen.has(key)) continue;
          seen.add(key);
          yield (length) =>
            before + piece.repeat(Math.ceil((length - before.length) / piece.length)) + end;
        }
      }
    }
  }
}
