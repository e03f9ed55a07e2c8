/**
 * PostgreSQL over `pg`: what its rotator asks of a server. TLS is verified, each call has a connection of its own, and the
 * clear password of an application never leaves for the server but to log in (azure-facts 5.4).
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import type { Client } from 'pg';
import { compact } from '../core/compact.ts';
import { BusyError, KeyturnError, UnknownOutcomeError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import type { Secret } from '../core/secret.ts';
import {
  ACCEPTED,
  type AnswerRow,
  answered,
  row,
  type ServerAnswer,
  SILENCE,
  tlsFault,
} from '../core/serverAnswer.ts';
import { type Straggler, straggler, type UseVerdict } from '../core/uses.ts';
import {
  type DatabaseFacts,
  type DatabaseIdentity,
  knownIdentity,
  untrusted,
} from './databaseServers.ts';

/** What the server says of a role. */
export interface RoleFacts {
  readonly name: string;
  readonly mayLogIn: boolean;
  /** Superuser, may make roles, or is a member of a role that is or may, Azure's administrators among them. */
  readonly strong: boolean;
  /** `VALID UNTIL`: from then on no password opens it. */
  readonly validUntil?: Date;
  /** By the server's clock, which is what counts. */
  readonly expired: boolean;
  /** `CONNECTION LIMIT 0`: nobody ever gets in with it. */
  readonly closed: boolean;
}

/** A role whose password Keyturn may not change, and what that would take. */
export interface Unreachable {
  readonly name: string;
  /** Keyturn's own role. */
  readonly me: string;
  /** It has CREATEROLE. */
  readonly makes: boolean;
  readonly superuser: boolean;
  readonly replicates: boolean;
  /** `server_version_num`. */
  readonly version: number;
}

/** What is changed of a role together with its password. */
export interface RoleChange {
  /** `LOGIN` is given back to a role that a person switched off. */
  readonly login?: boolean;
  /** `VALID UNTIL`, where the role has one: it is about the password, and ends with it. */
  readonly validUntil?: Date;
}

type Place = Pick<DatabaseFacts, 'host' | 'port'>;

export interface PostgresApi {
  /** The roles that are there by these names, in whatever capitals. */
  roles(place: Place, names: readonly string[]): Promise<readonly RoleFacts[]>;
  /**
   * Which of the roles Keyturn's own could not change the password of (facts: up to PostgreSQL 15 CREATEROLE is enough, from 16 on
   * it takes the admin option, too; never a superuser's, up to 15 never one's with REPLICATION).
   */
  outOfReach(place: Place, names: readonly string[]): Promise<readonly Unreachable[]>;
  /** Sent once, as a SCRAM verifier. */
  setPassword(place: Place, role: string, password: Secret, change?: RoleChange): Promise<void>;
  tryLogin(place: Place, role: string, password: Secret): Promise<ServerAnswer>;
  /** Who is connected as this role now, Keyturn's own connection aside. */
  sessions?(place: Place, role: string, now: Date): Promise<UseVerdict>;
}

export interface PostgresOptions {
  readonly identity: DatabaseIdentity | undefined;
  /** Of a local authority, for tests; otherwise those that Node trusts. */
  readonly ca?: string;
}

const CONNECT_MILLISECONDS = 15_000;
/** The server gives up before this side does, so that a lost answer is rare. */
const STATEMENT_MILLISECONDS = 15_000;
const ANSWER_MILLISECONDS = 20_000;
const CLOSE_MILLISECONDS = 2_000;

/** Every flexible server has it, and every role may connect to it unless somebody took that away. */
const DATABASE = 'postgres';

/**
 * Where Keyturn's own connections look names up: nowhere but in the server's catalogue. Who may create a function, operator
 * or type in a schema of the path would otherwise run SQL as Keyturn (finding ATK-01): every login up to PostgreSQL 14, and on
 * servers that were upgraded since. An option of the connection goes before the settings of role and database.
 */
const OWN_PATH = '-c search_path=pg_catalog';

/**
 * The same once more, in the statement itself: every function, operator and type with its schema, and operands of the very
 * types that it takes, so that no better match can be made elsewhere. `IN`, `CASE x WHEN` and `BETWEEN` have no form with a
 * schema. Predefined roles that read or run anything on the server count as strong, like roles that make roles.
 */
export const ROLES = `SELECT r.rolname AS name, r.rolcanlogin AS may,
  coalesce(r.rolvaliduntil OPERATOR(pg_catalog.<) pg_catalog.now(), false) AS expired,
  pg_catalog.date_part('epoch'::pg_catalog.text, r.rolvaliduntil) AS until, r.rolconnlimit AS connections,
  (r.rolname OPERATOR(pg_catalog.=) current_user) OR EXISTS (SELECT FROM pg_catalog.pg_roles s WHERE
  pg_catalog.pg_has_role(r.oid, s.oid, 'member'::pg_catalog.text) AND
  (s.rolsuper OR s.rolcreaterole OR s.rolreplication OR s.rolbypassrls OR s.rolname::pg_catalog.text OPERATOR(pg_catalog.=)
  ANY (ARRAY['azure_pg_admin', 'azuresu', 'pg_execute_server_program', 'pg_write_server_files',
  'pg_read_server_files']::pg_catalog.text[]))) AS strong
  FROM pg_catalog.pg_roles r
  WHERE pg_catalog.lower(r.rolname::pg_catalog.text) OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])`;

export const OUT_OF_REACH = `SELECT x.rolname AS name, me.rolname AS me, me.rolcreaterole AS makes, x.rolsuper AS superuser,
  x.rolreplication AS replicates,
  pg_catalog.current_setting('server_version_num'::pg_catalog.text)::pg_catalog.int4 AS version FROM pg_catalog.pg_roles me, pg_catalog.pg_roles x
  WHERE me.rolname OPERATOR(pg_catalog.=) current_user
  AND x.rolname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])
  AND NOT (me.rolsuper OR (me.rolcreaterole AND NOT x.rolsuper AND
  CASE WHEN pg_catalog.current_setting('server_version_num'::pg_catalog.text)::pg_catalog.int4 OPERATOR(pg_catalog.<) 160000
  THEN NOT x.rolreplication
  ELSE pg_catalog.pg_has_role(me.oid, x.oid, 'MEMBER WITH ADMIN OPTION'::pg_catalog.text) END))`;

/**
 * Sessions of one role (facts F6.4). Without pg_read_all_stats, and without membership of the role, the server still shows each
 * row with its role and program, and hides address and start: the count is honest (measured on PostgreSQL 15). Never the column
 * `query`, which may hold values.
 */
export const SESSIONS = `SELECT a.application_name AS program, pg_catalog.host(a.client_addr) AS address,
  pg_catalog.date_part('epoch'::pg_catalog.text, a.backend_start) AS since,
  pg_catalog.date_part('epoch'::pg_catalog.text, a.state_change) AS last
  FROM pg_catalog.pg_stat_activity a
  WHERE a.usename::pg_catalog.text OPERATOR(pg_catalog.=) $1::pg_catalog.text
  AND a.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
  ORDER BY a.backend_start LIMIT 10`;

export function postgres({ identity, ca }: PostgresOptions): PostgresApi {
  const ssl = compact({ rejectUnauthorized: true, ca });
  const open = async (
    place: Place,
    user: string,
    password: Secret,
    { options, heard }: { readonly options?: string; readonly heard?: Heard } = {},
  ): Promise<Client> => {
    const { Client: PgClient } = (await import('pg')).default;
    // Our own socket, so that a dead connection can be let go of.
    const socket = new Socket();
    const client = new PgClient(
      compact({
        stream: () => socket,
        host: place.host,
        port: place.port,
        user,
        password: password.reveal(),
        database: DATABASE,
        ssl,
        application_name: 'keyturn',
        options,
        connectionTimeoutMillis: CONNECT_MILLISECONDS,
        query_timeout: ANSWER_MILLISECONDS,
        statement_timeout: STATEMENT_MILLISECONDS,
        lock_timeout: STATEMENT_MILLISECONDS,
      }),
    );
    // A connection that breaks later says so in the query that waits, and here, where nobody waits any more.
    client.on('error', () => undefined);
    sockets.set(client, socket);
    if (heard) listen(client, heard);
    try {
      await client.connect();
    } catch (error) {
      await close(client);
      throw error;
    }
    return client;
  };
  const asKeyturn = async <T>(place: Place, work: (client: Client) => Promise<T>): Promise<T> => {
    const { user, password } = knownIdentity(identity);
    const client = await open(place, user, await password(), { options: OWN_PATH }).catch(
      (error: unknown) => {
        throw notLoggedIn(error, place);
      },
    );
    try {
      return await work(client);
    } finally {
      await close(client);
    }
  };
  return {
    roles: (place, names) =>
      asKeyturn(place, async (client) => {
        const { rows } = await client
          .query<Row>(ROLES, [names.map((name) => name.toLowerCase())])
          .catch((error: unknown) => {
            throw refused(error, place, 'show its roles', false);
          });
        return rows.map(factsOf);
      }),
    outOfReach: (place, names) =>
      asKeyturn(place, async (client) => {
        const { rows } = await client
          .query<Unreachable>(OUT_OF_REACH, [[...names]])
          .catch((error: unknown) => {
            throw refused(error, place, 'show what Keyturn may change', false);
          });
        return rows;
      }),
    setPassword: (place, role, password, change = {}) =>
      asKeyturn(place, async (client) => {
        // Without parameters: one plain statement, since DDL takes none.
        await client.query(alterRole(role, scramVerifier(password), change)).catch((error) => {
          throw refused(error, place, `change the password of ${quote(role)}`, true);
        });
      }),
    sessions: (place, role, now) =>
      asKeyturn(place, async (client) => {
        const { rows } = await client
          .query<SessionRow>(SESSIONS, [role])
          .catch((error: unknown) => {
            throw refused(error, place, 'show its sessions', false);
          });
        if (rows.length === 0) return { use: 'unused', since: now };
        return { use: 'used', on: now, by: rows.map(sessionOf) };
      }),
    async tryLogin(place, role, password) {
      const heard: Heard = { asked: false, passed: false };
      try {
        await close(await open(place, role, password, { heard }));
        return heard.asked ? ACCEPTED : answered('no password', row('not asked', 'other'));
      } catch (error) {
        return answerOf(error, heard);
      }
    },
  };
}

interface SessionRow {
  program: string | null;
  address: string | null;
  since: number | null;
  last: number | null;
}

const sessionOf = ({ program, address, since, last }: SessionRow): Straggler =>
  straggler(address ?? 'an address that is hidden from Keyturn (GRANT pg_read_all_stats)', {
    program,
    ...timesOf({ since, last }),
  });

const timesOf = (
  seconds: Readonly<Record<'since' | 'last', number | null>>,
): { since?: Date; last?: Date } =>
  Object.fromEntries(
    Object.entries(seconds).flatMap(([name, at]) =>
      at === null ? [] : [[name, new Date(at * 1000)]],
    ),
  );

interface Row {
  name: string;
  may: boolean;
  strong: boolean;
  expired: boolean;
  /** Seconds since 1970; null, or infinite, where there is no end. */
  until: number | null;
  connections: number;
}

const factsOf = ({ name, may, strong, expired, until, connections }: Row): RoleFacts =>
  compact({
    name,
    mayLogIn: may,
    strong,
    expired,
    closed: connections === 0,
    validUntil:
      until !== null && Math.abs(until) <= DATE_SECONDS_MAX ? new Date(until * 1000) : undefined,
  });
/** The end of what a `Date` can tell. */
const DATE_SECONDS_MAX = 8.64e12;

/** What the server sent before it let a login in or refused it. */
interface Heard {
  /** It asked for a password. A line `trust` in pg_hba.conf lets in whoever comes. */
  asked: boolean;
  /** `AuthenticationOk`: it took what it was given, and whatever it refuses from here on is for something else. */
  passed: boolean;
}

/** `pg` tells of each message of the server by its name. */
function listen(client: Client, heard: Heard): void {
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  for (const name of [
    'authenticationSASL',
    'authenticationMD5Password',
    'authenticationCleartextPassword',
  ])
    connection.once(name, () => {
      heard.asked = true;
    });
  connection.once('authenticationOk', () => {
    heard.passed = true;
  });
}

const sockets = new WeakMap<Client, Socket>();

/** Ends the connection, by force where the server does not answer; that it had broken before is no news. */
async function close(client: Client): Promise<void> {
  const force = setTimeout(() => sockets.get(client)?.destroy(), CLOSE_MILLISECONDS);
  await client.end().catch(() => undefined);
  clearTimeout(force);
}

/** What lets Keyturn's role change the password of this one; undefined where nothing should. */
export function giveReach({
  name,
  me,
  makes,
  superuser,
  replicates,
  version,
}: Unreachable): string | undefined {
  const quoted = (role: string) => `"${role.replaceAll('"', '""')}"`;
  if (superuser) return undefined;
  const create = makes ? [] : [`ALTER ROLE ${quoted(me)} CREATEROLE`];
  if (version >= 160_000)
    return [
      ...create,
      `GRANT ${quoted(name)} TO ${quoted(me)} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`,
    ].join('; ');
  return [...create, ...(replicates ? [`ALTER ROLE ${quoted(name)} NOREPLICATION`] : [])].join(
    '; ',
  );
}

/** A verifier holds no quote (RFC 5803: base64 and digits); a name may hold any. */
export const alterRole = (
  role: string,
  verifier: string,
  { login, validUntil }: RoleChange = {},
): string =>
  `ALTER ROLE "${role.replaceAll('"', '""')}"${login ? ' LOGIN' : ''} PASSWORD '${verifier}'${
    validUntil === undefined ? '' : ` VALID UNTIL '${validUntil.toISOString()}'`
  }`;

/** RFC 5803, as PostgreSQL keeps it: what the server stores in the place of a password (azure-facts 5.4). */
export function scramVerifier(password: Secret, salt: Buffer = randomBytes(16)): string {
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const base64 = (bytes: Buffer) => bytes.toString('base64');
  const salted = pbkdf2Sync(password.reveal(), salt, SCRAM_ROUNDS, 32, 'sha256');
  const stored = createHash('sha256').update(hmac(salted, 'Client Key')).digest();
  return `SCRAM-SHA-256$${SCRAM_ROUNDS}:${base64(salt)}$${base64(stored)}:${base64(hmac(salted, 'Server Key'))}`;
}
const SCRAM_ROUNDS = 4096;

/** SQLSTATE, five letters and digits; undefined where the server did not answer. */
function codeOf(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && severity !== undefined
    ? code
    : undefined;
}

/** What a refusal says that comes before the password was taken (PostgreSQL manual, appendix A; auth.c, postinit.c). */
const BEFORE: Readonly<Record<string, AnswerRow>> = {
  // Also of a role whose VALID UNTIL has passed, and of one that is not there: the log alone tells (crypt.c, get_role_password).
  '28P01': row('wrong'),
  // No line for this host or role in pg_hba.conf, or one that says `reject` (auth.c, ClientAuthentication).
  '28000': row('not asked', 'address'),
  // Too many clients of the whole server (proc.c, InitProcess).
  '53300': row('not asked', 'busy'),
};
/** The same numbers and others behind `AuthenticationOk`, when the password was right (postinit.c; measured on 15). */
const BEHIND: Readonly<Record<string, AnswerRow>> = {
  // "role is not permitted to log in" (miscinit.c, InitializeSessionUserId).
  '28000': row('right', 'off'),
  // "too many connections for role", or for the database (miscinit.c; postinit.c, CheckMyDatabase).
  '53300': row('right', 'limited'),
  // "permission denied for database", and one that is not there (postinit.c, CheckMyDatabase, InitPostgres).
  '42501': row('right', 'database'),
  '3D000': row('right', 'database'),
  // "database is not currently accepting connections" (postinit.c).
  '55000': row('right', 'database'),
};
/** Resources, a server that goes down or comes up, its own faults: over by themselves, whenever they come. */
const PASSES = /^(53|57P|58|XX)/;

/** PgBouncer has one number for everything, and says which in words of its own (1.18: client.c, objects.c; finding SRV-12). */
const POOLER = '08P01';
const POOLER_WRONG = /^(password|SASL) authentication failed/;
const POOLER_BUSY =
  /cannot connect to server|server login has been failing|server login failed|query_wait_timeout|no more connections|shutting down/;

function poolerRow(error: unknown, isPassed: boolean): AnswerRow {
  const { message } = (error ?? {}) as { message?: unknown };
  const text = typeof message === 'string' ? message : '';
  if (!isPassed && POOLER_WRONG.test(text)) return row('wrong');
  return row(isPassed ? 'right' : 'not asked', POOLER_BUSY.test(text) ? 'busy' : 'other');
}

function answerOf(error: unknown, { asked, passed }: Heard): ServerAnswer {
  const code = codeOf(error);
  if (code === undefined) return tlsFault(error) ?? SILENCE;
  if (code === POOLER) return answered(code, poolerRow(error, passed && asked));
  const why = PASSES.test(code) ? 'busy' : 'other';
  if (passed && asked) return answered(code, BEHIND[code] ?? row('right', why));
  if (passed) return answered(code, row('not asked', why));
  return answered(code, BEFORE[code] ?? row('not asked', why));
}

/** Keyturn's own connection: nothing was changed yet. */
function notLoggedIn(error: unknown, { host }: Place): KeyturnError {
  if (error instanceof KeyturnError) return error;
  const code = codeOf(error);
  const options = compact({ code });
  const fault = code === undefined ? untrusted(host, error) : undefined;
  if (fault) return fault;
  if (code?.startsWith('28')) {
    const detail = `${host} did not let Keyturn log in (${code}): make its identity a user there, or mend KEYTURN_DATABASE_USER.`;
    return new KeyturnError('target-forbidden', { ...options, detail });
  }
  const detail = `${host} could not be reached, or took no connection (${code ?? 'no answer'}).`;
  return new BusyError('target-busy', { ...options, detail });
}

/** A statement that failed. The server's own words may hold the statement and are left behind. */
function refused(error: unknown, { host }: Place, doing: string, write: boolean): KeyturnError {
  if (error instanceof KeyturnError) return error;
  const code = codeOf(error);
  const options = code === undefined ? {} : { code };
  const detail = `${host} was asked to ${doing} (${code ?? 'no answer'}).`;
  // 08: the connection broke. 57P0x: the server goes down, and says so to whoever is connected, whatever it has done.
  if (code === undefined || /^(08|57P)/.test(code)) {
    return new (write ? UnknownOutcomeError : BusyError)('target-busy', { ...options, detail });
  }
  if (code === '42501') {
    const remedy =
      'Give its role CREATEROLE, and from PostgreSQL 16 on also GRANT <login> TO <role> WITH ADMIN TRUE, INHERIT FALSE, SET FALSE.';
    return new KeyturnError('target-forbidden', { ...options, detail: `${detail} ${remedy}` });
  }
  // Resources, locks, time-outs, a standby: nothing was changed.
  if (/^(53|55|57014|40|25006)/.test(code))
    return new BusyError('target-busy', { ...options, detail });
  return new KeyturnError('failed', { ...options, detail });
}
