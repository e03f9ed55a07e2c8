/** A path in words, as `npm run simulate -- <words>` takes and prints it: `storage two run crash-after@12 days:5`. */
import { configurations } from './configurations.ts';
import type { Fate } from './director.ts';
import { everyKind, type KindName, kindNames } from './everyKind.ts';
import { type Act, CLOCKS, type Clocks, type Fault, type Path, PLAIN } from './path.ts';
import { people } from './people.ts';
import { scenarios } from './scenarios.ts';

/** A word that says nothing. What is thrown for it is for the person who wrote it. */
export class WordError extends Error {}

const FATE_WORDS = {
  'crash-before': 'the worker dies before the call',
  'crash-after': 'the worker dies right after it',
  'crash-late': 'the worker dies while it is under way; it arrives two minutes later, or :MINUTES',
  drop: 'it is applied and its answer is lost',
  'drop-late': 'its answer is lost, and it arrives two minutes later, or :MINUTES',
  'drop-never': 'it is lost with its answer',
  unavailable: 'it is answered busy',
  refuse: 'it is refused',
} as const satisfies Record<Exclude<Fate, 'ok'>, string>;

export const slugOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
const titles = new Map(Object.keys(people).map((title) => [slugOf(title), title]));

/** The words of a path: kind, scenario and configuration, then what is not as usual. */
export function wordsOf(path: Path): string {
  const {
    kind,
    scenario,
    configuration,
    seed,
    clocks,
    passes,
    order,
    freeze,
    doubles,
    hourly,
    days,
    naive,
  } = path;
  return [
    ...[kind, scenario, configuration],
    ...(naive ? ['naive'] : []),
    ...(seed === PLAIN.seed ? [] : [`seed:${seed}`]),
    ...(clocks === PLAIN.clocks ? [] : [`clocks:${clocks}`]),
    ...(passes === 0 ? [] : [`passes:${passes}`]),
    ...(order === undefined
      ? []
      : [order === 'dice' ? 'order:dice' : `switch@${order.first},${order.second}`]),
    ...(freeze === undefined ? [] : [`freeze@${freeze.call}:${freeze.minutes}`]),
    ...(doubles === 0 ? [] : [`doubles:${doubles}`]),
    ...path.faults.map(faultWord),
    ...path.acts.map(actWord),
    ...(hourly ? ['hourly'] : []),
    ...(days === PLAIN.days ? [] : [`days:${days}`]),
  ].join(' ');
}

/** What replays a path, as every report of a failing one has it. */
export const replayOf = (path: Path): string => `npm run simulate -- ${wordsOf(path)}`;

export const faultWord = ({ fate, on, number, minutes }: Fault): string =>
  `${fate}@${on === 'call' ? 'call:' : ''}${number}${minutes === undefined ? '' : `:${minutes}`}`;
export const actWord = ({ person, call, secret }: Act): string =>
  `${slugOf(person)}@${call}${secret === undefined ? '' : `/${secret}`}`;

/** The kind by its word, or by the tag value of its rotator. */
export const kindNamed = (word: string): KindName | undefined =>
  kindNames.find((name) => name === word || everyKind[name].type === word);

type Changes = { -readonly [K in keyof Path]?: Path[K] };

/** The path that the words say; throws `WordError`, which names the wrong word and lists what there is. */
export function parsePath(words: readonly string[]): Path {
  const said = new Map<string, string>();
  let path = PLAIN;
  for (const word of words) {
    const { what, changes } = meant(word, path);
    const before = what === 'fault' || what === 'act' ? undefined : said.get(what);
    if (before !== undefined)
      throw new WordError(`\`${word}\` comes after \`${before}\`, and a path has one ${what}.`);
    said.set(what, word);
    path = { ...path, ...changes };
  }
  return checked(path);
}

function meant(word: string, path: Path): { readonly what: string; readonly changes: Changes } {
  for (const { what, read } of spellings) {
    const changes = read(word, path);
    if (changes !== undefined) return { what, changes };
  }
  throw new WordError(`\`${word}\` is no word of a path.\n\n${help()}`);
}

interface Spelling {
  readonly what: string;
  readonly shown: string;
  read(word: string, path: Path): Changes | undefined;
}

const has = <T extends object>(table: T, word: string): word is Extract<keyof T, string> =>
  Object.hasOwn(table, word);
const listed = (table: object): string => Object.keys(table).join(', ');

/** `name:12`, with the number between its bounds. */
function numbered(name: string, word: string, least: number, most: number): number | undefined {
  const [, text] = new RegExp(`^${name}:(.*)$`).exec(word) ?? [];
  return text === undefined ? undefined : number(text, word, least, most);
}

function number(text: string, word: string, least: number, most: number): number {
  const found = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (found >= least && found <= most) return found;
  throw new WordError(
    `\`${word}\`: expected a whole number from ${least} to ${most} instead of \`${text}\`.`,
  );
}

const MOST = 1_000_000;
const CALLS = 100_000;

const spellings: readonly Spelling[] = [
  {
    what: 'kind',
    shown: listed(everyKind),
    read: (word) => (has(everyKind, word) ? { kind: word } : undefined),
  },
  {
    what: 'scenario',
    shown: listed(scenarios),
    read: (word) => (has(scenarios, word) ? { scenario: word } : undefined),
  },
  {
    what: 'configuration',
    shown: listed(configurations),
    read: (word) => (has(configurations, word) ? { configuration: word } : undefined),
  },
  {
    what: 'protocol',
    shown: 'naive',
    read: (word) => (word === 'naive' ? { naive: true } : undefined),
  },
  {
    what: 'seed',
    shown: 'seed:N',
    read(word) {
      const seed = numbered('seed', word, 1, 999_999_999);
      return seed === undefined ? undefined : { seed };
    },
  },
  {
    what: 'clocks',
    shown: CLOCKS.map((each) => `clocks:${each}`).join(', '),
    read(word) {
      const [, text] = /^clocks:(.*)$/.exec(word) ?? [];
      if (text === undefined) return undefined;
      if (CLOCKS.some((each) => each === text)) return { clocks: text as Clocks };
      throw new WordError(
        `\`${word}\`: expected one of ${CLOCKS.join(', ')} instead of \`${text}\`.`,
      );
    },
  },
  {
    what: 'number of passes',
    shown: 'passes:2, passes:3 (side by side)',
    read(word) {
      const passes = numbered('passes', word, 2, 3);
      return passes === undefined ? undefined : { passes: passes as 2 | 3 };
    },
  },
  {
    what: 'order',
    shown:
      'order:dice, switch@A,B (of two passes: A calls of the first, then B of the second, then each to its end)',
    read(word) {
      if (word === 'order:dice') return { order: 'dice' };
      const [, first, second] = /^switch@([^,]*),(.*)$/.exec(word) ?? [];
      if (first === undefined || second === undefined) return undefined;
      return {
        order: { first: number(first, word, 0, CALLS), second: number(second, word, 0, CALLS) },
      };
    },
  },
  {
    what: 'freeze',
    shown: 'freeze@CALL:MINUTES (a worker stands still before that call, while others go on)',
    read(word) {
      const [, call, minutes] = /^freeze@([^:]*):(.*)$/.exec(word) ?? [];
      if (call === undefined || minutes === undefined) return undefined;
      return {
        freeze: { call: number(call, word, 1, CALLS), minutes: number(minutes, word, 1, MOST) },
      };
    },
  },
  {
    what: 'number of doubles',
    shown: 'doubles:N (messages that are doubled or stale)',
    read(word) {
      const doubles = numbered('doubles', word, 1, 100);
      return doubles === undefined ? undefined : { doubles };
    },
  },
  {
    what: 'pace',
    shown: 'hourly',
    read: (word) => (word === 'hourly' ? { hourly: true } : undefined),
  },
  {
    what: 'number of days',
    shown: 'days:N',
    read(word) {
      const days = numbered('days', word, 1, 400);
      return days === undefined ? undefined : { days };
    },
  },
  {
    what: 'fault',
    shown: 'FATE@WRITE, FATE@call:CALL, of what arrives late also with :MINUTES',
    read(word, { faults }) {
      const [, fate, on, text, minutes] = /^([a-z-]+)@(call:)?([^:]*)(?::(.*))?$/.exec(word) ?? [];
      if (fate === undefined || text === undefined || !has(FATE_WORDS, fate)) return undefined;
      if (minutes !== undefined && !fate.endsWith('-late'))
        throw new WordError(
          `\`${word}\`: only what arrives late has minutes (crash-late, drop-late).`,
        );
      const late = minutes === undefined ? {} : { minutes: number(minutes, word, 1, MOST) };
      const fault: Fault = {
        fate,
        on: on ? 'call' : 'write',
        number: number(text, word, 1, CALLS),
        ...late,
      };
      return { faults: [...faults, fault] };
    },
  },
  {
    what: 'act',
    shown: 'PERSON@CALL, PERSON@CALL/SECRET',
    read(word, { acts }) {
      const [, slug, call, secret] = /^([a-z0-9-]+)@([^/]*)(?:\/(.*))?$/.exec(word) ?? [];
      const person = titles.get(slug ?? '');
      if (person === undefined || call === undefined) return undefined;
      const whose = secret === undefined ? {} : { secret: number(secret, word, 1, 9) };
      return { acts: [...acts, { person, call: number(call, word, 1, CALLS), ...whose }] };
    },
  },
];

/** What does not go together, or means nothing where it stands. */
function checked(path: Path): Path {
  const { kind, scenario, passes, order, acts } = path;
  const { fits, secrets } = scenarios[scenario];
  if (fits && !fits(everyKind[kind]))
    throw new WordError(`The scenario \`${scenario}\` is none of the kind \`${kind}\`.`);
  if (order !== undefined && passes === 0)
    throw new WordError('An order needs `passes:2` or `passes:3`.');
  if (typeof order === 'object' && passes === 3)
    throw new WordError('`switch@A,B` is about two passes.');
  const lost = acts.find((act) => (act.secret ?? 1) > secrets);
  if (lost)
    throw new WordError(
      `\`${actWord(lost)}\`: the scenario \`${scenario}\` has ${secrets} of them.`,
    );
  return path;
}

/** Everything that can be said. */
export function help(): string {
  const width = Math.max(...spellings.map(({ what }) => what.length)) + 2;
  const row = (name: string, text: string) => `  ${name.padEnd(width)}${text}`;
  return [
    'A path is words in any order; what is left out is as in `storage one run`:',
    ...spellings.map(({ what, shown }) => row(what, shown)),
    '',
    'FATE, at a write, or with `call:` at any call, counted from the end of the preparation:',
    ...Object.entries(FATE_WORDS).map(([fate, words]) => row(fate, words)),
    '',
    'PERSON, before a call, with the first secret of the scenario or the one of that number:',
    ...[...titles.keys()].map((slug) => `  ${slug}`),
  ].join('\n');
}
