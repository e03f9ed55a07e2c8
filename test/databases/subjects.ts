/** Both kinds over real servers, for the contract and for rotations: roles, users, and clients that log in. */
import mysqlDriver from 'mysql2/promise';
import pg from 'pg';
import type { Clock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Rotator } from '../../src/ports/rotator.ts';
import { mysqlLogin } from '../../src/rotators/mysqlLogin.ts';
import { postgresqlLogin } from '../../src/rotators/postgresqlLogin.ts';
import {
  type DatabaseFacts,
  type DatabaseServers,
  MYSQL_TYPE,
  POSTGRESQL_TYPE,
} from '../../src/targets/databaseServers.ts';
import { mysql } from '../../src/targets/mysql.ts';
import { postgres } from '../../src/targets/postgres.ts';
import { type DatabaseServer, startMaria, startPostgres } from './servers.ts';

const SUBSCRIPTION = '00000000-0000-0000-0000-000000000001';
export const KEYTURN_PASSWORD = 'of-Keyturn-itself';

/** In place of what is right. */
export interface Over {
  readonly ca?: string;
  readonly host?: string;
  readonly poolerPort?: number;
}

/** A server with what a test does to it beside Keyturn. */
export interface Peer {
  readonly type: 'postgresql-login' | 'mysql-login';
  readonly server: DatabaseServer;
  /** Of a PgBouncer in front of it, through which the application goes. */
  readonly poolerPort?: number;
  /** Resource id, as the tag has it. */
  readonly target: string;
  /** @param over another authority that is trusted, another host that is dialled */
  rotator(clock: Clock, over?: Over): Rotator;
  /** As the superuser. */
  run(...statements: readonly string[]): Promise<void>;
  /** Makes a login that may log in, and no more. */
  createLogin(name: string, password: string): Promise<void>;
  /** Logs in as an application does, and asks something; the server's code where it is refused. */
  query(login: string, password: string): Promise<'ok' | string>;
  /** Logs in and stays connected until it is ended. */
  hold(login: string, password: string): Promise<{ end(): Promise<unknown> }>;
  /** As applications read it from their secret. */
  connectionString(login: string, password: string): string;
  /** Logins that the server refused for their password, by its log. */
  wrong(login: string): number;
  /** Statements in the log that changed a password. */
  changes(): number;
  stop(): Promise<void>;
}

const idOf = (type: string, name: string) =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-data/providers/${type}/${name}`;

function fixed({ host, port }: DatabaseServer, administrator: string, over: Over): DatabaseServers {
  const facts: DatabaseFacts = { host: over.host ?? host, port, administrator, passwords: true };
  return { facts: async () => facts };
}

const identity = { user: 'keyturn', password: async () => new Secret(KEYTURN_PASSWORD) };
const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

export async function postgresPeer(): Promise<Peer> {
  const server = await startPostgres();
  const { host, port, ca } = server;
  const connect = async (user: string, password: string) => {
    const client = new pg.Client({ host, port, user, password, database: 'postgres', ssl: { ca } });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const run: Peer['run'] = async (...statements) => {
    const client = await connect(server.user, server.password);
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await run(`CREATE ROLE keyturn LOGIN CREATEROLE PASSWORD '${KEYTURN_PASSWORD}'`);
  return {
    type: 'postgresql-login',
    server,
    target: idOf(POSTGRESQL_TYPE, 'pg1'),
    rotator: (clock, over = {}) =>
      postgresqlLogin({
        servers: fixed(server, 'padm', over),
        postgres: postgres({ identity, ca: over.ca ?? ca }),
        clock,
        ...(over.poolerPort === undefined ? {} : { poolerPort: over.poolerPort }),
      }),
    run,
    createLogin: (name, password) =>
      run(
        `CREATE ROLE "${name.replaceAll('"', '""')}" LOGIN PASSWORD '${password.replaceAll("'", "''")}'`,
      ),
    async query(login, password) {
      try {
        const client = await connect(login, password);
        await client.query('SELECT 1');
        await client.end();
        return 'ok';
      } catch (error) {
        return codeOf(error);
      }
    },
    hold: connect,
    connectionString: (login, password) =>
      `postgresql://${encodeURIComponent(login)}:${encodeURIComponent(password)}@localhost:${port}/postgres?sslmode=verify-full`,
    wrong: (login) =>
      server.logs().split(`FATAL:  password authentication failed for user "${login}"`).length - 1,
    changes: () => count(server.logs(), /statement: ALTER ROLE/g),
    stop: server.stop,
  };
}

export async function mariaPeer(): Promise<Peer> {
  const server = await startMaria();
  const { host, port, ca } = server;
  const connect = (user: string, password: string) =>
    mysqlDriver.createConnection({ host, port, user, password, ssl: { ca, verifyIdentity: true } });
  const run: Peer['run'] = async (...statements) => {
    const connection = await connect(server.user, server.password);
    try {
      for (const statement of statements) await connection.query(statement);
    } finally {
      await connection.end();
    }
  };
  const userOf = (name: string) => `\`${name.replaceAll('`', '``')}\`@'%'`;
  await run(
    `CREATE USER keyturn@'%' IDENTIFIED BY '${KEYTURN_PASSWORD}'`,
    "GRANT CREATE USER ON *.* TO keyturn@'%'",
    "GRANT SELECT ON mysql.* TO keyturn@'%'",
  );
  return {
    type: 'mysql-login',
    server,
    target: idOf(MYSQL_TYPE, 'my1'),
    rotator: (clock, over = {}) =>
      mysqlLogin({
        servers: fixed(server, 'padm', over),
        mysql: mysql({ identity, ca, ...over }),
        clock,
      }),
    run,
    createLogin: (name, password) =>
      run(
        `CREATE USER ${userOf(name)} IDENTIFIED BY '${password.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
      ),
    async query(login, password) {
      try {
        const connection = await connect(login, password);
        await connection.query('SELECT 1');
        await connection.end();
        return 'ok';
      } catch (error) {
        return codeOf(error);
      }
    },
    hold: connect,
    connectionString: (login, password) =>
      `Server=localhost;Port=${port};Database=app;Uid=${login};Pwd=${password};SslMode=VerifyFull`,
    wrong: (login) => server.logs().split(`Connect\tAccess denied for user '${login}'@`).length - 1,
    changes: () => count(server.logs(), /Query\tALTER USER/g),
    stop: server.stop,
  };
}

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code);
