/** The few statements of T-SQL that logins are changed with, read as strictly as the server does. */
import { key, type Login, type Permission, type SqlServer, weakness } from './sqlServer.ts';
import type { SqlError } from './tdsWire.ts';

/** Who runs a batch, and where. */
export interface Session {
  server: SqlServer;
  database: string;
  /** A login, a contained user or the name of an Entra principal. */
  name: string;
  permissions: ReadonlySet<Permission>;
  administrator: boolean;
}

/** Thrown out of a batch; what its earlier statements did stays. */
export class StatementError extends Error {
  readonly sql: SqlError;

  constructor(sql: SqlError) {
    super(`SQL error ${sql.number}`);
    this.sql = sql;
  }
}

const failure = (number: number, message: string, severity = 16) =>
  new StatementError({ number, class: severity, message });
const syntax = (near: string) => failure(102, `Incorrect syntax near '${near.slice(0, 30)}'.`, 15);

const TOKEN =
  /\s+|\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*"|[nN]?'(?:[^']|'')*'|[\p{L}_#@][\p{L}\p{N}_#@$]*|[=;]/uy;

/** The words of a batch, white space left out; error 102 for what is none, 105 for a quote that is not closed. */
function words(text: string): string[] {
  const found: string[] = [];
  const pattern = new RegExp(TOKEN);
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const word = pattern.exec(text)?.[0];
    if (word === undefined) {
      if (/^(\[|"|[nN]?')/.test(text.slice(at)))
        throw failure(105, 'Unclosed quotation mark after the character string.', 15);
      throw syntax(text.slice(at));
    }
    if (word.trim() !== '') found.push(word);
  }
  return found;
}

class Reader {
  readonly #words: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#words = words(text);
  }

  get ended(): boolean {
    return this.#at >= this.#words.length;
  }

  /** Takes the word if it is this one. */
  takes(word: string): boolean {
    if (this.#words[this.#at]?.toUpperCase() !== word) return false;
    this.#at += 1;
    return true;
  }

  needs(word: string): void {
    if (!this.takes(word)) throw syntax(this.#words[this.#at] ?? word);
  }

  /** `[x]`, `"x"` or a regular identifier. */
  name(): string {
    const word = this.#words[this.#at++] ?? '';
    if (word.startsWith('[')) return word.slice(1, -1).replaceAll(']]', ']');
    if (word.startsWith('"')) return word.slice(1, -1).replaceAll('""', '"');
    if (!/^[\p{L}_#@]/u.test(word) || word.includes("'")) throw syntax(word);
    return word;
  }

  literal(): string {
    const [, text] = /^[nN]?'(.*)'$/s.exec(this.#words[this.#at++] ?? '') ?? [];
    if (text === undefined) throw syntax(this.#words[this.#at - 1] ?? '');
    return text.replaceAll("''", "'");
  }
}

/** Runs a batch, statement after statement; throws `StatementError`. */
export function runBatch(text: string, session: Session): void {
  // What a client sets up for itself changes nothing here.
  if (/^(\s*set [\w ]+(\n|;|$))+\s*$/i.test(text)) return;
  const reader = new Reader(text);
  if (reader.ended) return;
  while (!reader.ended) {
    statement(reader, session);
    while (reader.takes(';')) if (reader.ended) return;
  }
}

const MAY_LOGIN =
  "SELECT HAS_PERMS_BY_NAME(NULL, NULL, N'ALTER ANY LOGIN') AS may, (SELECT COUNT(*) FROM sys.fn_my_permissions(NULL, N'SERVER') WHERE permission_name = N'ALTER ANY LOGIN') AS listed";
const MAY_USER =
  "SELECT HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'ALTER ANY USER') AS may, (SELECT COUNT(*) FROM sys.fn_my_permissions(NULL, N'DATABASE') WHERE permission_name = N'ALTER ANY USER') AS listed";

/**
 * The two questions about one's own rights, in these words alone, and behind them which principals are there. Whether Azure SQL answers the first function for rights of the
 * server or gives NULL is unverified; a server with `permissionsUnknown` gives NULL and lists nothing, and lists what is held.
 */
export function runQuery(text: string, session: Session): Record<string, number | null> {
  const { server, permissions, administrator } = session;
  const asked = [MAY_LOGIN, MAY_USER].find((query) => text.startsWith(query));
  if (asked === undefined) throw syntax(text.slice(0, 30));
  const held =
    administrator || permissions.has(asked === MAY_LOGIN ? 'ALTER ANY LOGIN' : 'ALTER ANY USER');
  const told = asked === MAY_USER || !server.permissionsUnknown;
  return {
    may: told ? Number(held) : null,
    listed: Number(held),
    ...counted(text.slice(asked.length), session, held),
  };
}

const COUNT =
  /^, \(SELECT COUNT\(\*\) FROM sys\.(sql_logins|database_principals) WHERE name = N'((?:[^']|'')*)'\) AS (n\d)/;

/** Names in the views of principals; without the right nobody sees others there (that it suffices is unverified). */
function counted(
  text: string,
  { server, database, administrator, name }: Session,
  held: boolean,
): Record<string, number> {
  if (text === '') return {};
  const [whole = '', view, quoted = '', column = ''] = COUNT.exec(text) ?? [];
  if (whole === '') throw syntax(text.slice(0, 30));
  const wanted = quoted.replaceAll("''", "'");
  const found = view === 'sql_logins' ? server.login(wanted) : server.user(database, wanted);
  const isSeen = found !== undefined && (held || administrator || key(found.name) === key(name));
  const rest = counted(
    text.slice(whole.length),
    { server, database, administrator, name } as Session,
    held,
  );
  return { [column]: Number(isSeen), ...rest };
}

function statement(reader: Reader, session: Session): void {
  const verb = ['ALTER', 'CREATE', 'DROP'].find((word) => reader.takes(word));
  if (verb === 'ALTER' && reader.takes('USER')) {
    alterUser(reader, session);
    return;
  }
  reader.needs('LOGIN');
  if (verb === 'ALTER') alterLogin(reader, session);
  else if (verb === 'CREATE') createLogin(reader, session);
  else if (verb === 'DROP') dropLogin(reader, session);
  else throw syntax('LOGIN');
}

/** `OLD_PASSWORD` is asked of those who change their own. No CHECK_POLICY, HASHED or UNLOCK on Azure SQL (azure-facts 5.2). */
function passwordOptions(reader: Reader): { password: string; old: string | undefined } {
  reader.needs('PASSWORD');
  reader.needs('=');
  const password = reader.literal();
  if (!reader.takes('OLD_PASSWORD')) return { password, old: undefined };
  reader.needs('=');
  return { password, old: reader.literal() };
}

/** That DDL of logins needs `master` is documented; the number outside of it is unverified. */
function needsMaster({ database }: Session): void {
  if (key(database) !== 'master') throw failure(5001, 'User must be in the master database.');
}

const missing = (verb: string, kind: string, name: string) =>
  failure(
    15151,
    `Cannot ${verb} the ${kind} '${name}', because it does not exist or you do not have permission.`,
  );

function alterLogin(reader: Reader, session: Session): void {
  const name = reader.name();
  needsMaster(session);
  const { server, administrator, permissions } = session;
  const found = server.login(name);
  const mayAny =
    administrator || (permissions.has('ALTER ANY LOGIN') && found !== server.administrator);
  for (const [word, enabled] of [
    ['ENABLE', true],
    ['DISABLE', false],
  ] as const) {
    if (!reader.takes(word)) continue;
    if (!found || !mayAny) throw missing('alter', 'login', name);
    found.enabled = enabled;
    return;
  }
  reader.needs('WITH');
  const { password, old } = passwordOptions(reader);
  const self = found !== undefined && key(session.name) === key(found.name);
  if (!found || !mayChange(found, old, self, mayAny)) throw missing('alter', 'login', name);
  change(server, found, password);
}

function alterUser(reader: Reader, session: Session): void {
  const name = reader.name();
  reader.needs('WITH');
  const { password, old } = passwordOptions(reader);
  const { server, database, administrator, permissions } = session;
  const found = server.user(database, name);
  const self = found !== undefined && key(session.name) === key(found.name);
  const mayAny = administrator || permissions.has('ALTER ANY USER');
  if (!found || !mayChange(found, old, self, mayAny)) throw missing('alter', 'user', name);
  change(server, found, password);
}

const mayChange = (
  found: Login,
  old: string | undefined,
  self: boolean,
  mayAny: boolean,
): boolean =>
  (mayAny || (self && old !== undefined)) && (old === undefined || old === found.password);

/** The numbers for Azure SQL are unverified (azure-facts 13). */
function change(server: SqlServer, found: Login, password: string): void {
  checkPolicy(password, found.name);
  server.setPassword(found, password);
}

function checkPolicy(password: string, name: string): void {
  const weak = weakness(password, name);
  if (weak === undefined) return;
  const words =
    'Password validation failed. The password does not meet the requirements of the policy because it is';
  throw failure(weak === 'not complex' ? 15118 : 15116, `${words} ${weak}.`);
}

function createLogin(reader: Reader, session: Session): void {
  const name = reader.name();
  reader.needs('WITH');
  const { password } = passwordOptions(reader);
  needsMaster(session);
  const { server, administrator, permissions } = session;
  if (!administrator && !permissions.has('ALTER ANY LOGIN'))
    throw failure(15247, 'User does not have permission to perform this action.');
  if (server.login(name)) throw failure(15025, `The server principal '${name}' already exists.`);
  checkPolicy(password, name);
  server.createLogin(name, password);
}

function dropLogin(reader: Reader, session: Session): void {
  const name = reader.name();
  needsMaster(session);
  const { server, administrator, permissions } = session;
  const may = administrator || permissions.has('ALTER ANY LOGIN');
  if (!may || !server.logins.delete(key(name))) throw missing('drop', 'login', name);
}
