/** Kafka's JAAS lines: `module flag name="value" … ;` (gh: apache/kafka JaasConfig.java; facts on values, V3). */
import { bad, nameOf, type TextPart } from './part.ts';

const MODULE = /^([\w.$]+)\s+(required|requisite|sufficient|optional)(?=\s)/i;
const PLAIN_MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const PAIR =
  /\s+(\w+)=(?:"((?:[^"\\\n]|\\["\\])*)"|'((?:[^'\\\n]|\\['\\])*)'|([\w.$-]+))(?=[\s;])/y;

export const looksLikeJaas = (text: string): boolean => MODULE.test(text);

/** @throws `bad-value` for other modules, several of them, and what the tokenizer cuts short */
export function jaasParts(text: string): readonly TextPart[] {
  const [head = '', module] = MODULE.exec(text) ?? [];
  if (module !== PLAIN_MODULE)
    throw bad(`The JAAS configuration is read with the module ${PLAIN_MODULE} alone.`);
  const parts: TextPart[] = [];
  const pattern = new RegExp(PAIR);
  pattern.lastIndex = head.length;
  let at = head.length;
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    const [, name = '', double, single, bare = ''] = found;
    const raw = double ?? single;
    const end = pattern.lastIndex - (raw === undefined ? 0 : 1);
    const start = end - (raw ?? bare).length;
    const quote = double === undefined ? "'" : '"';
    const write = (next: string) => written(next, raw === undefined ? undefined : quote);
    parts.push({
      name: nameOf(name),
      value: (raw ?? bare).replace(/\\([\s\S])/g, '$1'),
      start,
      end,
      write,
    });
    at = pattern.lastIndex;
  }
  if (text.slice(at).trim() !== ';') {
    throw bad(
      'The JAAS configuration is not of the form name="value" … with a `;` at its end; put values into quotes.',
    );
  }
  const user = parts.find(({ name }) => name === 'username')?.value;
  if (user !== '$ConnectionString')
    throw bad('The username of the JAAS configuration is not `$ConnectionString`.');
  return parts;
}

function written(next: string, quote: string | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f]/.test(next) || (quote === undefined && !/^[\w.$-]+$/.test(next)))
    throw bad('The new credential cannot be written into the JAAS configuration.');
  return quote === undefined ? next : next.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);
}
