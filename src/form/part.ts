/** What all dialects of connection strings are read into: pieces of the text, each with its place and its spelling. */
import { KeyturnError } from '../core/errors.ts';

/** One `name=value`, or a piece of an address, with its place in the text. */
export interface TextPart {
  /** Lower case, without blanks, underscores and hyphens: `userid`. */
  readonly name: string;
  /** The value as the client reads it, without quotes and escapes. */
  readonly value: string;
  /** What some clients decode the value to, where it may be percent-encoded. */
  readonly decoded?: string;
  readonly start: number;
  readonly end: number;
  /** Another value as this dialect writes it in the place of this one; throws `bad-value` where it can't. */
  write(next: string): string;
}

/** A text opened at its credential: what every dialect gives the form. */
export interface OpenText {
  readonly form: 'bare' | 'connection-string' | 'json';
  readonly bare: string;
  readonly login?: string;
  /** The text with another credential, and login where it carries one, and everything else byte for byte. */
  fill(bare: string, login?: string): string;
}

export const bad = (detail: string): KeyturnError => new KeyturnError('bad-value', { detail });
export const nameOf = (text: string): string => text.toLowerCase().replace(/[\s_-]/g, '');

/** A piece of a text that gets another one in its place. */
export interface TextChange {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The text with these pieces in their places; they do not overlap. Once through the text, however many there are. */
export function spliced(text: string, changes: readonly TextChange[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const change of [...changes].sort((left, right) => left.start - right.start)) {
    pieces.push(text.slice(at, change.start), change.text);
    at = change.end;
  }
  return pieces.join('') + text.slice(at);
}
