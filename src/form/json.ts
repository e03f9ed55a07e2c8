/** Reads a JSON document into its members, each with its place, so that the rest of the document need not be written anew. */
import { KeyturnError } from '../core/errors.ts';
import type { Document, Member } from './document.ts';

const DEPTH_MAX = 64;
/** A string that does not close would end with the text: there is none in JSON, and nothing is read twice (finding ATK-08). */
const TOKEN = /"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s{}[\],:"]+/g;

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Undefined where the text is no JSON. @throws `bad-value` where it is nested too deeply */
export function readJson(text: string): Document | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined; // its own message would quote the value
  }
  return { what: 'a JSON document', members: new Walk(text).members() };
}

/** One walk over the tokens of a text that is known to be JSON. */
class Walk {
  readonly #tokens: readonly Token[];
  readonly #members: Member[] = [];
  #at = 0;

  constructor(text: string) {
    this.#tokens = [...text.matchAll(TOKEN)].map((match) => ({
      text: match[0],
      start: match.index,
      end: match.index + match[0].length,
    }));
  }

  members(): readonly Member[] {
    this.#value([]);
    return this.#members;
  }

  #value(path: readonly string[]): void {
    if (path.length > DEPTH_MAX)
      throw new KeyturnError('bad-value', { detail: 'The JSON document is nested too deeply.' });
    const token = this.#next();
    if (token.text === '{') this.#inside('}', path, () => this.#key(path));
    else if (token.text === '[') {
      let index = 0;
      this.#inside(']', path, () => String(index++));
    } else this.#members.push(memberOf(token, path));
    if (token.text === '{' || token.text === '[')
      this.#members.push({ ...memberOf(token, path), value: '' });
  }

  #inside(close: string, path: readonly string[], name: () => string): void {
    while (this.#tokens[this.#at]?.text !== close) {
      this.#value([...path, name()]);
      if (this.#tokens[this.#at]?.text === ',') this.#at += 1;
    }
    this.#at += 1;
  }

  #key(path: readonly string[]): string {
    const token = this.#next();
    const key = JSON.parse(token.text) as string;
    this.#at += 1; // the colon
    // A name counts only as text that might hold a credential; nothing is found by it.
    this.#members.push({ ...memberOf(token, [...path, key, '']), fixed: 'is a name' });
    return key;
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined)
      throw new KeyturnError('bad-value', { detail: 'The JSON document ends too soon.' });
    this.#at += 1;
    return token;
  }
}

function memberOf({ text, start, end }: Token, path: readonly string[]): Member {
  const isText = text.startsWith('"');
  const value = isText ? (JSON.parse(text) as string) : text;
  const place = { path, value, start, end, write: (next: string) => JSON.stringify(next) };
  return isText ? place : { ...place, fixed: 'is not a string' };
}
