/**
 * Connection strings of `name=value` elements: those of Azure's services, StackExchange.Redis, ADO.NET (with Npgsql and MySQL's),
 * ODBC, and the tail of JDBC. What a client may read otherwise than this does is refused (facts on values, V1.1, V2, V4).
 */
import { bad, nameOf, type TextPart } from './part.ts';

/** How a dialect parts its elements and quotes their values. */
interface Grammar {
  readonly separator: ';' | ',';
  /** A quoted value; the group `inner` is what stands between the quotes. */
  readonly quoted?: RegExp;
  /** What may stand without quotes, when it is written. */
  readonly plain: RegExp;
  /** Reads what stands between the quotes that began with `open`. */
  read?(inner: string, open: string): string;
  /** Writes with quotes, those that began with `open` if there were some; undefined where it can't. */
  write?(value: string, open: string | undefined): string | undefined;
  /** What can't be read for certain in a value without quotes. */
  readonly unclear?: RegExp;
  /** Elements without `=` are hosts, not mistakes. */
  readonly nameless?: true;
  /** Blanks at the ends of names and values are a part of them. */
  readonly keepsBlanks?: true;
}

const doubled = (value: string): string => `{${value.replaceAll('}', '}}')}}`;
const braces = {
  separator: ';',
  quoted: /\{(?<inner>(?:[^}]|\}\})*)\}/y,
  plain: /^[^;{}[\](),?*=!"'\s]+$/,
  read: (inner: string) => inner.replaceAll('}}', '}'),
  write: doubled,
  unclear: /^["'{=]|["']$/,
} satisfies Grammar;

/** Services read everything up to the next separator; a quote would be a part of the key, and never worked (V1.1). */
const service = { separator: ';', plain: /^[^\s;,"']+$/, unclear: /^["']|["']$/ } satisfies Grammar;

const GRAMMARS = {
  service,
  redis: { ...service, separator: ',', nameless: true },
  /** Microsoft's DbConnectionStringBuilder: `"…"` or `'…'`, the quote doubled inside. */
  ado: {
    separator: ';',
    quoted: /"(?<inner>(?:[^"]|"")*)"|'(?<single>(?:[^']|'')*)'/y,
    plain: /^[^"'=;{}\s]+$/,
    read: (inner: string, open: string) => inner.replaceAll(open + open, open),
    write(value: string, open: string | undefined) {
      const quote = open ?? (value.includes('"') && !value.includes("'") ? "'" : '"');
      return quote + value.replaceAll(quote, quote + quote) + quote;
    },
    // In the middle, Go takes it for an opening one (V4.6).
    unclear: /^['{=]|"|'$/,
  },
  odbc: braces,
  /** Microsoft's driver of Java; without braces it takes no blank. */
  jdbc: { ...braces, unclear: /\{|^["'=]|["']$/ },
  /** jTDS has neither quotes nor escapes, and keeps blanks. */
  jtds: { separator: ';', plain: /^[^;\s](?:[^;]*[^;\s])?$/, unclear: /^\{/, keepsBlanks: true },
  /** Prisma's lexer: braces without a way to write the closing one, and nothing beyond ASCII. */
  prisma: {
    separator: ';',
    quoted: /\{(?<inner>[^{}]*)\}/y,
    plain: /^[^:=\\/;[\]{}\s"'\u0080-\uffff]+$/,
    read: (inner: string) => inner,
    write: (value: string) => (/^[\x20-\x7a|~]*$/.test(value) ? `{${value}}` : undefined),
    unclear: /[:=\\/[\]{}\u0080-\uffff]/,
  },
} satisfies Readonly<Record<string, Grammar>>;
export type ElementsDialect = keyof typeof GRAMMARS;

const NAME = /^[\w$][\w .-]*$/;
const BLANKS = /\s*/y;

/** Reads the elements of `text` from `from` on. @throws `bad-value`; an element that can't be read is told by its number */
export function elementsOf(text: string, dialect: ElementsDialect, from = 0): readonly TextPart[] {
  const grammar: Grammar = GRAMMARS[dialect];
  const parts: TextPart[] = [];
  const separators = grammar.separator === ';' ? /[\s;]*/y : /[\s,]*/y;
  let at = skip(text, from, separators);
  for (let number = 1; at < text.length; number += 1) {
    const part = elementAt(text, at, grammar, `Element ${number} of the connection string`);
    parts.push(part);
    // The closing quote, if there is one, is behind the value.
    at = skip(text, behind(text, part, grammar, number), separators);
  }
  return parts;
}

function elementAt(text: string, at: number, grammar: Grammar, which: string): TextPart {
  const stop = ends(text, at, grammar.separator);
  const equals = text.indexOf('=', at);
  if (grammar.nameless && (equals < 0 || equals > stop)) {
    const value = text.slice(at, stop).trimEnd();
    return { name: '', value, start: at, end: at + value.length, write: () => value };
  }
  const name = text.slice(at, Math.max(equals, at)).trim();
  if (equals > stop || !NAME.test(name)) throw bad(`${which} is not of the form name=value.`);
  if (
    grammar.keepsBlanks &&
    (/\s/.test(text.charAt(at - 1)) || /^.*=\s|\s=|\s$/.test(text.slice(at, stop)))
  )
    throw bad(`${which} has a blank at its ends, which is a part of it; take it away.`);
  return { ...valueAt(text, skip(text, equals + 1, BLANKS), grammar, which), name: nameOf(name) };
}

function valueAt(
  text: string,
  start: number,
  grammar: Grammar,
  which: string,
): Omit<TextPart, 'name'> {
  const quoted = grammar.quoted && match(text, start, grammar.quoted);
  if (quoted) {
    const open = text.charAt(start);
    const inner = quoted.groups?.inner ?? quoted.groups?.single ?? '';
    const value = grammar.read?.(inner, open) ?? inner;
    return {
      value,
      start,
      end: start + quoted[0].length,
      write: (next) => written(next, grammar, open),
    };
  }
  const value = text.slice(start, ends(text, start, grammar.separator)).trimEnd();
  // A quote at either end, or a doubled equals sign: an error to some clients and a part of the value to others.
  if (grammar.unclear?.test(value))
    throw bad(`${which} has a quote that does not close, or none that opens.`);
  return {
    value,
    start,
    end: start + value.length,
    write: (next) => written(next, grammar, undefined),
  };
}

function written(next: string, grammar: Grammar, open: string | undefined): string {
  if (open === undefined && grammar.plain.test(next)) return next;
  const quoted = grammar.write?.(next, open);
  if (quoted === undefined)
    throw bad('The new credential or login cannot be written into the connection string.');
  return quoted;
}

function behind(text: string, { end }: TextPart, { separator }: Grammar, number: number): number {
  const at = skip(text, end, BLANKS);
  if (at < text.length && text[at] !== separator) {
    throw bad(`Element ${number} of the connection string goes on behind its closing quote.`);
  }
  return at;
}

const ends = (text: string, from: number, separator: string): number => {
  const at = text.indexOf(separator, from);
  return at < 0 ? text.length : at;
};

function match(text: string, at: number, pattern: RegExp): RegExpExecArray | null {
  const sticky = new RegExp(pattern);
  sticky.lastIndex = at;
  return sticky.exec(text);
}

const skip = (text: string, at: number, pattern: RegExp): number =>
  at + (match(text, at, pattern)?.[0].length ?? 0);
