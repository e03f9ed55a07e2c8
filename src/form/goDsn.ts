/** Go's data source names of MySQL: `login:password@tcp(host:port)/database?name=value`, without escapes of any kind (V6). */
import { hostsOf } from './address.ts';
import { bad, nameOf, type TextPart } from './part.ts';

const NET = /^tcp\(([\w.-]+(?::\d{1,5})?)\)$/;
const MEANT = /@\w+\([^()]*\)\/[^/]*$/;

export const looksLikeGoDsn = (text: string): boolean =>
  !/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && MEANT.test(text.slice(-2048));

/** The login ends at the first colon, the password at the last `@` before the last `/` of the whole text. */
export function goDsnParts(text: string): readonly TextPart[] {
  const slash = text.lastIndexOf('/');
  const at = text.lastIndexOf('@', slash);
  const colon = text.indexOf(':');
  if (slash < 0 || colon < 0 || at < colon)
    throw bad('The data source name is not of the form login:password@tcp(host)/.');
  const host = NET.exec(text.slice(at + 1, slash))?.[1];
  if (host === undefined)
    throw bad('The data source name has to reach its host by tcp(host:port).');
  const piece = (name: string, start: number, end: number, write: TextPart['write']): TextPart => ({
    name,
    value: text.slice(start, end),
    start,
    end,
    write,
  });
  const login = piece('user', 0, colon, (next) => plain(next, /[:/@]/));
  const password = piece('password', colon + 1, at, (next) => plain(next, /[/@]/));
  return [login, password, ...hostsOf(host, at + 1 + 'tcp('.length), ...optionsOf(text, slash)];
}

function optionsOf(text: string, slash: number): readonly TextPart[] {
  const mark = text.indexOf('?', slash);
  if (mark < 0) return [];
  let at = mark + 1;
  return text
    .slice(mark + 1)
    .split('&')
    .map((pair): TextPart => {
      const equals = pair.indexOf('=');
      const value = equals < 0 ? '' : pair.slice(equals + 1);
      const start = at + pair.length - value.length;
      at += pair.length + 1;
      return {
        name: nameOf(pair.slice(0, equals < 0 ? undefined : equals)),
        value,
        start,
        end: start + value.length,
        write: () => value,
      };
    });
}

/** A slash or an at sign in the password reads as it should only as long as no option holds one: none is written. */
function plain(next: string, not: RegExp): string {
  if (not.test(next) || next === '')
    throw bad('The new login or password cannot be written into the data source name.');
  return next;
}
