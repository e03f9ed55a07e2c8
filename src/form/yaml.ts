/**
 * The YAML that people store beside their code: mappings of scalars, in blocks or in one line, as Rails' `database.yml` has them
 * (facts on values, V7.1). Whatever else YAML knows (lists, anchors, tags, blocks of text, ERB) makes a text none of these.
 */
import { KeyturnError } from '../core/errors.ts';
import { type Document, type Member, quotedMember } from './document.ts';

const LINE = /^( *)([\w.-]+):(?: +(\S.*))?$/;
const COMMENT = /^\s*(?:#.*|---)?$/;
const FLOW = /\s*([\w.-]+):\s+("(?:[^"\\]*)"|'(?:[^']*)'|[^\s,{}[\]"'][^,{}[\]]*)\s*(,|\}$)/y;
/** Scalars that begin so, or hold one of these, mean something else. */
const SPECIAL = /^[-?:,[\]{}#&*!|>'"%@`]|: |\s#|:$|<%/;
/** A letter first, and nothing that ends a scalar, in braces either. */
const PLAIN = /^[A-Za-z](?:[^\s,{}[\]"'`\\#\u0080-\uffff]*[^\s,{}[\]"'`\\#:\u0080-\uffff])?$/;
const NOT_TEXT =
  /^(?:\d{4}-\d\d?-\d\d?(?:[Tt ].*)?|[-+]?\.(?:inf|nan)|[-+.\d][\d_,:.eExXoa-fA-F+-]*|~|null|true|false|yes|no|on|off|y|n)$/i;

/** Undefined where the text is none. */
export function readYaml(text: string): Document | undefined {
  const members: Member[] = [];
  if (/<%/.test(text))
    throw new KeyturnError('bad-value', {
      detail: 'The YAML holds ERB (`<%`): what it says stands elsewhere.',
    });
  const above: { indent: number; name: string }[] = [];
  /** How far in the members of each open mapping stand; a line may go further in below a bare name alone. */
  const indents: number[] = [];
  let opens = true;
  let start = 0;
  for (const full of text.split('\n')) {
    const line = full.endsWith('\r') ? full.slice(0, -1) : full;
    const here = start;
    start += full.length + 1;
    if (COMMENT.test(line)) continue;
    if (members.length === 0 && above.length === 0 && line.startsWith('{')) {
      return readFlow(text.slice(here).trimEnd(), here, [], members) ? made(members) : undefined;
    }
    const [, blanks = '', name = '', raw = ''] = LINE.exec(line) ?? [];
    if (name === '') return undefined;
    while ((indents.at(-1) ?? -1) > blanks.length) indents.pop();
    if (indents.at(-1) !== blanks.length) {
      if (!opens) return undefined;
      indents.push(blanks.length);
    }
    opens = raw === '';
    while ((above.at(-1)?.indent ?? -1) >= blanks.length) above.pop();
    const path = [...above.map((each) => each.name), name];
    if (raw === '') above.push({ indent: blanks.length, name });
    else if (raw.startsWith('{')) {
      if (!readFlow(raw.trimEnd(), here + line.length - raw.length, path, members))
        return undefined;
    } else members.push(scalar(raw, here + line.length - raw.length, path));
  }
  return members.length > 0 ? made(members) : undefined;
}

const made = (members: readonly Member[]): Document => ({ what: 'a YAML document', members });

/** `{a: b, "c": d}` of one line. */
function readFlow(
  text: string,
  start: number,
  path: readonly string[],
  members: Member[],
): boolean {
  const pattern = new RegExp(FLOW);
  pattern.lastIndex = 1;
  for (;;) {
    const found = pattern.exec(text);
    if (!found) return false;
    const [all, name = '', raw = '', end] = found;
    const at = found.index + all.indexOf(raw, all.indexOf(':') + 1);
    members.push(scalar(raw, start + at, [...path, name]));
    if (end === '}') return true;
  }
}

function scalar(raw: string, start: number, path: readonly string[]): Member {
  const write = (next: string) => checked(next, /^[^"'\\\n]*$/);
  const quoted = quotedMember(/^(["'])([^"'\\]*)\1\s*(?:#.*)?$/.exec(raw), { path, start, write });
  if (quoted) return quoted;
  const value = raw.trimEnd();
  const place = { path, value, start, end: start + value.length, write: plain };
  if (SPECIAL.test(value))
    return {
      ...place,
      fixed: 'is spelt in a way that readers of YAML take differently; put it into quotes',
    };
  return NOT_TEXT.test(value)
    ? { ...place, fixed: 'is not a text to YAML; put it into quotes' }
    : place;
}

/** A bare word where that is a text to every reader, in quotes otherwise. */
const plain = (next: string): string =>
  PLAIN.test(next) && !NOT_TEXT.test(next) ? next : `"${checked(next, /^[^"'\\\n]*$/)}"`;

function checked(next: string, fine: RegExp): string {
  if (fine.test(next)) return next;
  throw new KeyturnError('bad-value', {
    detail: 'The new credential cannot be written into the YAML document.',
  });
}
