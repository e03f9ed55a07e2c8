/**
 * Documents of lines: `.env`, Java and Spring properties, netrc. Their readers disagree about quotes, `#`, `$` and `\` (facts on
 * values, V7.3 to V7.5): a value that reads alike in all of them is a member, any other is fixed, and refused where it matters.
 */
import { KeyturnError } from '../core/errors.ts';
import { type Document, type Member, quotedMember } from './document.ts';

const NAME = /^(?:export\s+)?([\w.[\]-]+)[^\S\n]*[=:][^\S\n]*/;
const COMMENT = /^\s*(?:[#!].*)?$/;
const UNCLEAR =
  'is spelt in a way that readers take differently: quotes, `#`, `$`, a backslash or a blank at its end';

interface Line {
  readonly text: string;
  readonly start: number;
}

function linesOf(text: string): readonly Line[] {
  let start = 0;
  return text.split('\n').map((line) => {
    const here = { text: line.endsWith('\r') ? line.slice(0, -1) : line, start };
    start += line.length + 1;
    return here;
  });
}

/** Undefined where a line is neither a comment nor `name=value`. */
export function readLines(text: string): Document | undefined {
  const lines = linesOf(text).filter((line) => !COMMENT.test(line.text));
  const named = lines.map((line) => ({ ...line, head: NAME.exec(line.text) }));
  if (named.length === 0 || named.some(({ head }) => head === null)) return undefined;
  // Names with dots are those of properties, where quotes, `#` and `$` are ordinary.
  const properties = named.some(({ head }) => head?.[1]?.includes('.'));
  const members = named.map(({ text: line, start, head }) => {
    const from = head?.[0].length ?? 0;
    const place = { path: [head?.[1] ?? ''], raw: line.slice(from), start: start + from };
    // Python's dotenv takes no colon (V7.3).
    if (!properties && /:\s*$/.test(head?.[0] ?? '')) return fixed(place);
    return properties ? property(place) : variable(place);
  });
  return { what: properties ? 'a document of properties' : 'a document of lines', members };
}

interface Place {
  readonly path: readonly string[];
  readonly raw: string;
  readonly start: number;
}

function cannot(): KeyturnError {
  return new KeyturnError('bad-value', {
    detail: 'The new credential cannot be written into the line.',
  });
}
const checked = (next: string, fine: RegExp): string => {
  if (!fine.test(next)) throw cannot();
  return next;
};

const fixed = ({ path, raw, start }: Place, why = UNCLEAR): Member => ({
  path,
  value: raw,
  start,
  end: start + raw.length,
  fixed: why,
  write() {
    throw cannot();
  },
});

/** `.env`: dotenv of Node and Python, and docker compose. */
function variable(place: Place): Member {
  const { path, raw, start } = place;
  const write = (next: string) => checked(next, /^[^"'`\\$\n]*$/);
  const quoted = quotedMember(/^(["'])([^"'`\\$\n]*)\1\s*$/.exec(raw), { path, start, write });
  if (quoted) return quoted;
  if (/[#$\\"'`]|\s$/.test(raw)) return fixed(place);
  return {
    path,
    value: raw,
    start,
    end: start + raw.length,
    write: (next) => checked(next, /^[^#$\\"'`\s][^#$\\"'`\n]*$/),
  };
}

/** java.util.Properties, and Spring, which reads `${…}` as a placeholder. */
function property(place: Place): Member {
  const { path, raw, start } = place;
  const isPlain = !/\s$|\$\{|\\(?![:=#!\\ ])/.test(raw);
  if (!isPlain) return fixed(place);
  const value = raw.replace(/\\(.)/g, '$1');
  const spelt = raw !== value;
  const write = (next: string) => {
    checked(next, /^\S(?:[^\n]*\S)?$/);
    if (next.includes('${')) throw cannot();
    return next.replaceAll('\\', '\\\\').replace(/[:=]/g, (sign) => (spelt ? `\\${sign}` : sign));
  };
  return { path, value, start, end: start + raw.length, write };
}

const WORD = /[^\s"'\\]+/g;

/** `machine h login u password p`, on one line or several; undefined where the text is none. */
export function readNetrc(text: string): Document | undefined {
  if (!/^\s*(?:#[^\n]*\n\s*)*machine\s/.test(text)) return undefined;
  const why =
    'stands in a netrc text with quotes, `default` or `macdef`, which clients read differently';
  const words = [...text.matchAll(WORD)].map((match) => ({ text: match[0], start: match.index }));
  const isClear =
    !/["'\\#]/.test(text) &&
    !words.some((word) => word.text === 'default' || word.text === 'macdef');
  const members: Member[] = [];
  let machine = '';
  for (let at = 0; at + 1 < words.length; at += 2) {
    const [name, value] = [words[at]?.text ?? '', words[at + 1]];
    if (!value) break;
    if (name === 'machine') machine = value.text;
    const path = [machine, name === 'user' ? 'login' : name];
    const place = { path, raw: value.text, start: value.start };
    const write = (next: string) => checked(next, /^[\w.~+/=-]+$/);
    members.push(
      isClear
        ? {
            path,
            value: value.text,
            start: value.start,
            end: value.start + value.text.length,
            write,
          }
        : fixed(place, why),
    );
  }
  return { what: 'a netrc text', members };
}
