/** libpq's keyword strings: `host=h port=5432 user=u password='p w'` (PostgreSQL manual, 34.1.1.1). */
import { bad, nameOf, type TextPart } from './part.ts';

const PAIR =
  /\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\[\s\S])*)'(?=\s|$)|((?:[^\s'\\]|\\[\s\S])+|(?=\s|$)))/y;
const COUNTS = /^(?:user|password|host|hostaddr|port|dbname)$/i;
const PLAIN = /^[^\s'\\]+$/;

/** Reads the pairs; a quote or a backslash that libpq could take in another way is refused. */
export function keywordsOf(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  const pattern = new RegExp(PAIR);
  const { length } = text.trimEnd();
  while (pattern.lastIndex < length) {
    const found = pattern.exec(text);
    if (!found)
      throw bad(
        `Element ${parts.length + 1} of the connection string is not of the form name=value.`,
      );
    const [, name = '', quoted, plain = ''] = found;
    if (/[A-Z]/.test(name) && COUNTS.test(name))
      throw bad('libpq reads names of elements in small letters alone; write them so.');
    const raw = quoted === undefined ? plain : `'${quoted}'`;
    const end = pattern.lastIndex;
    const write = (next: string) =>
      quoted === undefined && PLAIN.test(next) ? next : `'${escaped(next)}'`;
    const value = (quoted ?? plain).replace(/\\([\s\S])/g, '$1');
    parts.push({ name: nameOf(name), value, start: end - raw.length, end, write });
  }
  return parts;
}

const escaped = (value: string): string => value.replace(/['\\]/g, '\\$&');
