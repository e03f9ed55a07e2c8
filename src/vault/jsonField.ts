/** Finds a member of a JSON document as a place in its text, so that the rest of the document need not be written anew. */
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';

const DEPTH_MAX = 64;
/** A string that does not close would end with the text: there is none in JSON, and nothing is read twice (finding ATK-08). */
const TOKEN = /"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s{}[\],:"]+/g;

interface Span {
  readonly start: number;
  readonly end: number;
}
interface Token extends Span {
  readonly text: string;
}

/**
 * The place of the string, quotes included, that `field` names: a JSON pointer (RFC 6901) or a member at the top.
 * Throws `bad-value` for what is not JSON, not there, there twice, or no string.
 */
export function locate(text: string, field: string): Span {
  const what = `the field ${quote(field)}`;
  const bad = (detail: string) => new KeyturnError('bad-value', { detail });
  try {
    JSON.parse(text);
  } catch {
    throw bad(`The value is not a JSON document, so it has not ${what}.`); // its own message would quote the value
  }
  const found = new Walk(text).find(pathOf(field));
  const [first] = found;
  if (first === undefined) throw bad(`The JSON document has not ${what}.`);
  if (found.length > 1) throw bad(`The JSON document has ${what} more than once.`);
  if (!first.text.startsWith('"')) throw bad(`In the JSON document, ${what} is not a string.`);
  return { start: first.start, end: first.end };
}

function pathOf(field: string): readonly string[] {
  if (!field.startsWith('/')) return [field];
  const unescaped = (step: string) => step.replaceAll('~1', '/').replaceAll('~0', '~');
  return field.slice(1).split('/').map(unescaped);
}

/** One walk over the tokens of a text that is known to be JSON. */
class Walk {
  readonly #tokens: readonly Token[];
  readonly #found: Token[] = [];
  #at = 0;

  constructor(text: string) {
    this.#tokens = [...text.matchAll(TOKEN)].map((match) => ({
      text: match[0],
      start: match.index,
      end: match.index + match[0].length,
    }));
  }

  find(path: readonly string[]): readonly Token[] {
    this.#value(path, 0);
    return this.#found;
  }

  /** @param path what is left of the way from here; undefined off the way */
  #value(path: readonly string[] | undefined, depth: number): void {
    if (depth > DEPTH_MAX) throw new KeyturnError('bad-value', { detail: 'The JSON document is nested too deeply.' });
    const token = this.#next();
    if (path?.length === 0) this.#found.push(token);
    if (token.text === '{') this.#members('}', path, depth, () => this.#key());
    if (token.text === '[') {
      let index = 0;
      this.#members(']', path, depth, () => String(index++));
    }
  }

  #members(close: string, path: readonly string[] | undefined, depth: number, name: () => string): void {
    while (this.#tokens[this.#at]?.text !== close) {
      const here = name();
      this.#value(path?.[0] === here ? path.slice(1) : undefined, depth + 1);
      if (this.#tokens[this.#at]?.text === ',') this.#at += 1;
    }
    this.#at += 1;
  }

  #key(): string {
    const key = JSON.parse(this.#next().text) as string;
    this.#at += 1; // the colon
    return key;
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new KeyturnError('bad-value', { detail: 'The JSON document ends too soon.' });
    this.#at += 1;
    return token;
  }
}
