/**
 * `npm run simulate -- WORDS` walks one path and tells it as a story (`--shrink` makes one that ends in a violation short first);
 * every failing path is printed with the words that walk it again. Exit code 1 on a violation, 2 on a word that says nothing.
 */
import { shrink } from './shrink.ts';
import { story } from './story.ts';
import { help, parsePath, replayOf, WordError } from './words.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(words: readonly string[]): Promise<number> {
  if (words.length === 0 || words.includes('--help')) {
    say(help());
    return 0;
  }
  const path = parsePath(words.filter((word) => word !== '--shrink'));
  const short = words.includes('--shrink') ? await shrink(path, (each) => say(`shorter: ${replayOf(each)}`)) : path;
  const { violation } = await story(short, say);
  return violation === undefined ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof WordError)) throw error;
  process.stderr.write(`${error.message}\n`);
  return 2;
});
