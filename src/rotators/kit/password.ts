/** Passwords for servers that keep one per login. */
import { randomInt } from 'node:crypto';
import { Secret } from '../../core/secret.ts';

/** Characters of every password. */
export const PASSWORD_LENGTH = 40;
/** No character here means anything in a connection string, a URI, a shell or SQL (azure-facts 5.2). */
const CLASSES = [
  'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  'abcdefghijklmnopqrstuvwxyz',
  '0123456789',
  '-_.~',
] as const;
const ALPHABET = CLASSES.join('');
/** SQL Server refuses a password that holds a piece of the login of this length (azure-facts 5.2). */
const PIECE = 3;
/** Some one draw in ten is thrown away; so many in a row would mean that the random source is broken. */
const DRAWS_MAX = 1000;

/**
 * 40 characters from `A–Z a–z 0–9 - _ . ~` with one of each class, not starting with `-`, holding no three characters in a
 * row of any of `logins` in whatever capitals (case SQL-02). Every password that fulfils this is equally likely: what does
 * not is drawn again as a whole.
 *
 * @param pick a number from 0 to below its argument, unbiased
 */
export function newPassword(
  logins: readonly string[],
  pick: (below: number) => number = randomInt,
): Secret {
  const forbidden = new Set(logins.flatMap(piecesOf));
  for (let draw = 0; draw < DRAWS_MAX; draw += 1) {
    const text = Array.from(
      { length: PASSWORD_LENGTH },
      () => ALPHABET[pick(ALPHABET.length)],
    ).join('');
    if (isGood(text, forbidden)) return new Secret(text);
  }
  throw new Error('No password was found: the random source is broken.');
}

function isGood(text: string, forbidden: ReadonlySet<string>): boolean {
  if (text.startsWith('-')) return false;
  if (!CLASSES.every((letters) => [...text].some((character) => letters.includes(character))))
    return false;
  return !piecesOf(text).some((piece) => forbidden.has(piece));
}

function piecesOf(text: string): string[] {
  const lower = text.toLowerCase();
  return Array.from({ length: Math.max(0, lower.length - PIECE + 1) }, (_, at) =>
    lower.slice(at, at + PIECE),
  );
}
