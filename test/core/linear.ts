/** How the time of something grows with its input; in time of the processor, which a busy machine does not lengthen (case COR-11). */

const ROUNDS = 5;
/** Below this the clock of the processor says nothing. */
const LEAST_MS = 2;
/** Four times the text; whatever is quadratic takes sixteen times as long. */
const [SMALL, LARGE, MOST] = [5_000, 20_000, 6];

/** Milliseconds of the processor, the least of some rounds: what else runs in this process makes it more, never less. */
function cost(run: () => void): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const from = process.cpuUsage().user;
    run();
    return process.cpuUsage().user - from;
  });
  return Math.min(...rounds) / 1000;
}

/** The times for a small text and for one four times as long, and whether the second is at most six times the first. */
export function growth(run: (length: number) => void): { small: number; large: number; isLinear: boolean } {
  run(SMALL); // compiled before it counts
  const [small, large] = [cost(() => run(SMALL)), cost(() => run(LARGE))];
  return { small, large, isLinear: large <= MOST * Math.max(small, LEAST_MS) };
}
