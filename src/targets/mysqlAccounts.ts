/** Who is an administrator of a MySQL or MariaDB server, as its own tables say. */
import type { RowDataPacket } from 'mysql2/promise';
import { addDays } from '../core/clock.ts';
import { compact } from '../core/compact.ts';

/** MySQL's users are a name and the hosts that it may come from. */
export interface Account {
  readonly user: string;
  readonly host: string;
}

export interface MysqlAccountFacts {
  readonly user: string;
  readonly host: string;
  /** How it logs in; undefined for another way than a password that Keyturn can make. */
  readonly plugin: Plugin | undefined;
  /** `ACCOUNT LOCK`. */
  readonly locked: boolean;
  /** `REQUIRE X509`, `ISSUER` or `SUBJECT`: without a client certificate the right password is answered like a wrong one. */
  readonly certificate: boolean;
  /** When its password was set last. */
  readonly changedOn?: Date;
  /** When its password runs out; in the past where it has, also by `PASSWORD EXPIRE`. */
  readonly expiresOn?: Date;
  /** After so many days a new password runs out; 0: never. */
  readonly lifetimeDays?: number;
  /** After so many wrong passwords in a row nobody is let in with it. */
  readonly triesMax?: number;
  /** Has a privilege on the whole server that changes something, by itself or by a role, or on the tables of users. */
  readonly strong: boolean;
}

/** A row of an answer, by the names of its columns. */
export type Row = RowDataPacket;

/** One statement, with its values apart from the text, which only DDL has none of. */
export type AskServer = (sql: string, values?: readonly string[]) => Promise<RowDataPacket[]>;

/** How the account logs in: MariaDB's only plugin that takes a hash made here, and two of MySQL. */
export type Plugin = 'mariadb' | 'mysql_native_password' | 'caching_sha2_password';

/** Privileges on the whole server that only look. With any other one an account is an administrator's. */
const HARMLESS = new Set([
  'USAGE',
  'SELECT',
  'SHOW DATABASES',
  'SHOW VIEW',
  'PROCESS',
  'EXECUTE',
  'LOCK TABLES',
  'CREATE TEMPORARY TABLES',
  'REPLICATION CLIENT',
  'BINLOG MONITOR',
  'SLAVE MONITOR',
]);
/** The same in the table of users, which alone tells what a role of MariaDB may: its view of privileges leaves roles out (measured). */
const HARMLESS_COLUMNS = new Set([
  'select_priv',
  'show_db_priv',
  'show_view_priv',
  'process_priv',
  'execute_priv',
  'lock_tables_priv',
  'create_tmp_table_priv',
  'repl_client_priv',
]);
/** Roles may have roles; more steps than this are no design but a ring. */
const ROLES_MAX = 50;

const isMaria = async (ask: AskServer): Promise<boolean> => {
  const [row] = await ask('SELECT VERSION() AS version');
  return /mariadb/i.test(String(row?.version));
};

export async function accountsIn(
  accounts: readonly Account[],
  ask: AskServer,
): Promise<readonly MysqlAccountFacts[]> {
  const maria = await isMaria(ask);
  const found: (Omit<MysqlAccountFacts, 'expiresOn'> & Life)[] = [];
  for (const account of accounts) {
    for (const row of await rowsOf(account, ask)) {
      const [user, host] = [String(row.name), String(row.place)];
      const strong = await isStrong({ user, host }, maria, ask);
      const life = maria ? mariaLife(await privOf({ user, host }, ask), row) : mysqlLife(row);
      const certificate = !['', 'ANY'].includes(String(row.ssl_type ?? ''));
      found.push({ user, host, plugin: named(row.plugin, maria), strong, certificate, ...life });
    }
  }
  const server = await limitsOf(maria, ask);
  return found.map(({ lifetimeDays = server.lifetimeDays, expired, ...facts }) => {
    const { changedOn, triesMax = server.triesMax } = facts;
    const ends = changedOn && lifetimeDays > 0 ? addDays(changedOn, lifetimeDays) : undefined;
    return {
      ...facts,
      lifetimeDays,
      ...(triesMax === undefined ? {} : { triesMax }),
      ...(expired ? { expiresOn: new Date(0) } : ends ? { expiresOn: ends } : {}),
    };
  });
}

/** What the server keeps of a password beside its hash. */
interface Life {
  readonly locked: boolean;
  readonly changedOn?: Date;
  /** `PASSWORD EXPIRE`. */
  readonly expired: boolean;
  /** 0: it never runs out; undefined: as the server has it. */
  readonly lifetimeDays?: number;
  readonly triesMax?: number;
}

/** MySQL's own columns (MySQL manual, grant tables); `User_attributes` holds the limit of wrong passwords. */
function mysqlLife({
  account_locked,
  password_expired,
  password_last_changed,
  password_lifetime,
  User_attributes,
}: Row): Life {
  const attributes: unknown =
    typeof User_attributes === 'string' ? JSON.parse(User_attributes) : User_attributes;
  const { Password_locking } = (attributes ?? {}) as {
    Password_locking?: { failed_login_attempts?: unknown };
  };
  const tries = Number(Password_locking?.failed_login_attempts ?? 0);
  return compact({
    locked: account_locked === 'Y',
    expired: password_expired === 'Y',
    changedOn: password_last_changed instanceof Date ? password_last_changed : undefined,
    lifetimeDays:
      password_lifetime === null || password_lifetime === undefined
        ? undefined
        : Number(password_lifetime),
    triesMax: tries > 0 ? tries : undefined,
  });
}

/** MariaDB has it in one document (knowledge base, mysql.global_priv); a moment of 0 is `PASSWORD EXPIRE` (measured on 10.11). */
function mariaLife(priv: unknown, { password_expired }: Row): Life {
  const { account_locked, password_last_changed, password_lifetime } = (priv ?? {}) as Readonly<
    Record<string, unknown>
  >;
  const changed = typeof password_last_changed === 'number' ? password_last_changed : undefined;
  return compact({
    locked: account_locked === true,
    expired: password_expired === 'Y' || changed === 0,
    changedOn: changed === undefined ? undefined : new Date(changed * 1000),
    lifetimeDays:
      typeof password_lifetime === 'number' && password_lifetime >= 0
        ? password_lifetime
        : undefined,
  });
}

async function privOf({ user, host }: Account, ask: AskServer): Promise<unknown> {
  const [found] = await ask('SELECT priv FROM mysql.global_priv WHERE user = ? AND host = ?', [
    user,
    host,
  ]);
  return typeof found?.priv === 'string' ? JSON.parse(found.priv) : found?.priv;
}

/** What holds for all who have nothing of their own. MariaDB counts wrong passwords for the whole server. */
async function limitsOf(
  maria: boolean,
  ask: AskServer,
): Promise<{ readonly lifetimeDays: number; readonly triesMax?: number }> {
  const names = maria
    ? ['default_password_lifetime', 'max_password_errors']
    : ['default_password_lifetime'];
  const rows = await ask(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names.map((name) => `'${name}'`).join(', ')})`,
  );
  const values = new Map(
    rows.map(({ Variable_name, Value }) => [String(Variable_name), Number(Value)]),
  );
  const tries = values.get('max_password_errors') ?? 0;
  return compact({
    lifetimeDays: values.get('default_password_lifetime') ?? 0,
    triesMax: tries > 0 && tries < TRIES_UNBOUNDED ? tries : undefined,
  });
}
/** MariaDB's default, 4294967295, is no limit. */
const TRIES_UNBOUNDED = 1_000_000;

export async function pluginOf(account: Account, ask: AskServer): Promise<Plugin | undefined> {
  const maria = await isMaria(ask);
  const rows = await rowsOf(account, ask);
  const row = rows.find(({ name, place }) => name === account.user && place === account.host);
  return row === undefined ? undefined : named(row.plugin, maria);
}

/** Names that differ in their capitals are users of their own, whatever the collation of the table. */
const rowsOf = ({ user }: Account, ask: AskServer) =>
  ask(
    'SELECT u.*, u.user AS name, u.host AS place FROM mysql.user u WHERE LOWER(u.user) = LOWER(?)',
    [user],
  );

function named(plugin: unknown, maria: boolean): Plugin | undefined {
  if (maria) return plugin === 'mysql_native_password' || plugin === '' ? 'mariadb' : undefined;
  return plugin === 'mysql_native_password' || plugin === 'caching_sha2_password'
    ? plugin
    : undefined;
}

async function isStrong(account: Account, maria: boolean, ask: AskServer): Promise<boolean> {
  for (const { user, host } of await withRoles(account, maria, ask)) {
    const [row] = await ask('SELECT u.* FROM mysql.user u WHERE u.user = ? AND u.host = ?', [
      user,
      host,
    ]);
    // What cannot be seen may be anything.
    if (row === undefined || Object.entries(row).some(isStrongColumn)) return true;
    const grantee = `'${user}'@'${host}'`;
    const onServer =
      'SELECT privilege_type AS kind, is_grantable AS passes FROM information_schema.user_privileges';
    const global = await ask(`${onServer} WHERE grantee = ?`, [grantee]);
    // Who may do nothing has `USAGE`: without a row Keyturn was not shown it.
    if (global.length === 0 && !maria) return true;
    if (global.some(({ kind, passes }) => !HARMLESS.has(String(kind)) || passes === 'YES'))
      return true;
    const onUsers =
      "SELECT privilege_type AS kind FROM information_schema.schema_privileges WHERE 'mysql' LIKE table_schema";
    const local = await ask(`${onUsers} AND grantee = ?`, [grantee]);
    if (local.some(({ kind }) => kind !== 'SELECT')) return true;
    const onTables =
      "SELECT table_priv AS kinds FROM mysql.tables_priv WHERE db = 'mysql' AND user = ? AND host = ?";
    const tables = await ask(onTables, [user, host]);
    if (tables.some(({ kinds }) => !/^(select)?$/i.test(String(kinds)))) return true;
  }
  return false;
}

const isStrongColumn = ([name, value]: [string, unknown]): boolean =>
  /_priv$/i.test(name) && value === 'Y' && !HARMLESS_COLUMNS.has(name.toLowerCase());

/** The account and every role that it may take on. */
async function withRoles(
  account: Account,
  maria: boolean,
  ask: AskServer,
): Promise<readonly Account[]> {
  const all = [account];
  for (let at = 0; at < all.length && all.length < ROLES_MAX; at += 1) {
    const { user, host } = all[at] as Account;
    const rows = maria
      ? await ask(
          "SELECT role AS user, '' AS host FROM mysql.roles_mapping WHERE user = ? AND host = ?",
          [user, host],
        )
      : await ask(
          'SELECT from_user AS user, from_host AS host FROM mysql.role_edges WHERE to_user = ? AND to_host = ?',
          [user, host],
        );
    for (const { user: role, host: from } of rows) {
      const known = all.some((each) => each.user === role && each.host === from);
      if (!known) all.push({ user: String(role), host: String(from) });
    }
  }
  return all;
}
