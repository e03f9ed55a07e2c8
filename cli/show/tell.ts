/** What is told beside the results, on stderr: progress, and why something did not go well. */
import { EXITS, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { coloured, hasColours } from './colour.ts';
import { printable, printableLine } from './text.ts';

/** A line for whoever waits. */
export const progress = (io: Io, text: string): void => io.err.write(`${printableLine(text)}\n`);

/** Reason, remedy, who and link of a failure; answers the exit code. What is not ours keeps its name alone. */
export function tellFailure(error: unknown, io: Io): number {
  const failure = error instanceof Failure ? error : unexpected(error);
  const { reason, remedy, by, until, link, here } = failure.told;
  const strong = (text: string) => (hasColours(io, io.err) ? coloured(text, 'red') : text);
  io.err.write(`${strong('error:')} ${printable(failure.message)}\n`);
  const rows = Object.entries({ reason, remedy, here, who: by, until, link });
  for (const [name, text] of rows)
    if (text) io.err.write(`  ${name.padEnd(6)}  ${printable(text)}\n`);
  return EXITS[failure.exit].code;
}

const unexpected = (error: unknown): Failure =>
  new Failure('failed', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
