/**
 * `npm run simulate -- WORDS` walks one path and tells it as a story; `--shrink` makes one that ends in a violation short first.
 * `npm run simulate -- --walk` walks everything in its whole form, over all cores: `--json FILE` keeps the numbers, `--only TEXT`
 * takes walks whose kind or title holds the text, `--seeds N` (`--from SEED`) walks so many new seeds over all kinds instead.
 * `npm run simulate -- --hours H` walks new seeds until the time is up and keeps what fails in `simulation-failures.txt` (`--json`
 * names another file). `npm run simulate -- FROM TO` walks the random paths of these seeds, `teams FROM TO` those of two teams.
 *
 * Exit code 1 on a violation, 2 on a word that says nothing. Every failing path is printed with the words that walk it again.
 */
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { tooWide } from './excuses.ts';
import { pathOf } from './path.ts';
import { randomPath } from './random.ts';
import { missingRules } from './rules.ts';
import { shrink } from './shrink.ts';
import { story } from './story.ts';
import { kindOfSeed } from './teams.ts';
import { walkPath } from './walk.ts';
import type { Row } from './walker.ts';
import { COMMITTED_SEEDS } from './walks/everything.ts';
import { rowText, serve, summed, type WholeOptions, walkAll, writeJson } from './whole.ts';
import { help, kindNamed, parsePath, replayOf, WordError } from './words.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

// Who pipes a story into `head` has read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const flag = { type: 'boolean' } as const;
const text = { type: 'string' } as const;
const options = {
  ...{ walk: flag, shrink: flag, help: flag },
  ...{ worker: text, json: text, only: text, seeds: text, from: text, hours: text },
};

async function main(): Promise<number> {
  const { values, positionals: words } = read();
  if (values.worker !== undefined) {
    serve(JSON.parse(values.worker) as WholeOptions);
    return 0;
  }
  if (values.walk) {
    const seeds = whole('--seeds', values.seeds);
    return await walkWhole(
      { seeds, from: whole('--from', values.from), only: values.only },
      values.json,
    );
  }
  if (values.hours !== undefined)
    return await walkFor(values.hours, values.json ?? 'simulation-failures.txt');
  if (values.help || words.length === 0) {
    say(
      `${help()}\n\nBeside words: --shrink, --walk [--json FILE] [--only TEXT] [--seeds N [--from SEED]], --hours H, FROM TO`,
    );
    return 0;
  }
  const numbers = words.filter((word) => /^\d+$/.test(word)).map(Number);
  if (numbers.length > 0) return await walkRange(words, numbers);
  return await tellOne(words, values.shrink === true);
}

function read() {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new WordError(`${error instanceof Error ? error.message : error}\n\n${help()}`);
  }
}

function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined || /^[1-9]\d{0,8}$/.test(text))
    return text === undefined ? undefined : Number(text);
  throw new WordError(`\`${name} ${text}\`: expected a whole number.`);
}

async function tellOne(words: readonly string[], isShort: boolean): Promise<number> {
  const path = parsePath(words);
  const short = isShort ? await shrink(path, (each) => say(`shorter: ${replayOf(each)}`)) : path;
  const { violation } = await story(short, say);
  return violation === undefined ? 0 : 1;
}

/** `FROM TO`, or one seed, beside a kind and the word `teams`. */
async function walkRange(
  words: readonly string[],
  [from = 1, to = from, ...rest]: readonly number[],
): Promise<number> {
  const others = words.filter((word) => !/^\d+$/.test(word));
  const kind = others.map(kindNamed).find((each) => each !== undefined);
  const isTeams = others.includes('teams');
  const wrong = others.find((word) => word !== 'teams' && word !== kind);
  if (wrong !== undefined || rest.length > 0 || to < from)
    throw new WordError(
      `\`${wrong ?? words.join(' ')}\`: a range of seeds is FROM TO, with a kind or \`teams\` beside it.`,
    );
  let failures = 0;
  for (let seed = from; seed <= to; seed += 1) {
    const named = kind ?? kindNamed(kindOfSeed(seed).type);
    const path = isTeams
      ? pathOf({ ...(named ? { kind: named } : {}), scenario: 'teams', seed })
      : randomPath(seed, kind ? { kind } : {});
    const { violation } = await walkPath(path);
    if (violation === undefined) continue;
    failures += 1;
    say(`${replayOf(path)}: ${violation}`);
  }
  say(`Seeds ${from} to ${to}: ${failures} violations.`);
  return failures > 0 ? 1 : 0;
}

async function walkWhole(options: WholeOptions, json: string | undefined): Promise<number> {
  const begunOn = performance.now();
  const rows = await walkAll(options, (row) =>
    say([rowText(row), ...row.failures.slice(0, 5)].join('\n')),
  );
  const seconds = (performance.now() - begunOn) / 1000;
  if (json !== undefined) writeJson(json, rows);
  const rules = summed(rows.map((row) => row.rules));
  const missing =
    options.seeds === undefined && options.only === undefined ? missingRules(rules) : [];
  const wide = tooWideIn(rows);
  for (const line of [...missing, ...wide]) say(line);
  return sum(rows, seconds) > 0 || missing.length > 0 || wide.length > 0 ? 1 : 0;
}

/** Excuses that touched too many of the paths of one kind, in words. */
function tooWideIn(rows: readonly Row[]): string[] {
  return [...Map.groupBy(rows, ({ kind }) => kind)].flatMap(([kind, group]) => {
    const by = new Map(Object.entries(summed(group.map(({ excuses }) => excuses))));
    return tooWide(kind, { paths: group.reduce((all, { paths }) => all + paths, 0), by });
  });
}

function sum(rows: readonly Row[], seconds: number): number {
  const paths = rows.reduce((all, row) => all + row.paths, 0);
  const failures = rows.flatMap((row) => row.failures);
  say(
    `${paths.toLocaleString('en')} paths in ${seconds.toFixed(0)} s, ${failures.length} violations.`,
  );
  return failures.length;
}

/** New seeds, by the time of day, until the time is up. */
async function walkFor(text: string, file: string): Promise<number> {
  const hours = Number(text);
  if (!(hours > 0 && hours <= 1_000))
    throw new WordError(`\`--hours ${text}\`: expected hours, as 1 or 0.25.`);
  const end = Date.now() + hours * 3_600_000;
  let from = COMMITTED_SEEDS + (Date.now() % 900_000_000);
  const [chunk, all] = [500, [] as Row[]];
  for (; Date.now() < end; from += chunk) {
    for (const row of await walkAll({ seeds: chunk, from }, () => {})) {
      all.push(row);
      for (const failure of row.failures) {
        say(failure);
        appendFileSync(file, `${failure}\n`);
      }
    }
  }
  const failures = sum(all, hours * 3600);
  if (failures > 0) say(`Kept in ${file}.`);
  return failures > 0 ? 1 : 0;
}

const end = await main().catch((error: unknown) => {
  if (!(error instanceof WordError)) throw error;
  process.stderr.write(`${error.message}\n`);
  return 2;
});
if (end !== 0) process.exitCode = end;
