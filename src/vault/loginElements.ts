/** Connection strings of elements parted by `;`: ADO.NET (with Npgsql and MySQL's), ODBC, and the tail of JDBC for SQL Server. */
import { bad, nameOf, type Part } from './loginParts.ts';

/** How a dialect quotes values. */
interface Quoting {
  /** A quoted value with the blanks around it; the group `inner` is what stands between the quotes. */
  readonly quoted: RegExp;
  /** What may stand without quotes. */
  readonly plain: RegExp;
  /** Reads what stands between the quotes that began with `open`. */
  read(inner: string, open: string): string;
  /** Writes with quotes, those that began with `open` if there were some. */
  write(value: string, open: string | undefined): string;
}

const braces: Quoting = {
  quoted: /\{(?<inner>(?:[^}]|\}\})*)\}/y,
  plain: /^[^;{}[\](),?*=!"'\s]+$/,
  read: (inner) => inner.replaceAll('}}', '}'),
  write: (value) => `{${value.replaceAll('}', '}}')}}`,
};

const DIALECTS: Readonly<Record<'ado' | 'odbc' | 'jdbc', Quoting>> = {
  /** Microsoft's DbConnectionStringBuilder: `"…"` or `'…'`, the quote doubled inside. */
  ado: {
    quoted: /"(?<inner>(?:[^"]|"")*)"|'(?<single>(?:[^']|'')*)'/y,
    plain: /^[^"'=;\s]+$/,
    read: (inner, open) => inner.replaceAll(open + open, open),
    write(value, open) {
      const quote = open ?? (value.includes('"') && !value.includes("'") ? "'" : '"');
      return quote + value.replaceAll(quote, quote + quote) + quote;
    },
  },
  odbc: braces,
  /** Microsoft's driver of Java; without braces it takes no blank. */
  jdbc: braces,
};

const NAME = /^\w[\w .-]*$/;
const BLANKS = /\s*/y;
const PLAIN = /[^;]*/y;
const END = /\s*(?:;|$)/y;
/** Empty elements, as between `;;`, mean nothing. */
const NOTHING = /[\s;]*/y;

/**
 * Reads the elements of `text` from `from` on.
 *
 * @throws `bad-value` for whatever a client may read otherwise than this does; elements are told by number
 */
export function elementsOf(text: string, dialect: keyof typeof DIALECTS, from = 0): readonly Part[] {
  const quoting = DIALECTS[dialect];
  const parts: Part[] = [];
  let at = skip(text, from, NOTHING);
  while (at < text.length) {
    const which = `Element ${parts.length + 1} of the connection string`;
    const equals = text.indexOf('=', at);
    const name = text.slice(at, Math.max(equals, at)).trim();
    if (!NAME.test(name)) throw bad(`${which} is not of the form name=value.`);
    const start = skip(text, equals + 1, BLANKS);
    const part = valueAt(text, start, quoting, which);
    at = skip(text, part.end, END);
    if (at === part.end && at < text.length) throw bad(`${which} goes on behind its closing quote.`);
    parts.push({ ...part, name: nameOf(name) });
    at = skip(text, at, NOTHING);
  }
  return parts;
}

function valueAt(text: string, start: number, quoting: Quoting, which: string): Omit<Part, 'name'> {
  const quoted = match(text, start, quoting.quoted);
  if (quoted) {
    const open = text.charAt(start);
    const inner = quoted.groups?.inner ?? quoted.groups?.single ?? '';
    const end = start + quoted[0].length;
    return { value: quoting.read(inner, open), start, end, write: (next) => quoting.write(next, open) };
  }
  const value = (match(text, start, PLAIN)?.[0] ?? '').trimEnd();
  // A quote at either end, or a doubled equals sign: an error to some clients and a part of the value to others.
  if (/^["'{=]|["']$/.test(value)) throw bad(`${which} has a quote that does not close, or none that opens.`);
  const write = (next: string) => (quoting.plain.test(next) ? next : quoting.write(next, undefined));
  return { value, start, end: start + value.length, write };
}

function match(text: string, at: number, pattern: RegExp): RegExpExecArray | null {
  const sticky = new RegExp(pattern);
  sticky.lastIndex = at;
  return sticky.exec(text);
}

const skip = (text: string, at: number, pattern: RegExp): number => at + (match(text, at, pattern)?.[0].length ?? 0);
