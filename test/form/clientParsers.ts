/**
 * Connection strings read as clients read them, one character after another: another way than the product's, so that a
 * mistake of one of them shows.
 */

export type Settings = Map<string, string>;

/** `DbConnectionStringBuilder` of .NET: `"` or `'` around a value, doubled inside. */
export function readAdo(text: string): Settings {
  return readElements(text, (so, at) => {
    const quote = so[at];
    if (quote !== '"' && quote !== "'") return undefined;
    return untilClosed(so, at + 1, quote);
  });
}

/** ODBC, and Microsoft's driver of Java behind the host: braces, the closing one doubled inside. */
export function readBraces(text: string): Settings {
  return readElements(text, (so, at) =>
    so[at] === '{' ? untilClosed(so, at + 1, '}') : undefined,
  );
}

export function readJdbcSqlServer(text: string): Settings & { host?: string } {
  const rest = text.slice('jdbc:sqlserver://'.length);
  const end = rest.indexOf(';');
  return readBraces(rest.slice(end + 1)).set('host', rest.slice(0, end));
}

/** libpq: blanks part, `'` quotes, `\` escapes. */
export function readLibpq(text: string): Settings {
  const settings: Settings = new Map();
  let at = 0;
  const blank = () => /\s/.test(text[at] ?? '');
  while (at < text.length) {
    while (blank()) at += 1;
    let name = '';
    while (at < text.length && text[at] !== '=') name += text[at++];
    at += 1;
    let value = '';
    const quoted = text[at] === "'";
    if (quoted) at += 1;
    while (at < text.length && (quoted ? text[at] !== "'" : !blank())) {
      if (text[at] === '\\') at += 1;
      value += text[at++];
    }
    if (quoted) at += 1;
    if (name.trim() !== '') settings.set(name.trim(), value);
  }
  return settings;
}

interface Closed {
  readonly value: string;
  /** Behind the closing quote. */
  readonly at: number;
}

function untilClosed(text: string, from: number, quote: string): Closed {
  let value = '';
  for (let at = from; at < text.length; at += 1) {
    if (text[at] !== quote) value += text[at];
    else if (text[at + 1] === quote) {
      value += quote;
      at += 1;
    } else return { value, at: at + 1 };
  }
  throw new Error('A quote does not close.');
}

function readElements(
  text: string,
  quotedAt: (text: string, at: number) => Closed | undefined,
): Settings {
  const settings: Settings = new Map();
  let at = 0;
  while (at < text.length) {
    const equals = text.indexOf('=', at);
    if (equals < 0) break;
    const name = text.slice(at, equals).trim().toLowerCase();
    at = equals + 1;
    while (text[at] === ' ') at += 1;
    const quoted = quotedAt(text, at);
    const end = text.indexOf(';', quoted?.at ?? at);
    const behind = end < 0 ? text.length : end;
    settings.set(name, quoted?.value ?? text.slice(at, behind).trimEnd());
    if (quoted && text.slice(quoted.at, behind).trim() !== '')
      throw new Error('Something stands behind a quote.');
    at = behind + 1;
  }
  return settings;
}
