/** Whether an old credential is still in use: what servers and logs say of that, put together and in words. */
import { quote, unquoted } from './quote.ts';

/** Who still uses it. Names that sessions report are chosen by the client: bounded, cleaned, and believed by nobody. */
export interface Straggler {
  /** Host, address, application or identity, whichever the source knows best. */
  readonly who: string;
  /** What it calls itself. */
  readonly program?: string;
  /** The first and the last time that it was seen, where the source says so. */
  readonly since?: Date;
  readonly last?: Date;
}

/**
 * `used`: somebody uses it, seen `on` then. `unused`: nobody has since then, and the source would have shown it: the right was
 * there, and the log flows. Everything else is `cannot tell`, with the reason in words; an empty answer alone is never `unused`.
 */
export type UseVerdict =
  | { readonly use: 'used'; readonly on: Date; readonly by: readonly Straggler[] }
  | { readonly use: 'unused'; readonly since: Date }
  | { readonly use: 'cannot tell'; readonly reason: string };

/** So many are named; of more it is enough to know that there are some. */
export const STRAGGLERS_MAX = 10;
const NAME_MAX = 128;
/** An audit record takes 500 characters of a text. */
const WORDS_MAX = 480;

/** One of them, by what a client, a server or a log said of it; undefined where nothing of that can be shown. */
export function straggler(
  who: unknown,
  {
    program,
    since,
    last,
  }: { readonly program?: unknown; readonly since?: Date; readonly last?: Date } = {},
): Straggler {
  const name = cleaned(program);
  return {
    who: cleaned(who) ?? 'a client without a name',
    ...(name === undefined ? {} : { program: name }),
    ...(since ? { since } : {}),
    ...(last ? { last } : {}),
  };
}

function cleaned(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  const clean = unquoted(text).slice(0, NAME_MAX).toWellFormed();
  return clean === '' ? undefined : clean;
}

/** What several places say of one credential, each of which it could be used at: used at one, or unused at all of them. */
export function together(verdicts: readonly UseVerdict[]): UseVerdict {
  const used = verdicts.filter((each) => each.use === 'used');
  if (used.length > 0) {
    const on = new Date(Math.max(...used.map((each) => each.on.getTime())));
    return { use: 'used', on, by: used.flatMap(({ by }) => by).slice(0, STRAGGLERS_MAX) };
  }
  const untold = verdicts.find((each) => each.use === 'cannot tell');
  if (untold) return untold;
  const unused = verdicts.filter((each) => each.use === 'unused');
  if (unused.length === 0) return { use: 'cannot tell', reason: 'Nobody could be asked.' };
  return {
    use: 'unused',
    since: new Date(Math.max(...unused.map(({ since }) => since.getTime()))),
  };
}

/** For people, logs and the audit: printable ASCII, bounded; names of clients quoted. */
export function useInWords(verdict: UseVerdict): string {
  return wordsOf(verdict).slice(0, WORDS_MAX);
}

function wordsOf(verdict: UseVerdict): string {
  if (verdict.use === 'unused') return `unused since ${verdict.since.toISOString()}`;
  if (verdict.use === 'cannot tell')
    return `cannot tell: ${verdict.reason.replace(/[^\x20-\x7e]/g, '?')}`;
  return `used at ${verdict.on.toISOString()} by ${verdict.by.map(stragglerInWords).join(', ') || 'somebody'}`;
}

function stragglerInWords({ who, program, since, last }: Straggler): string {
  const calls = program === undefined ? '' : ` (${quote(program)})`;
  const from = since ? ` since ${since.toISOString()}` : '';
  const to = last ? `, last ${last.toISOString()}` : '';
  return `${quote(who)}${calls}${from}${to}`;
}
