/** Who is worked on beside whom: a few at a time, and whoever waits for long gives up the seat and goes on standing. */

/** So many may stand: each waits for one answer and keeps its rows in memory. */
const STANDING_MAX = 20;

export interface Course {
  /** Resolves when nobody waits for a seat or sits on one; some may still stand. */
  readonly seated: Promise<void>;
  /** Resolves when all are done, with what was thrown. Never rejects: one that fails takes nobody else down. */
  readonly ended: Promise<readonly unknown[]>;
}

/** Works on all of `names` in their order, `seats` at a time. `work` calls `leave` when it has been waiting for long. */
export function inSeats(
  names: readonly string[],
  seats: number,
  work: (name: string, leave: () => void) => Promise<void>,
): Course {
  const waiting = [...names];
  const all: Promise<void>[] = [];
  const failures: unknown[] = [];
  const seated = Promise.withResolvers<void>();
  let sitting = 0;
  let standing = 0;

  const fill = () => {
    while (sitting < seats && waiting.length > 0) all.push(run(waiting.shift() as string));
    if (sitting === 0) seated.resolve();
  };
  const run = async (name: string) => {
    let sits = true;
    sitting += 1;
    const leave = () => {
      if (!sits || standing >= STANDING_MAX) return;
      sits = false;
      sitting -= 1;
      standing += 1;
      fill();
    };
    try {
      await work(name, leave);
    } catch (error) {
      failures.push(error);
    }
    if (sits) sitting -= 1;
    else standing -= 1;
    fill();
  };
  fill();
  const ended = async () => {
    for (const each of all) await each; // whoever gets a seat joins the list before its predecessor has left it
    return failures;
  };
  return { seated: seated.promise, ended: ended() };
}
