/**
 * MySQL and MariaDB over `mysql2`: what their rotator asks of a server. TLS is verified, each call has a connection of its
 * own, and the clear password of an application never leaves for the server but to log in (azure-facts 5.4).
 */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { compact } from '../core/compact.ts';
import { BusyError, KeyturnError, UnknownOutcomeError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import type { Secret } from '../core/secret.ts';
import {
  ACCEPTED,
  type AnswerRow,
  answered,
  type RefusedFor,
  row,
  type ServerAnswer,
  SILENCE,
  tlsFault,
  wordsOf,
} from '../core/serverAnswer.ts';
import { STRAGGLERS_MAX, type Straggler, straggler, type UseVerdict } from '../core/uses.ts';
import {
  type DatabaseFacts,
  type DatabaseIdentity,
  knownIdentity,
  untrusted,
} from './databaseServers.ts';
import {
  type Account,
  type AskServer,
  accountsIn,
  type MysqlAccountFacts,
  type Plugin,
  pluginOf,
} from './mysqlAccounts.ts';
import { cachingSha2Hash, nativeHash } from './mysqlHashes.ts';

type Place = Pick<DatabaseFacts, 'host' | 'port'>;

export interface MysqlApi {
  /** The accounts that are there by these names, in whatever capitals and for whatever hosts. */
  accounts(place: Place, accounts: readonly Account[]): Promise<readonly MysqlAccountFacts[]>;
  /**
   * Whether Keyturn's own user may change others: by its grants, as far as they tell; undefined where a role may bring it. With the
   * user's name and host, and nothing else of the lines, which hold a hash of its password.
   */
  mayChange(place: Place): Promise<{ readonly may: boolean | undefined; readonly me?: string }>;
  /** Sent once, as a hash. */
  setPassword(place: Place, account: Account, password: Secret): Promise<void>;
  tryLogin(place: Place, user: string, password: Secret): Promise<ServerAnswer>;
  /** Who is connected as this user now, Keyturn's own connection aside. */
  sessions?(place: Place, user: string, now: Date): Promise<UseVerdict>;
}

export interface MysqlOptions {
  readonly identity: DatabaseIdentity | undefined;
  /** Of a local authority, for tests; otherwise those that Node trusts. */
  readonly ca?: string;
}

const CONNECT_MILLISECONDS = 15_000;
const ANSWER_MILLISECONDS = 20_000;

/**
 * Sessions of one user (facts F6.4): without PROCESS the server shows whoever asks their own alone, and says nothing of that
 * (measured on MariaDB 10.11). Never the column INFO, which may hold values. TIME counts from the last change of state.
 */
const SESSIONS =
  'SELECT USER AS name, HOST AS place, TIME AS seconds FROM information_schema.processlist WHERE USER = ? AND ID <> CONNECTION_ID() LIMIT 200';

export function mysql({ identity, ca }: MysqlOptions): MysqlApi {
  // Without `verifyIdentity` mysql2 takes every trusted certificate, whoever's it is (measured, 3.24).
  const ssl = compact({ rejectUnauthorized: true, verifyIdentity: true, ca });
  const open = async (
    place: Place,
    user: string,
    password: Secret,
    token = false,
  ): Promise<Connection> => {
    const { createConnection } = await import('mysql2/promise');
    return await createConnection({
      host: place.host,
      port: place.port,
      user,
      password: password.reveal(),
      ssl,
      connectTimeout: CONNECT_MILLISECONDS,
      multipleStatements: false,
      // A token of Entra goes as it is, and nothing else does.
      enableCleartextPlugin: token,
    });
  };
  const asKeyturn = async <T>(place: Place, work: (ask: AskServer) => Promise<T>): Promise<T> => {
    const { user, password } = knownIdentity(identity);
    const connection = await open(place, user, await password(), true).catch((error: unknown) => {
      throw notLoggedIn(error, place);
    });
    // A connection that breaks later says so in the statement that waits.
    connection.on('error', () => undefined);
    try {
      return await work(async (sql, values = []) => {
        const statement = { sql, values: [...values], timeout: ANSWER_MILLISECONDS };
        // Values apart from the text: how a text is escaped depends on the server's sql_mode.
        const call =
          values.length > 0
            ? connection.execute<RowDataPacket[]>
            : connection.query<RowDataPacket[]>;
        const [rows] = await call.call(connection, statement);
        return rows;
      });
    } finally {
      connection.destroy();
    }
  };
  return {
    accounts: (place, accounts) =>
      asKeyturn(place, (ask) =>
        accountsIn(accounts, ask).catch((error: unknown) => {
          throw refused(error, place, 'show its users', false);
        }),
      ),
    mayChange: (place) =>
      asKeyturn(place, async (ask) => {
        const rows = await ask('SHOW GRANTS').catch((error: unknown) => {
          throw refused(error, place, 'show its own grants', false);
        });
        const lines = rows.map((row) => String(Object.values(row)[0]));
        const me = granteeOf(lines);
        return { may: mayChangeBy(lines), ...(me === undefined ? {} : { me }) };
      }),
    setPassword: (place, account, password) =>
      asKeyturn(place, async (ask) => {
        const plugin = await pluginOf(account, ask).catch((error: unknown) => {
          throw refused(error, place, 'show its users', false);
        });
        await ask(alterUser(account, plugin, password, place)).catch((error: unknown) => {
          throw refused(error, place, `change the password of ${quote(account.user)}`, true);
        });
      }),
    sessions: (place, user, now) =>
      asKeyturn(place, async (ask) => {
        const unseen = (error: unknown) => {
          throw refused(error, place, 'show its sessions', false);
        };
        // First, or an answer without rows would say nothing.
        const lines = await ask('SHOW GRANTS').catch(unseen);
        const sees = seesSessions(lines.map((line) => String(Object.values(line)[0])));
        const rows = (await ask(SESSIONS, [user]).catch(unseen)).map(
          ({ name, place: from, seconds }): SessionRow => ({
            name: String(name),
            place: from,
            seconds: Number(seconds),
          }),
        );
        // The view compares without regard to case; users differ by it.
        const open = rows.filter(({ name }) => name === user);
        if (open.length > 0) return { use: 'used', on: now, by: sessionsOf(open, now) };
        if (sees) return { use: 'unused', since: now };
        return {
          use: 'cannot tell',
          reason: `Keyturn's user at ${place.host} sees no sessions of others: GRANT PROCESS ON *.* to it.`,
        };
      }),
    async tryLogin(place, user, password) {
      let connection: Connection | undefined;
      try {
        connection = await open(place, user, password);
        connection.on('error', () => undefined);
        // A server may let an expired password in, and then refuse whatever is not another one (1820; measured on MariaDB 10.11).
        await connection.query({ sql: 'SELECT 1', timeout: ANSWER_MILLISECONDS });
        return ACCEPTED;
      } catch (error) {
        return answerOf(error, connection !== undefined);
      } finally {
        connection?.destroy();
      }
    },
  };
}

interface SessionRow {
  readonly name: string;
  readonly place: string | null;
  readonly seconds: number;
}

/** One for each host, whose every connection has a port of its own. */
function sessionsOf(rows: readonly SessionRow[], now: Date): readonly Straggler[] {
  const hosts = new Map<string, number>();
  for (const { place, seconds } of rows) {
    const host = (place ?? '').replace(/:\d+$/, '');
    hosts.set(
      host,
      Math.min(hosts.get(host) ?? Number.POSITIVE_INFINITY, Math.max(0, seconds || 0)),
    );
  }
  return [...hosts]
    .slice(0, STRAGGLERS_MAX)
    .map(([host, seconds]) => straggler(host, { last: new Date(now.getTime() - seconds * 1000) }));
}

/** Names in backticks need no backslashes, whatever the server's sql_mode says of those. */
const identifier = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** The hash in the form that MariaDB, and MySQL for each of its plugins, takes (MySQL manual, ALTER USER; 8.0.17 for `0x`). */
export function alterUser(
  { user, host }: Account,
  plugin: Plugin | undefined,
  password: Secret,
  place: Pick<Place, 'host'>,
): string {
  const start = `ALTER USER ${identifier(user)}@${identifier(host)} IDENTIFIED`;
  if (plugin === 'mariadb') return `${start} BY PASSWORD '${nativeHash(password)}'`;
  if (plugin === 'mysql_native_password')
    return `${start} WITH mysql_native_password AS '${nativeHash(password)}'`;
  if (plugin === 'caching_sha2_password') {
    return `${start} WITH caching_sha2_password AS 0x${cachingSha2Hash(password).toString('hex')}`;
  }
  throw new KeyturnError('failed', {
    detail: `${quote(user)} is not there on ${place.host}, or logs in otherwise.`,
  });
}

/** CREATE USER or everything, on the server; or writing the schema of users. The lines hold a hash of the password: none is kept. */
export function mayChangeBy(grants: readonly string[]): boolean | undefined {
  const on = (privileges: RegExp, place: string) => isGranted(grants, privileges, place);
  if (
    on(/\b(ALL PRIVILEGES|CREATE USER)\b/, '*.*') ||
    on(/\b(ALL PRIVILEGES|UPDATE)\b/, '`mysql`.*')
  )
    return true;
  // A role that is granted may bring it, or not be active; an update of everything may be taken back in part.
  return grants.some((grant) => /^GRANT [`']/.test(grant)) || on(/\bUPDATE\b/, '*.*')
    ? undefined
    : false;
}

const isGranted = (grants: readonly string[], privileges: RegExp, place: string): boolean =>
  grants.some(
    (grant) =>
      grant.includes(` ON ${place} TO `) && privileges.test(grant.slice(0, grant.indexOf(' ON '))),
  );

/** Whether these lines give the right to see everybody's sessions; a role that may bring it does not count, for it may not be active. */
export const seesSessions = (grants: readonly string[]): boolean =>
  isGranted(grants, /\b(ALL PRIVILEGES|PROCESS)\b/, '*.*');

/** `` `keyturn`@`%` `` in the first line; undefined where the name is no plain one. */
export function granteeOf([first = '']: readonly string[]): string | undefined {
  const [, user, host] = / TO [`']([\w.-]{1,80})[`']@[`']([\w.%:-]{1,255})[`']/.exec(first) ?? [];
  return user === undefined ? undefined : `'${user}'@'${host}'`;
}

/** The server's error number; undefined where it did not answer. */
function numberOf(error: unknown): number | undefined {
  const { errno, sqlState } = (error ?? {}) as { errno?: unknown; sqlState?: unknown };
  return typeof errno === 'number' && errno >= 1000 && sqlState !== undefined ? errno : undefined;
}

/**
 * What a number says of a login (MySQL: server error message reference, and the manual on account locking, password management and
 * resource limits; MariaDB: error codes, account locking; both: sql_acl.cc and sql_authentication.cc, acl_authenticate, which looks at
 * the password before lock, expiry and limits). Measured on MariaDB 10.11: 1045, 1226, 1820, 4150, 4151. By the manual alone: 1862,
 * 3118, 3955 and what else is MySQL's own.
 */
const ANSWERS: Readonly<Record<number, AnswerRow>> = {
  // Also for a login from an address that it may not come from, or without the client certificate that it needs.
  1045: row('wrong'),
  1698: row('wrong'),
  // Too many connections of the whole server.
  1040: row('not asked', 'busy'),
  1053: row('not asked', 'busy'),
  // A host that is blocked after broken connections; one of no user at all.
  1129: row('not asked', 'address'),
  1130: row('not asked', 'address'),
  // Only over TLS; a plugin that the server has no more.
  3159: row('not asked', 'no-tls'),
  1524: row('not asked', 'other'),
  // MAX_USER_CONNECTIONS, and the limits by the hour: counted for a user that was let in.
  1203: row('right', 'limited'),
  1226: row('right', 'limited'),
  // The database, where a connection names one.
  1044: row('right', 'database'),
  1049: row('right', 'database'),
  // The password must be changed: at the login, or at the first statement behind it.
  1820: row('right', 'expired'),
  1862: row('right', 'expired'),
  // ACCOUNT LOCK.
  3118: row('right', 'locked'),
  4151: row('right', 'locked'),
  // Too many wrong passwords: FAILED_LOGIN_ATTEMPTS, max_password_errors. Said before this one is looked at.
  3955: row('not asked', 'locked'),
  4150: row('not asked', 'locked'),
};

/** @param isIn it was let in, and refused what it asked then: the password was right */
function answerOf(error: unknown, isIn: boolean): ServerAnswer {
  const number = numberOf(error);
  if (number === undefined) return isIn ? ACCEPTED : (tlsFault(error) ?? SILENCE);
  const found = ANSWERS[number];
  return answered(`${number}`, isIn && found?.password !== 'right' ? row('right', 'other') : found);
}

/** Too many connections, by server, user or limit. */
const FULL = new Set([1040, 1203, 1226]);

/** Keyturn's own connection: nothing was changed yet. */
function notLoggedIn(error: unknown, { host }: Place): KeyturnError {
  if (error instanceof KeyturnError) return error;
  const number = numberOf(error);
  const options = number === undefined ? {} : { code: `${number}` };
  const fault = number === undefined ? untrusted(host, error) : undefined;
  if (fault) return fault;
  if (number === undefined || FULL.has(number)) {
    const detail = `${host} could not be reached, or took no connection (${number ?? 'no answer'}).`;
    return new BusyError('target-busy', { ...options, detail });
  }
  const own = ownLogin(number, host);
  if (own) return own;
  const detail = `${host} did not let Keyturn log in (${number}): make its identity a user there, or mend KEYTURN_DATABASE_USER.`;
  return new KeyturnError('target-forbidden', { ...options, detail });
}

/** What is wrong with Keyturn's own login, where its number says more than "no"; its password was right, or not asked for. */
function ownLogin(number: number, host: string): KeyturnError | undefined {
  const found = ANSWERS[number];
  if (found?.refusedFor === undefined || found.password === 'wrong') return undefined;
  const how: { readonly [refusedFor in RefusedFor]?: string } = {
    expired: 'ALTER USER … PASSWORD EXPIRE NEVER',
    locked: 'ALTER USER … ACCOUNT UNLOCK, or FLUSH PRIVILEGES where wrong passwords locked it',
    address: 'let it in from where Keyturn runs',
  };
  const remedy = how[found.refusedFor];
  if (remedy === undefined) return undefined;
  const detail = `Keyturn's own login: ${wordsOf(host, answered(`${number}`, found))}: ${remedy}.`;
  return new KeyturnError('target-forbidden', { code: `${number}`, detail });
}

/** A plugin that judges passwords takes no hash, or none of its kind (MariaDB: strict_password_validation; MySQL: validate_password). */
const JUDGED = new Set([1396, 1819]);

/** No right to the statement or to the tables of users. */
const FORBIDDEN = new Set([1044, 1045, 1142, 1143, 1227, 1370]);
/** Locks and a server that is read-only for now: nothing was changed. */
const PASSES = new Set([1205, 1213, 1290, 1792, 1836]);

/** A statement that failed. The server's own words may hold the statement and are left behind. */
function refused(error: unknown, { host }: Place, doing: string, write: boolean): KeyturnError {
  if (error instanceof KeyturnError) return error;
  const number = numberOf(error);
  const options = number === undefined ? {} : { code: `${number}` };
  const detail = `${host} was asked to ${doing} (${number ?? 'no answer'}).`;
  // 1053: the server goes down; 1317, 1927: somebody ended the statement or the connection, whatever it had done.
  if (number === undefined || [1053, 1317, 1927].includes(number)) {
    return new (write ? UnknownOutcomeError : BusyError)('target-busy', { ...options, detail });
  }
  const own = ownLogin(number, host);
  if (own) return own;
  if (write && JUDGED.has(number)) {
    const why =
      'The user is not there, or a plugin that judges passwords takes no hash: SET GLOBAL strict_password_validation = OFF, or uninstall it.';
    return new KeyturnError('not-accepted', { ...options, detail: `${detail} ${why}` });
  }
  if (FORBIDDEN.has(number)) {
    const remedy = 'Give its user CREATE USER on the server and SELECT on the schema mysql.';
    return new KeyturnError('target-forbidden', { ...options, detail: `${detail} ${remedy}` });
  }
  if (PASSES.has(number)) return new BusyError('target-busy', { ...options, detail });
  return new KeyturnError('failed', { ...options, detail });
}
