/** Colours, where a person looks on: none in a pipe, with NO_COLOR (no-color.org) or on a terminal that knows none. */
import type { Io, Out } from '../io.ts';

const CODES = { red: 31, green: 32, yellow: 33, blue: 34, dim: 2, bold: 1 } as const;
export type Colour = keyof typeof CODES;

const colours: Readonly<Record<string, Colour>> = {
  ...{
    ok: 'green',
    settled: 'green',
    proved: 'green',
    done: 'green',
    ready: 'green',
    followed: 'green',
  },
  ...{
    due: 'yellow',
    grace: 'yellow',
    unproved: 'yellow',
    leaving: 'yellow',
    'at-risk': 'yellow',
    'cannot tell': 'yellow',
  },
  ...{
    waiting: 'blue',
    held: 'blue',
    approval: 'blue',
    accepted: 'blue',
    asked: 'blue',
    stored: 'blue',
    owed: 'yellow',
  },
  ...{
    refused: 'red',
    failed: 'red',
    conflict: 'red',
    drift: 'red',
    'opt-in-lost': 'red',
    problem: 'red',
    'not ready': 'red',
    pinned: 'red',
  },
  ...{ compliant: 'green', 'too-old': 'red', 'cannot-tell': 'yellow' },
  ...{ exempt: 'dim', unmanaged: 'dim', revoked: 'dim', replaced: 'dim', foreign: 'dim' },
};

/** Of a state, a phase or a finding. */
export const colourOf = (word: string): Colour | undefined =>
  Object.hasOwn(colours, word) ? colours[word] : undefined;

/** Whether this stream shows colours. */
export const hasColours = ({ env }: Pick<Io, 'env'>, { isTty }: Out): boolean =>
  isTty && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';

export const coloured = (text: string, colour: Colour | undefined): string =>
  colour === undefined ? text : `\x1b[${CODES[colour]}m${text}\x1b[0m`;
