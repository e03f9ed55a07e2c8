/** The option `logins=a,b` of kinds that turn two logins: two names that cannot be taken for anything else. */
import { KeyturnError } from '../../core/errors.ts';
import { quote } from '../../core/quote.ts';

/** Control, format and unassigned characters, and every line or space character but the blank. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/**
 * The two logins in the one order that everyone computes, whatever the order in the tags.
 *
 * @param wrong what the kind has against a name, in words; undefined where it is good
 * @throws `bad-tags`, naming the option
 */
export function loginPair(
  text: string | undefined,
  wrong: (name: string) => string | undefined,
): [string, string] {
  const [one, two, ...more] = (text ?? '').split(',').map((name) => name.trim());
  if (!one || !two || more.length > 0 || one.toLowerCase() === two.toLowerCase()) {
    throw bad('expected two different logins, as `logins=app_a,app_b`');
  }
  for (const name of [one, two]) {
    const reason = reasonAgainst(name) ?? wrong(name);
    if (reason !== undefined) throw bad(`${quote(name)}: ${reason}`);
  }
  return one < two ? [one, two] : [two, one];
}

/** Another name that consent, which takes no notice of capitals, could not tell from this one (case SEC-03). */
export const isTwin = (name: string, login: string): boolean =>
  name !== login && name.toLowerCase() === login.toLowerCase();

function reasonAgainst(name: string): string | undefined {
  if (!name.isWellFormed() || UNPRINTABLE.test(name))
    return 'it holds characters that do not print';
  if (/[()]/.test(name)) return 'parentheses cannot stand in a consent';
  return undefined;
}

const bad = (detail: string): KeyturnError =>
  new KeyturnError('bad-tags', {
    detail: `The tag rotator-options: \`logins\` is wrong: ${detail}.`,
  });
