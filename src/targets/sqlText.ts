/**
 * T-SQL of the SQL rotators: DDL takes no parameters, so names and passwords stand in the text, each in its own kind of
 * quotes (case SQL-01; azure-facts 5.2). One plain statement, never EXEC or sp_executesql: SQL Server masks passwords in
 * DDL that is sent directly, and cannot in dynamic SQL.
 */
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import { Secret } from '../core/secret.ts';

/** `sysname` is `nvarchar(128)`. */
const NAME_MAX = 128;
/** Control, format and unassigned characters, and every line or space character but the blank. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
/** SQL Server's own, and names that mean something by themselves. */
const RESERVED = /^(sa|dbo|guest|public|sys|information_schema|loginmanager|dbmanager|##.*)$/i;

/**
 * A login or user as the owner's tag names it. Throws `bad-tags` for what the server could take for another name (its
 * collation skips characters that it has no weight for, and blanks at the end) or what consent cannot spell.
 *
 * @param what names the tag and option that the text came from
 */
export function parseLoginName(text: string, what: string): string {
  const wrong = reasonAgainst(text);
  if (wrong === undefined) return text;
  throw new KeyturnError('bad-tags', {
    detail: `${what} names the login ${quote(text)}: ${wrong}.`,
  });
}

function reasonAgainst(text: string): string | undefined {
  if (text.length < 1 || text.length > NAME_MAX) return 'a login has 1 to 128 characters';
  if (!text.isWellFormed() || UNPRINTABLE.test(text))
    return 'it holds characters that do not print';
  if (/[\u{10000}-\u{10ffff}]/u.test(text))
    return 'it holds characters that the server may take for none';
  if (text !== text.trim()) return 'it begins or ends with a blank';
  if (/[,()/]/.test(text)) return 'commas, parentheses and slashes part names in a consent';
  if (text.includes('\\'))
    return 'a name with a backslash is a Windows login, which has no password here';
  if (RESERVED.test(fold(text))) return 'logins of the server itself are never rotated';
  return undefined;
}

/** Names that the server may hold for one and the same have one and the same fold: its collation ignores case and width. */
export const fold = (name: string): string => name.normalize('NFKC').toLowerCase();

/** Whether the server could take `name` for `other`, a name that is never touched. */
export function couldBe(name: string, other: string): boolean {
  if (fold(name) === fold(other)) return true;
  // Characters without weight in an old collation count as absent.
  const plain = (text: string) =>
    text
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^\x20-\x7e]/g, '');
  return /[^\x20-\x7e]/.test(name) && plain(name) === plain(other) && plain(other) !== '';
}

/**
 * A name of a database, which is sent to the server in the login record only, never in a statement. Azure gives none with a
 * slash [learn: resource-name-rules]; T-SQL may, and in a consent it would be another database.
 */
export function parseDatabaseName(text: string): string {
  const good =
    text.length >= 1 && text.length <= NAME_MAX && text.isWellFormed() && !UNPRINTABLE.test(text);
  if (good && !/[,()/]/.test(text) && text === text.trim() && fold(text) !== 'master') return text;
  throw new KeyturnError('bad-tags', {
    detail: `The tag rotator-options: \`database\` is ${quote(text)}; expected the name of a database other than master, without commas, parentheses and slashes.`,
  });
}

/** `[x]`, with `]` doubled. */
const identifier = (name: string): string => `[${name.replaceAll(']', ']]')}]`;
/** `N'x'`, with `'` doubled. */
const literal = (text: string): string => `N'${text.replaceAll("'", "''")}'`;

/** Where a login lives: in `master`, or as a user inside of one database. */
export type LoginKind = 'LOGIN' | 'USER';

/** The statement that gives a login another password; a secret, since the password stands in it. */
export const alterPassword = (kind: LoginKind, name: string, password: Secret): Secret =>
  new Secret(`ALTER ${kind} ${identifier(name)} WITH PASSWORD = ${literal(password.reveal())}`);

/**
 * Whether Keyturn may change passwords there [learn: has-perms-by-name, fn_my_permissions]: two columns, of which the first may
 * be NULL where the server does not know the right as such, and the second counts what it lists. Built-in functions and `sys`
 * alone: nobody can define names in front of them.
 *
 * @param names of each, a further column says how many there are
 */
export const mayAlter = (kind: LoginKind, names: readonly string[] = []): string =>
  (kind === 'LOGIN' ? MAY_LOGIN : MAY_USER) +
  names.map((name, at) => isThere(kind, name, at)).join('');

const MAY_LOGIN =
  "SELECT HAS_PERMS_BY_NAME(NULL, NULL, N'ALTER ANY LOGIN') AS may, (SELECT COUNT(*) FROM sys.fn_my_permissions(NULL, N'SERVER') WHERE permission_name = N'ALTER ANY LOGIN') AS listed";
const MAY_USER =
  "SELECT HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'ALTER ANY USER') AS may, (SELECT COUNT(*) FROM sys.fn_my_permissions(NULL, N'DATABASE') WHERE permission_name = N'ALTER ANY USER') AS listed";

/** A further column for each name: that these views show it to whoever may alter it is unverified (facts D6). */
const isThere = (kind: LoginKind, name: string, at: number): string =>
  `, (SELECT COUNT(*) FROM sys.${kind === 'LOGIN' ? 'sql_logins' : 'database_principals'} WHERE name = ${literal(name)}) AS n${at}`;

/** Lets Keyturn's login, by its display name, change the passwords of others; for users of one database, in it. */
export const giveAlter = (kind: LoginKind): readonly [before: string, after: string] =>
  kind === 'LOGIN'
    ? ['ALTER SERVER ROLE [##MS_LoginManager##] ADD MEMBER [', ']']
    : ['GRANT ALTER ANY USER TO [', ']'];

/** Makes a login or user; the password comes between the two. */
export const createPrincipal = (
  kind: LoginKind,
  name: string,
): readonly [before: string, after: string] => [
  `CREATE ${kind} ${identifier(name)} WITH PASSWORD = '`,
  "'",
];

/** The statement that switches a login on. A contained user is never switched off. */
export const enableLogin = (name: string): Secret =>
  new Secret(`ALTER LOGIN ${identifier(name)} ENABLE`);
